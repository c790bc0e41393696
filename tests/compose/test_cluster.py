"""A cluster of containers: two versions of QGIS behind one address; parts die, come back, are replaced."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from tests.compose import images

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

INPUTS = {"INPUT": {"value": images.POINT}, "DISTANCE": 1}
OURS = ("api-1", "registry", "qgis-340")


def echo(seconds: int) -> dict[str, Any]:
    return {"stringInput": "still here", "pause": seconds}


def inspected(name: str) -> Any:
    (found,) = json.loads(images.done("docker", "inspect", name))
    return found


@pytest.mark.parametrize(("service", "version"), [("qgis-322", "3.22"), ("qgis-340", "3.40")])
def test_one_process_runs_on_each_version_of_qgis(
    cluster: Any, newest: bool, service: str, version: str
) -> None:
    if newest and service in images.OLD:
        pytest.skip("only the newest QGIS was asked for; both: ./dev compose")
    described = cluster.http.get(f"/processes/native:buffer@{service}").json()
    assert str(described["qgisVersion"]).startswith(version)

    answer = cluster.http.post(
        f"/processes/native:buffer@{service}/execution", json={"inputs": INPUTS}
    )
    assert answer.status_code == 200, answer.text
    (feature,) = answer.json()["features"]
    assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")


def test_without_a_service_the_first_of_the_order_runs_it(cluster: Any) -> None:
    described = cluster.http.get("/processes/native:buffer").json()
    assert str(described["qgisVersion"]).startswith("3.40")
    assert described["service"] == "qgis-340"


@pytest.mark.parametrize("service", OURS)
def test_a_container_has_no_rights_and_writes_nowhere(cluster: Any, service: str) -> None:
    container = inspected(cluster.container(service))
    image = inspected(container["Image"])
    assert container["Config"]["User"] == "10001:10001"
    assert container["HostConfig"]["ReadonlyRootfs"] is True
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert image["Config"]["Healthcheck"]["Test"]
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"].startswith("qanat-")
    assert not any("password" in name.lower() for name in container["Config"]["Env"])
    state = cluster.inside(service, 'print(open("/proc/self/status").read())')
    assert "CapEff:\t0000000000000000" in state
    assert "NoNewPrivs:\t1" in state
    with pytest.raises(Exception, match="Read-only file system"):
        cluster.inside(service, 'open("/opt/qanat/x", "w")')


@pytest.mark.parametrize("service", OURS)
def test_a_container_is_healthy(cluster: Any, until: Callable[..., Any], service: str) -> None:
    def health() -> str:
        return str(inspected(cluster.container(service))["State"]["Health"]["Status"])

    until(lambda: health() == "healthy", 60)


def test_only_workers_have_qgis(cluster: Any) -> None:
    here = 'from pathlib import Path; print(Path("/usr/share/qgis").exists())'
    assert [cluster.inside(service, here) for service in OURS] == ["False", "False", "True"]


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
    later = until(lambda: accepted(cluster), 60)
    until(lambda: cluster.status(later) == "successful", 120)


def accepted(cluster: Any) -> str:
    """A job's id; nothing while a part that is needed for a job is away."""
    answer = cluster.http.post(
        "/processes/qanat:echo/execution",
        json={"inputs": echo(0)},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code in (201, 503), answer.text
    return str(answer.json()["jobID"]) if answer.status_code == 201 else ""


@dataclass
class Load:
    """Clients that never stop asking: what they were given, and what went wrong."""

    url: str
    jobs: list[str] = field(default_factory=list)
    answers: int = 0
    wrong: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        """One client: it reads, runs a job and waits for it, and starts one, in turn."""
        with httpx2.Client(base_url=self.url, timeout=60) as http:
            for turn in itertools.count(number):
                if self.enough.wait(0.05):
                    return
                try:
                    self._once(http, turn % 3)
                except httpx2.TransportError as error:
                    self.wrong.append(repr(error))

    def _once(self, http: httpx2.Client, kind: int) -> None:
        later = {"Prefer": "respond-async"} if kind == 1 else {}
        path = "/processes/qanat:echo/execution"
        if kind == 0:
            answer = http.get("/processes?limit=1")
        else:
            answer = http.post(path, json={"inputs": echo(0)}, headers=later)
        self.answers += 1
        if answer.status_code != (201 if kind == 1 else 200):
            self.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
        elif kind == 1:
            self.jobs.append(str(answer.json()["jobID"]))


@contextmanager
def load(cluster: Any, until: Callable[..., Any]) -> Iterator[Load]:
    """Ask and execute all the while; after it nothing went wrong, and all jobs have ended well."""
    made = Load(str(cluster.http.base_url))
    threads = [threading.Thread(target=made.ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: made.answers > 10, 60)
        yield made
        enough = made.answers + 10
        until(lambda: made.answers > enough, 60)
    finally:
        made.enough.set()
        for thread in threads:
            thread.join(90)
    assert made.wrong == []
    for job in made.jobs:
        until(lambda job=job: cluster.status(job) == "successful", 60)


def test_apis_are_replaced_one_by_one_and_nobody_notices(
    cluster: Any, until: Callable[..., Any]
) -> None:
    with load(cluster, until):
        for api in ("api-1", "api-2"):
            before = cluster.container(api)
            cluster.compose(f"up -d --no-deps --force-recreate {api}")
            assert cluster.container(api) != before
            until(lambda api=api: ready(cluster, api), 60)


def ready(cluster: Any, api: str) -> bool:
    """Whether an api itself would take jobs: asked inside of its container."""
    ask = 'from urllib.request import urlopen; urlopen("http://127.0.0.1:9080/readyz")'
    try:
        cluster.inside(api, ask)
    except Exception:  # noqa: BLE001 - pytest-docker raises nothing more exact
        return False
    return True


def test_workers_and_the_registry_are_replaced_and_nobody_notices(
    cluster: Any, until: Callable[..., Any]
) -> None:
    def workers() -> int:
        return int(cluster.services().get("qgis-340", {}).get("workers", 0))

    with load(cluster, until):
        old = cluster.container("qgis-340")
        cluster.compose("up -d --no-deps --no-recreate --scale qgis-340=2 qgis-340")
        until(lambda: workers() == 2, 120)
        images.done("docker", "stop", "-t", "60", old)
        until(lambda: workers() == 1, 60)
        cluster.compose("up -d --no-deps --force-recreate registry")
        until(lambda: workers() == 1, 60)
