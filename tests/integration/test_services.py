"""Services side by side, and workers of one service that differ, on either pair of broker and store."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def submit(cluster: Any, process: str, x: Any) -> str:
    answer = httpx2.post(
        f"{cluster.url}/processes/{process}/execution",
        json={"inputs": {"x": x}},
        headers={"Prefer": "respond-async"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def status(job: str) -> Any:
    return httpx2.get(job).json()["status"]


def service(cluster: Any) -> Any:
    """The one service, as the registry has it."""
    (found,) = httpx2.get(f"{cluster.registry_url}/services").json()["services"]
    return found


def test_a_job_never_reaches_a_worker_that_lacks_its_process(
    cluster: Any, until: Callable[..., Any]
) -> None:
    name = service(cluster)["name"]
    cluster.environ |= {"QANAT_WORKER__ENGINE": "fake_engine:start_without_nap"}
    early = [submit(cluster, "fake:nap", 0.2) for _ in range(6)]
    cluster.start("worker")

    until(lambda: "offer" in service(cluster)["differences"], 30)
    own = f"{cluster.url}/services/{name}"
    until(lambda: httpx2.get(own).json()["alike"] is False, 10)
    late = [submit(cluster, "fake:nap", 0.1) for _ in range(6)]
    shared = [submit(cluster, "fake:echo", "x") for _ in range(6)]

    for job in (*early, *late, *shared):
        until(lambda job=job: status(job) not in ("accepted", "running"), 60)
    assert {status(job) for job in (*early, *late, *shared)} == {"successful"}
    until(lambda: httpx2.get(own).json()["waiting"] == 0)


def test_a_process_of_two_services_runs_at_the_one_that_is_asked_for(
    cluster: Any, until: Callable[..., Any]
) -> None:
    cluster.environ |= {"QANAT_WORKER__SERVICE": "zeta"}
    cluster.start("worker")
    until(lambda: "fake:echo@zeta" in cluster.processes_listed(), 30)

    job = submit(cluster, "fake:echo@zeta", "hello")

    until(lambda: status(job) == "successful", 30)
    assert httpx2.get(job).json()["processID"] == "fake:echo@zeta"
