"""A registry in a process of its own, and crowds of workers that speak the control protocol."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

LEASE_SECONDS = 3.0


@dataclass
class Registry:
    """The command qanat-registry."""

    url: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "qanat_registry"],
                env=os.environ | self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def get(self, path: str) -> Any:
        """What it answers; None while it does not."""
        try:
            answer = httpx2.get(self.url + path, timeout=20)
        except httpx2.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def workers(self, state: str = "ready") -> int:
        found = self.get("/workers") or {"workers": []}
        return sum(worker["state"] == state for worker in found["workers"])


class Crowd:
    """A process of many workers; `tell` waits until it has obeyed."""

    def __init__(self, broker_url: str, count: int, beat: float) -> None:
        script = Path(__file__).with_name("crowd.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), broker_url, str(count), str(beat)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._obeyed()

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self._obeyed()

    def _obeyed(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        """End as a host that is lost."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["valkey_server", "rabbitmq_server"])
def broker(request: pytest.FixtureRequest) -> Any:
    """Each test passes on both."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def make_registry(
    broker: Any, valkey: Any, folder: Path, free_ports: Callable[[int], list[int]]
) -> Iterator[Callable[[], Registry]]:
    """Starts registries; all are ended at last."""
    made: list[Registry] = []

    def make() -> Registry:
        (port,) = free_ports(1)
        environ = {
            "QANAT_BROKER_URL": broker.broker_url,
            "QANAT_STORE_URL": valkey.url,
            "QANAT_STORAGE_URL": f"file://{folder}/storage",
            "QANAT_REGISTRY__PORT": str(port),
            "QANAT_REGISTRY__BEAT_SECONDS": "1",
            "QANAT_REGISTRY__LEASE_BEATS": str(LEASE_SECONDS),
        }
        made.append(Registry(f"http://127.0.0.1:{port}", environ, folder / f"registry-{port}.log"))
        made[-1].start()
        return made[-1]

    yield make
    for registry in made:
        registry.kill()


@pytest.fixture
def registry(make_registry: Callable[[], Registry], until: Callable[..., Any]) -> Registry:
    """A registry that hears."""
    made = make_registry()
    until(lambda: made.get("/readyz"), 60)
    return made


@pytest.fixture
def crowd(broker: Any) -> Iterator[Callable[..., Crowd]]:
    """Starts crowds; all are ended at last."""
    made: list[Crowd] = []

    def make(count: int, beat: float = 1.0) -> Crowd:
        made.append(Crowd(broker.broker_url, count, beat))
        return made[-1]

    yield make
    for one in made:
        one.kill()
