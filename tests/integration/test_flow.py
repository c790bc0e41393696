"""The path of a job through all services, on either pair of broker and store."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def execute(cluster: Any, process: str, x: Any, **more: Any) -> httpx2.Response:
    headers = {"Prefer": "respond-async"} if more.pop("background", False) else {}
    return httpx2.post(
        f"{cluster.url}/processes/fake:{process}/execution",
        json={"inputs": {"x": x}} | more,
        headers=headers,
        timeout=30,
    )


def submit(cluster: Any, process: str, x: Any) -> str:
    answer = execute(cluster, process, x, background=True)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def status(job: str) -> Any:
    return httpx2.get(job).json()["status"]


def test_a_job_is_answered_at_once_or_later(cluster: Any, until: Callable[..., Any]) -> None:
    waited = execute(cluster, "echo", "")
    assert (waited.status_code, waited.text) == (200, "")
    job = submit(cluster, "echo", "hello")
    until(lambda: status(job) == "successful")
    assert httpx2.get(f"{job}/results").text == "hello"
    document = execute(cluster, "echo", "hello", response="document")
    assert document.json() == {"x": "hello"}


def test_progress_and_log_are_seen_while_it_runs(cluster: Any, until: Callable[..., Any]) -> None:
    job = submit(cluster, "nap", 4)
    seen = until(lambda: (info := httpx2.get(job).json()).get("progress", 0) > 10 and info)
    assert seen["status"] == "running"
    until(lambda: status(job) == "successful")
    assert httpx2.get(f"{job}/results/file").text == "zzz"


def test_a_failure_is_told_in_words(cluster: Any, until: Callable[..., Any]) -> None:
    waited = execute(cluster, "refuse", "this")
    assert waited.status_code == 500
    assert waited.json()["detail"] == "x: 'this' is refused"
    job = submit(cluster, "refuse", "that")
    until(lambda: status(job) == "failed")
    results = httpx2.get(f"{job}/results")
    assert (results.status_code, results.json()["detail"]) == (500, "x: 'that' is refused")


def test_a_dismissed_job_stays_dismissed(cluster: Any, until: Callable[..., Any]) -> None:
    running, waiting = submit(cluster, "nap", 60), None
    until(lambda: status(running) == "running")
    waiting = [submit(cluster, "nap", 60) for _ in range(3)]
    for job in (running, *waiting):
        answer = httpx2.delete(job)
        assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    quick = submit(cluster, "echo", "next")
    until(lambda: status(quick) == "successful", 8)
    assert [status(job) for job in (running, *waiting)] == ["dismissed"] * 4


def test_a_killed_workers_jobs_run_again(cluster: Any, until: Callable[..., Any]) -> None:
    jobs = [submit(cluster, "nap", 1) for _ in range(4)]
    until(lambda: status(jobs[0]) == "running")
    cluster.kill("worker")
    cluster.start("worker")
    for job in jobs:
        until(lambda job=job: status(job) == "successful", 60)


def test_a_new_worker_is_soon_in_the_list(cluster: Any, until: Callable[..., Any]) -> None:
    workers = f"{cluster.registry_url}/workers"
    before = len(httpx2.get(workers).json()["workers"])
    cluster.environ = cluster.environ | {"QANAT_WORKER__SERVICE": "another"}
    cluster.start("worker")
    until(lambda: len(httpx2.get(workers).json()["workers"]) > before, 30)
    until(lambda: httpx2.get(f"{cluster.url}/processes/fake:echo@another").status_code == 200, 10)


def test_the_list_never_shrinks_when_the_registry_is_restarted(
    cluster: Any, until: Callable[..., Any]
) -> None:
    cluster.kill("registry")
    assert "fake:echo" in cluster.processes_listed()
    cluster.start("registry")

    def rebuilt() -> bool:
        assert "fake:echo" in cluster.processes_listed()
        try:
            services = httpx2.get(f"{cluster.registry_url}/services").json()["services"]
        except httpx2.TransportError:
            return False
        return bool(services)

    until(rebuilt, 30)
    job = submit(cluster, "echo", "still")
    until(lambda: status(job) == "successful")
