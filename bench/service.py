"""The all-in-one as it is measured: started on a data folder of its own, its processes weighed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

START_SECONDS = 120
PARTS = {
    "qanat_api": "api",
    "qanat_registry": "registry",
    "qanat_worker": "worker",
    "qanat_worker.parent": "QGIS, warm parent and spare children",
    "valkey-server": "embedded Valkey",
    "pyqgiswps": "supervisor",
}


@dataclass(frozen=True)
class Service:
    """A running all-in-one; `first_answer` is how long it took to answer a job, in seconds."""

    url: str
    pid: int
    folder: Path
    first_answer: float

    def resident(self) -> dict[str, float]:
        """Memory of each part in MiB: what is shared between processes counted once (PSS)."""
        found: dict[str, float] = {}
        own = psutil.Process(self.pid)
        for process in (own, *own.children(recursive=True)):
            line = process.cmdline()
            part = next(
                (PARTS[word] for word in map(_plain, line) if word in PARTS), _plain(line[0])
            )
            found[part] = found.get(part, 0) + process.memory_full_info().pss / 2**20
        return found

    def idle_cpu(self, seconds: float) -> float:
        """The share of one core that all parts take while nothing is asked, in percent."""
        before = self._cpu()
        time.sleep(seconds)
        return (self._cpu() - before) / seconds * 100

    def _cpu(self) -> float:
        own = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return sum(one.user + one.system for one in times)


def _plain(word: str) -> str:
    return Path(word).name if "/" in word else word


@contextmanager
def running(port: int, registry_port: int) -> Iterator[Service]:
    """Start the all-in-one, wait for its first answer, stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="qb") as folder:
        environ = os.environ | {
            "QANAT_SERVER__DATA_FOLDER": folder,
            "QANAT_API__PORT": str(port),
            "QANAT_REGISTRY__PORT": str(registry_port),
        }
        began = time.monotonic()
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own command
                [str(Path(sys.executable).parent / "pyqgiswps")],
                env=environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _await(f"{url}/processes/native:buffer", process)
            yield Service(url, process.pid, Path(folder), time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(60)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx2.get(url).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            time.sleep(0.02)
    raise TimeoutError(f"{url} does not answer")
