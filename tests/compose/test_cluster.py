"""A cluster of containers: two versions of QGIS behind one address; parts die, come back, are replaced."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

POINT = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Point", "coordinates": [51.67, 32.66]},
        }
    ],
}
INPUTS = {"INPUT": {"value": POINT}, "DISTANCE": 1}


def echo(seconds: int) -> dict[str, Any]:
    return {"stringInput": "still here", "pause": seconds}


@pytest.mark.parametrize(("service", "version"), [("qgis-322", "3.22"), ("qgis-340", "3.40")])
def test_one_process_runs_on_each_version_of_qgis(cluster: Any, service: str, version: str) -> None:
    described = cluster.http.get(f"/processes/native:buffer@{service}").json()
    assert str(described["qgisVersion"]).startswith(version)

    answer = cluster.http.post(
        f"/processes/native:buffer@{service}/execution", json={"inputs": INPUTS}
    )
    assert answer.status_code == 200, answer.text
    (feature,) = answer.json()["features"]
    assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")


def test_without_a_service_the_newest_qgis_runs_it(cluster: Any) -> None:
    described = cluster.http.get("/processes/native:buffer").json()
    assert str(described["qgisVersion"]).startswith("3.40")


def test_containers_have_no_rights_and_write_nowhere(cluster: Any) -> None:
    for service in ("api-1", "registry", "qgis-340"):
        identity = cluster.compose(f"exec -T {service} id -u").decode().strip()
        assert identity == "10001"
        with pytest.raises(Exception, match="Read-only file system"):
            cluster.compose(f"exec -T {service} touch /opt/qanat/x")


def test_a_job_outlives_the_worker_that_ran_it(cluster: Any, until: Callable[..., Any]) -> None:
    job = cluster.submit("qanat:echo", echo(5))
    until(lambda: cluster.status(job) == "running", 60)

    cluster.compose("kill qgis-340")
    cluster.compose("up -d --no-deps qgis-340")

    until(lambda: cluster.status(job) == "successful", 180)


def test_a_worker_that_is_added_is_seen_and_one_that_goes_is_missed(
    cluster: Any, until: Callable[..., Any]
) -> None:
    def workers() -> int:
        return int(cluster.services().get("heavy", {}).get("workers", 0))

    until(lambda: workers() == 1, 60)
    cluster.compose("up -d --no-deps --scale heavy=2 heavy")
    until(lambda: workers() == 2, 120)
    cluster.compose("up -d --no-deps --scale heavy=1 heavy")
    until(lambda: workers() == 1, 120)


@pytest.mark.parametrize("part", ["rabbitmq", "valkey", "registry"])
def test_what_was_accepted_ends_though_a_part_is_restarted(
    cluster: Any, until: Callable[..., Any], part: str
) -> None:
    jobs = [cluster.submit("qanat:echo", echo(2)) for _ in range(3)]

    cluster.compose(f"restart -t 10 {part}")

    for job in jobs:
        until(lambda job=job: cluster.status(job) == "successful", 180)
    until(lambda: "qgis-340" in cluster.services(), 60)
    later = cluster.submit("qanat:echo", echo(0))
    until(lambda: cluster.status(later) == "successful", 120)


@contextmanager
def asking(url: str) -> Iterator[list[str]]:
    """Ask for the list of processes all the while; yields what went wrong."""
    wrong: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        with httpx2.Client(base_url=url, timeout=30) as http:
            while not enough.is_set():
                try:
                    answer = http.get("/processes?limit=1")
                    if answer.status_code != 200:
                        wrong.append(f"{answer.status_code}: {answer.text[:200]}")
                except httpx2.TransportError as error:
                    wrong.append(repr(error))
                enough.wait(0.05)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        enough.set()
        thread.join()


def test_apis_are_replaced_one_by_one_and_nobody_notices(
    cluster: Any, until: Callable[..., Any]
) -> None:
    with asking(str(cluster.http.base_url)) as wrong:
        for api in ("api-1", "api-2"):
            before = cluster.container(api)
            cluster.compose(f"up -d --no-deps --force-recreate {api}")
            assert cluster.container(api) != before
            until(lambda api=api: ready(cluster, api), 60)
    assert wrong == []


def ready(cluster: Any, api: str) -> bool:
    """Whether an api itself would take jobs: asked inside of its container."""
    program = "from urllib.request import urlopen; urlopen('http://127.0.0.1:9080/readyz')"
    try:
        cluster.compose(f'exec -T {api} python -c "{program}"')
    except Exception:  # noqa: BLE001 - pytest-docker raises nothing more exact
        return False
    return True
