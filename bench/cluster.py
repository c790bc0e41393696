"""A registry with three hundred workers: `./dev bench cluster`.

The workers are simulated in three processes and speak the real control protocol, on a Valkey of its
own and on RabbitMQ where one is installed. Puts the figures into `docs/reference/performance.md`.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psutil
import typer
from conftest import RABBITMQ, Pair, free_ports, running_rabbitmq, running_valkey

from bench.figures import machine
from bench.page import put

TITLE = "Three hundred workers"
CROWD = Path(__file__).parents[1] / "tests" / "cluster" / "crowd.py"
PROCESSES, EACH = 3, 100
BEAT_SECONDS = 5.0
PATIENCE = 60.0


def main(seconds: float = typer.Option(20.0, help="How long beats are listened to.")) -> None:
    """Measure a registry among many workers; prints and writes the table."""
    brokers = {"Valkey": running_valkey} | (
        {"RabbitMQ": running_rabbitmq} if RABBITMQ.exists() else {}
    )
    columns: dict[str, list[str]] = {}
    for name, running in brokers.items():
        with running_valkey() as store, running() as broker, TemporaryDirectory() as folder:
            columns[name] = list(_measured(broker, store, Path(folder), seconds))
    lines = [
        f"`./dev bench cluster`, {machine()}: {PROCESSES * EACH} workers that announce themselves each"
        f" {BEAT_SECONDS:g} s. The load of the machine was {os.getloadavg()[0]:.1f} at the end: other work"
        " makes all of this slower.",
        "",
        f"| what | {' | '.join(columns)} |",
        "|---|" + "--:|" * len(columns),
        *(
            f"| {what} | {' | '.join(row)} |"
            for what, *row in zip(WHAT, *columns.values(), strict=True)
        ),
    ]
    put(TITLE, "\n".join(lines))
    print("\n".join(lines))


WHAT = (
    "a worker joins: until the registry lists it",
    "a registry starts: until it answers",
    "from then on: until it knows all 300 by its scan",
    "all 300 change their offer: until the catalogue has it",
    "processor time for their beats, of one core",
    "memory of the registry, without workers",
    "memory of the registry, with 300",
)


def _measured(broker: Pair, store: Pair, folder: Path, seconds: float) -> Iterator[str]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with _registry(broker, store, folder, port):
            _until(lambda: _get(url, "/readyz"))
            single = stack.enter_context(_crowd(broker, 1))
            yield _ms(lambda: single("say ready"), lambda: _count(url) == 1)
        crowds = [stack.enter_context(_crowd(broker, EACH)) for _ in range(PROCESSES)]
        began = time.perf_counter()
        with _registry(broker, store, folder, port) as process:
            _until(lambda: _get(url, "/livez"))
            empty = process.memory_full_info().uss
            yield f"{(time.perf_counter() - began) * 1000:.0f} ms"
            yield _ms(lambda: None, lambda: _count(url) == PROCESSES * EACH + 1)
            yield _ms(lambda: _change([*crowds, single]), lambda: _changed(url))
            before = _cpu(process)
            time.sleep(seconds)
            yield f"{(_cpu(process) - before) / seconds * 100:.1f} %"
            yield f"{empty / 2**20:.0f} MiB"
            yield f"{process.memory_full_info().uss / 2**20:.0f} MiB"


def _ms(act: Callable[[], None], seen: Callable[[], Any]) -> str:
    began = time.perf_counter()
    act()
    _until(seen)
    return f"{(time.perf_counter() - began) * 1000:.0f} ms"


def _until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.005)


def _get(url: str, path: str) -> Any:
    try:
        answer = httpx2.get(url + path, timeout=10)
    except httpx2.TransportError:
        return None
    return answer.json() if answer.status_code == httpx2.codes.OK else None


def _count(url: str) -> int:
    return int((_get(url, "/health") or {"workers": 0})["workers"])


def _change(crowds: list[Callable[[str], None]]) -> None:
    for crowd in crowds:
        crowd("change " + "c" * 64)


def _changed(url: str) -> bool:
    services = _get(url, "/catalog")["services"]
    return all(service["digests"] == ["c" * 64] for service in services)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _registry(broker: Pair, store: Pair, folder: Path, port: int) -> Iterator[psutil.Process]:
    environ = os.environ | {
        "QANAT_BROKER_URL": broker.broker_url,
        "QANAT_STORE_URL": store.url,
        "QANAT_STORAGE_URL": f"file://{folder}/storage",
        "QANAT_REGISTRY__PORT": str(port),
    }
    process = subprocess.Popen(  # our own module
        [sys.executable, "-m", "qanat_registry"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _crowd(broker: Pair, count: int) -> Iterator[Callable[[str], None]]:
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, str(CROWD), broker.broker_url, str(count), str(BEAT_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise RuntimeError("asked for pipes")

    def tell(command: str) -> None:
        stdin.write(command + "\n")
        stdin.flush()
        stdout.readline()

    try:
        stdout.readline()
        yield tell
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    typer.run(main)
