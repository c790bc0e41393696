"""Services that are replaced one by one while clients use them."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

PROCESS = "/processes/qanat:echo/execution"


@dataclass
class Fleet:
    """api, registry and worker, each from an environment of its own."""

    environ: dict[str, str]
    folder: Path
    until: Callable[..., Any]
    free_ports: Callable[[int], list[int]]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    url: str = ""

    def start(self, python: Path, service: str) -> subprocess.Popen[bytes]:
        """Start a service, and wait until it does its work."""
        own = dict(self.environ)
        if service == "api":
            (port,) = self.free_ports(1)
            own["QANAT_API__PORT"] = str(port)
        before = self.boots()
        with (self.folder / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(python), "-m", f"qanat_{service}"],
                env=os.environ | own,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.running[service] = process
        if service == "worker":
            self.until(lambda: self.boots() - before, 90)
        if service == "registry":
            self.until(lambda: self.answers(self.registry_url), 90)
        if service == "api":
            url = f"http://127.0.0.1:{port}"
            self.until(lambda: self.answers(url) and self.lists(url), 90)
            self.url = url
        return process

    @property
    def registry_url(self) -> str:
        return f"http://127.0.0.1:{self.environ['QANAT_REGISTRY__PORT']}"

    def answers(self, url: str) -> bool:
        try:
            return httpx2.get(f"{url}/readyz", timeout=10).status_code == 200
        except httpx2.TransportError:
            return False

    def lists(self, url: str) -> bool:
        return httpx2.get(f"{url}/processes/qanat:echo", timeout=10).status_code == 200

    def boots(self) -> set[str]:
        """The workers that the registry knows as ready."""
        try:
            found = httpx2.get(f"{self.registry_url}/workers", timeout=10).json()["workers"]
        except httpx2.TransportError:
            return set()
        return {worker["boot"] for worker in found if worker["state"] == "ready"}

    def replace(self, python: Path, service: str) -> None:
        """Put another in the place of a service, as a rolling upgrade does.

        A registry has one address: it ends first. Of the others the new one is there before the old
        one is told to end.
        """
        old = self.running[service]
        if service == "registry":
            end(old)
        self.start(python, service)
        if service != "registry":
            end(old)

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    assert process.wait(60) == 0


class Load:
    """Clients that never stop asking; `jobs` are those accepted, `faults` whatever went wrong."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._stopping = threading.Event()
        self.jobs: list[str] = []
        self.answers = 0
        self.faults: list[str] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(ask,), daemon=True)
            for ask in (self._submit, self._wait, self._list)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _repeat(self, ask: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            ask()
            time.sleep(0.1)

    def _submit(self) -> None:
        pause = len(self.jobs) % 2
        answer = self._ask("POST", PROCESS, pause=pause, headers={"Prefer": "respond-async"})
        if self._good(answer, 201):
            self.jobs.append(answer.json()["jobID"])

    def _wait(self) -> None:
        answer = self._ask("POST", PROCESS)
        if self._good(answer, 200) and answer.text != "hello":
            self.faults.append(f"a wrong result: {answer.text[:200]}")

    def _list(self) -> None:
        answer = self._ask("GET", "/processes")
        ids = {each["id"] for each in answer.json().get("processes", ())}
        if self._good(answer, 200) and "qanat:echo" not in ids:
            self.faults.append("a list without the process")

    def _good(self, answer: httpx2.Response, status: int) -> bool:
        self.answers += 1
        if answer.status_code != status:
            self.faults.append(f"{answer.status_code}: {answer.text[:300]}")
        return answer.status_code == status

    def _ask(self, method: str, path: str, pause: int = 0, **more: Any) -> httpx2.Response:
        """Ask as through a proxy: an address that takes no connections any more is passed over."""
        body = {"inputs": {"stringInput": "hello", "pause": pause}} if method == "POST" else None
        while True:
            url = self._fleet.url
            try:
                return httpx2.request(method, url + path, json=body, timeout=60, **more)
            except httpx2.ConnectError:
                if url == self._fleet.url:
                    time.sleep(0.05)
            except httpx2.TransportError as error:
                self.faults.append(f"{method} {path}: {error!r}")
                return httpx2.Response(599, json={})
