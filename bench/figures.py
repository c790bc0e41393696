"""Times of many calls, and the machine they were taken on."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PAUSE_SECONDS = 0.1
"""What lies between two jobs of a client that is not in a hurry: time to make a process ready."""


@dataclass(frozen=True)
class Times:
    """How long some calls took, in milliseconds."""

    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.values, n=20)[-1]


def timed(call: Callable[[], object], times: int, warm_up: int = 5, pause: float = 0.0) -> Times:
    """Call so often, one after the other, `pause` seconds apart; the first calls are not counted."""
    for _ in range(warm_up):
        call()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(pause)
    return Times(found)


def machine() -> str:
    """The machine in a line."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = next(
        line.partition("=")[2].strip('"')
        for line in Path("/etc/os-release").read_text("utf-8").splitlines()
        if line.startswith("PRETTY_NAME")
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {system},"
        f" Python {platform.python_version()}"
    )


def points(count: int) -> dict[str, object]:
    """A GeoJSON FeatureCollection of so many points."""
    features = [
        {
            "type": "Feature",
            "properties": {"n": number},
            "geometry": {"type": "Point", "coordinates": [number, number / 2]},
        }
        for number in range(count)
    ]
    return {"type": "FeatureCollection", "features": features}
