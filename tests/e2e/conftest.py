"""The all-in-one, as a person starts it: `pyqgiswps` with a data folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

DATA = Path(__file__).parents[2] / "docs" / "tutorials" / "data"


@dataclass
class AllInOne:
    """`pyqgiswps` on a data folder; may be killed, and started again on the same folder."""

    folder: Path
    port: int
    registry_port: int
    until: Callable[..., Any]
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        own = {
            "QANAT_SERVER__DATA_FOLDER": str(self.folder / "data"),
            "QANAT_API__PORT": str(self.port),
            "QANAT_REGISTRY__PORT": str(self.registry_port),
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "pyqgiswps")],
                env=os.environ | own | self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )
        self.until(self.serves, 60)

    def serves(self) -> bool:
        """Whether the process list has QGIS's own processes."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            answer = httpx2.get(f"{self.url}/processes/native:buffer", timeout=5)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")


@pytest.fixture(scope="session")
def qgis() -> None:
    """QGIS of the distribution."""
    if not Path("/usr/lib/python3/dist-packages/qgis").exists():
        if os.environ.get("CI"):
            pytest.fail("python3-qgis is not installed")
        pytest.skip("python3-qgis is not installed")


@pytest.fixture
def start_all_in_one(
    qgis: None,
    folder: Path,
    until: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
) -> Iterator[Callable[..., AllInOne]]:
    """Start an all-in-one of a test's own, with more in its environment."""
    started: list[AllInOne] = []

    def start(environ: dict[str, str]) -> AllInOne:
        one = AllInOne(folder, *free_ports(2), until, environ)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        if one.process is not None and one.process.poll() is None:
            one.stop()


@pytest.fixture
def all_in_one(start_all_in_one: Callable[..., AllInOne]) -> AllInOne:
    """An all-in-one of a test's own, to be killed at will."""
    return start_all_in_one({})


@pytest.fixture(scope="session")
def server(
    qgis: None,
    tmp_path_factory: pytest.TempPathFactory,
    until: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
) -> Iterator[AllInOne]:
    """One all-in-one for all tests that leave it alone."""
    started = AllInOne(tmp_path_factory.mktemp("q"), *free_ports(2), until)
    started.start()
    yield started
    assert started.stop() == 0


@pytest.fixture
def http(server: AllInOne) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def data() -> Path:
    return DATA
