"""The last release and today's in every mix, under load: no job is lost, no client sees an error."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

STEPS = ("api", "registry", "api", "worker", "api", "registry", "api")
"""Each changes one service from one version to the other: together, all eight mixes of three."""


@pytest.fixture
def fleet(
    servers: Any,
    fleets: Any,
    folder: Path,
    until: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
) -> Iterator[Any]:
    """Nothing runs yet; on Valkey alone, or on RabbitMQ and Redis."""
    (port,) = free_ports(1)
    environ = {
        "QANAT_BROKER_URL": servers.broker_url,
        "QANAT_STORE_URL": servers.store_url,
        "QANAT_STORAGE_URL": f"file://{folder}/storage",
        "QANAT_API__REGISTRY_URL": f"http://127.0.0.1:{port}",
        "QANAT_REGISTRY__PORT": str(port),
        "QANAT_WORKER__ENGINE": "echo",
        "QANAT_WORKER__WORK_FOLDER": f"{folder}/work",
        "QANAT_WORKER__SERVICE": f"upgrade-{servers.name}",
    }
    made = fleets.Fleet(environ, folder, until, free_ports)
    yield made
    made.stop()


def roll(
    fleet: Any, load: Any, steps: Iterator[tuple[str, Path]] | Any, until: Callable[..., Any]
) -> None:
    """Replace services under load, with jobs before and after each step."""
    load.start()
    try:
        for service, python in steps:
            before = load.answers
            fleet.replace(python, service)
            until(lambda before=before: load.answers > before + 10, 60)
    finally:
        load.stop()


def all_succeed(fleet: Any, load: Any, until: Callable[..., Any]) -> None:
    assert load.faults == []
    assert len(load.jobs) > 10

    def open_jobs() -> list[str]:
        found = [httpx2.get(f"{fleet.url}/jobs/{job}", timeout=30).json() for job in load.jobs]
        return [job["jobID"] for job in found if job["status"] != "successful"]

    until(lambda: not open_jobs(), 120)


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_every_mix_of_the_last_release_and_today_works_under_load(
    fleets: Any, fleet: Any, last: Path, today: Path, until: Callable[..., Any]
) -> None:
    now = dict.fromkeys(("registry", "worker", "api"), last)
    for service in now:
        fleet.start(last, service)

    def steps() -> Iterator[tuple[str, Path]]:
        for service in STEPS:
            now[service] = today if now[service] is last else last
            yield service, now[service]

    load = fleets.Load(fleet)
    roll(fleet, load, steps(), until)

    all_succeed(fleet, load, until)


@pytest.mark.parametrize("servers", ["debian"], indirect=True)
def test_a_rolling_restart_of_each_service_under_load_is_not_noticed(
    fleets: Any, fleet: Any, today: Path, until: Callable[..., Any]
) -> None:
    for service in ("registry", "worker", "api"):
        fleet.start(today, service)

    load = fleets.Load(fleet)
    roll(fleet, load, [(name, today) for name in ("registry", "worker", "api")], until)

    all_succeed(fleet, load, until)
