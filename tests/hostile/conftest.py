"""The all-in-one with real QGIS, a secret beside it, and a canary that nobody may call."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

SECRET = "the-canary-sings-at-noon"
TELLTALES = (SECRET, "root:", "Traceback", 'File "', "/usr/", "/home/", "/tmp/", "/var/", "/proc/")
"""What no answer may hold: contents of the server's files, and where they are."""


@dataclass
class Canary:
    """Listens on loopback; counts who calls."""

    calls: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(1)
                try:
                    self.calls.append(caller.recv(200))
                except TimeoutError:
                    self.calls.append(b"")

    def close(self) -> None:
        self._socket.close()


@dataclass
class Victim:
    """The service under attack."""

    http: httpx2.Client
    registry: httpx2.Client
    canary: Canary
    secret: Path
    folder: Path

    def execute(self, process: str, **inputs: Any) -> httpx2.Response:
        return self.http.post(f"/processes/{process}/execution", json={"inputs": inputs})

    def withstands(self, process: str, **inputs: Any) -> httpx2.Response:
        """The answer to an attack: a 4xx, or a failed job; nothing told, nobody called."""
        answer = self.execute(process, **inputs)
        assert answer.status_code >= 400, answer.text[:500]
        assert answer.status_code != 503, answer.text[:500]
        self.tells_nothing(answer)
        return answer

    def tells_nothing(self, answer: httpx2.Response) -> None:
        echoed = str(answer.request.content)
        text = answer.text
        told = [mark for mark in (*TELLTALES, str(self.folder)) if mark in text]
        assert [mark for mark in told if mark not in echoed or mark == SECRET] == [], text[:1000]
        assert self.canary.calls == []


@pytest.fixture(scope="session")
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


@dataclass
class Served:
    """An all-in-one that serves."""

    http: httpx2.Client
    registry_url: str


Serve = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def serve(until: Callable[..., Any], free_ports: Callable[[int], list[int]]) -> Serve:
    """The all-in-one by its command, until it offers a process; its log is `log` in its folder."""

    @contextmanager
    def serving(folder: Path, process_id: str, **environ: str) -> Iterator[Served]:
        port, registry_port = free_ports(2)
        own = {
            "QANAT_SERVER__DATA_FOLDER": str(folder / "data"),
            "QANAT_API__PORT": str(port),
            "QANAT_REGISTRY__PORT": str(registry_port),
        }
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "pyqgiswps")],
                env=os.environ | own | environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=folder,
            )
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            try:
                until(lambda: _serves(http, process, process_id), 60)
                yield Served(http, f"http://127.0.0.1:{registry_port}")
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(40)

    return serving


def _serves(http: httpx2.Client, process: subprocess.Popen[bytes], process_id: str) -> bool:
    assert process.poll() is None, "pyqgiswps ended, see its log"
    try:
        return http.get(f"/processes/{process_id}").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="session")
def victim(
    tmp_path_factory: pytest.TempPathFactory, serve: Serve, canary: Canary
) -> Iterator[Victim]:
    if not Path("/usr/lib/python3/dist-packages/qgis").exists():
        if os.environ.get("CI"):
            pytest.fail("python3-qgis is not installed")
        pytest.skip("python3-qgis is not installed")
    folder = tmp_path_factory.mktemp("victim")
    secret = folder / "secret.csv"
    secret.write_text(f"id,word\n1,{SECRET}\n")
    # So that what keeps an input by reference away from it is where it is, not its port.
    ports = f"[80, 443, {canary.port}]"
    with (
        serve(folder, "native:buffer", A_SECRET=SECRET, QANAT_WORKER__FETCH__PORTS=ports) as served,
        httpx2.Client(base_url=served.registry_url, timeout=60) as registry,
    ):
        yield Victim(served.http, registry, canary, secret, folder)
