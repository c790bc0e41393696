"""Measures Qanat on this machine and writes `docs/reference/performance.md`."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.client import Client
from bench.figures import PAUSE_SECONDS, Times, machine, points, timed
from bench.noop import Noop
from bench.page import put_main
from bench.service import Service, running

BODY = {"inputs": {"INPUT": {"value": points(10)}, "DISTANCE": 0.5}}
EXECUTION = "/processes/native:buffer/execution"
CLIENTS = (1, 4, 16)


def main(
    times: int = typer.Option(200, help="How often each call is timed."),
    seconds: float = typer.Option(8.0, help="How long each number of clients is tried."),
    idle: float = typer.Option(20.0, help="How long the idle service is watched, in seconds."),
) -> None:
    """Measure Qanat beside floors measured in the same run; prints and writes the table."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        step = progress.add_task("")
        page = "\n".join(
            _measure(times, seconds, idle, lambda what: progress.reset(step, description=what))
        )
    put_main(page)
    print(page)


def _measure(times: int, seconds: float, idle: float, say: Callable[[str], None]) -> Iterator[str]:
    yield from _head()
    say("plain processing.run")
    floor = _elsewhere("bench.floor", times)
    say("a child inside the worker")
    inside = _elsewhere("bench.inside", times)
    say("the all-in-one starts")
    with (
        running(*_free_ports(2)) as service,
        Client(service.url) as http,
    ):
        say("idle")
        time.sleep(5)
        cpu, memory = service.idle_cpu(idle), service.resident()
        say("jobs over HTTP, one client")
        sync = timed(lambda: _execute(http), times, pause=PAUSE_SECONDS)
        say("a bare Celery task")
        with _noop_worker(service) as noop:
            bare = timed(noop.call, times)
        say("process list and description")
        listed = timed(lambda: http.get("/processes"), times)
        described = timed(lambda: http.get("/processes/native:buffer"), times)
        size = len(http.get("/processes"))
        yield from _latencies(floor, inside, bare, sync)
        yield from _pages(listed, described, size)
        say("many clients")
        yield from _throughput(service, seconds)
    yield from _costs(service.first_answer, cpu, memory)


def _head() -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield f"Measured by `./dev bench` on {datetime.now(UTC):%Y-%m-%d}: {machine()}."
    yield "Every figure is of one run; trust the ratios more than the times. ms unless said otherwise."


def _latencies(floor: Times, inside: Times, bare: Times, sync: Times) -> Iterator[str]:
    yield from (
        "",
        "## `native:buffer` over 10 points",
        "",
        "| what | median | 95 % | beside (a) |",
        "|---|--:|--:|--:|",
    )
    for name, found in (
        ("(a) `processing.run` in a warm process, one each 100 ms", floor),
        ("(b) a child inside the worker, one each 100 ms", inside),
        ("a bare Celery task that does nothing, same broker", bare),
        ("(c) HTTP, synchronous, one client, a job each 100 ms", sync),
    ):
        more = f"{found.median - floor.median:+.1f} ms, x {found.median / floor.median:.1f}"
        yield f"| {name} | {found.median:.1f} | {found.p95:.1f} | {more} |"


def _pages(listed: Times, described: Times, size: int) -> Iterator[str]:
    yield from (
        "",
        "## Reading",
        "",
        "| what | median | 95 % | requests a second, one client |",
        "|---|--:|--:|--:|",
    )
    for name, found in (
        (f"`GET /processes`, all ({size // 1024} KiB)", listed),
        ("one description", described),
    ):
        yield f"| {name} | {found.median:.2f} | {found.p95:.2f} | {1000 / found.median:.0f} |"


def _throughput(service: Service, seconds: float) -> Iterator[str]:
    yield from (
        "",
        "## Many clients at once, synchronous",
        "",
        "| clients | jobs a second | median | 95 % |",
        "|--:|--:|--:|--:|",
    )
    for clients in CLIENTS:
        found, took = _together(service.url, clients, seconds)
        rate = len(found.values) / took
        yield f"| {clients} | {rate:.1f} | {found.median:.1f} | {found.p95:.1f} |"


def _costs(first_answer: float, cpu: float, memory: dict[str, float]) -> Iterator[str]:
    yield from ("", "## What it costs", "", "| what | |", "|---|--:|")
    yield f"| from start to the first description of a process | {first_answer:.1f} s |"
    yield f"| idle: all parts together, of one core | {cpu:.1f} % |"
    for part, size in sorted(memory.items(), key=lambda item: -item[1]):
        yield f"| memory: {part} (shared pages counted once) | {size:.0f} MiB |"
    yield f"| memory: all | {sum(memory.values()):.0f} MiB |"


def _execute(http: Client) -> None:
    http.post(EXECUTION, BODY)


def _elsewhere(module: str, times: int) -> Times:
    """Times that a module measures in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        environ = os.environ | {"HOME": home, "QGIS_CUSTOM_CONFIG_PATH": home}
        result = subprocess.run(  # noqa: S603  # our own modules
            [sys.executable, "-m", module, str(times)],
            env=environ,
            capture_output=True,
            check=False,
            timeout=300,
        )
    if result.returncode:
        raise RuntimeError(result.stderr.decode())
    return Times(json.loads(result.stdout.splitlines()[-1]))


@contextmanager
def _noop_worker(service: Service) -> Iterator[Noop]:
    (path,) = service.folder.rglob("*.sock")
    url = f"redis+socket://{path}?virtual_host=5"
    worker = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "bench.noop", url],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    noop = Noop(url)
    try:
        noop.call()
        yield noop
    finally:
        noop.close()
        worker.terminate()
        worker.wait(30)


def _together(url: str, clients: int, seconds: float) -> tuple[Times, float]:
    """So many clients ask for jobs, each one after the other, for a while."""
    found: list[float] = []
    end = time.perf_counter() + seconds

    def ask() -> None:
        with Client(url) as http:
            while time.perf_counter() < end:
                began = time.perf_counter()
                _execute(http)
                found.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Times(found), time.perf_counter() - began


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


if __name__ == "__main__":
    typer.run(main)
