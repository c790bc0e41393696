"""Jobs that are signed, from the api through broker, store and sweeper to a worker that asks for it."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


@pytest.fixture
def own_settings() -> dict[str, str]:
    return {"QANAT_JOB_SECRET": "known to api and workers", "QANAT_API__INLINE_LIMIT": "2000"}


def test_signed_jobs_run_large_ones_too_and_those_that_are_sent_again(
    cluster: Any, until: Callable[..., Any]
) -> None:
    for size in (1, 5000):
        body = {"inputs": {"x": "ü" * size}}
        answer = httpx2.post(f"{cluster.url}/processes/fake:echo/execution", json=body, timeout=60)
        assert answer.status_code == 200, answer.text

    later = {"Prefer": "respond-async"}
    nap = {"inputs": {"x": 1.5}}
    job = httpx2.post(
        f"{cluster.url}/processes/fake:nap/execution", json=nap, headers=later, timeout=60
    ).headers["Location"]
    until(lambda: httpx2.get(job).json()["status"] == "running", 60)
    cluster.kill("worker")
    cluster.start("worker")
    until(lambda: httpx2.get(job).json()["status"] == "successful", 60)
    assert "published again" in cluster.log("registry")
    assert "is not signed" not in cluster.log("worker")


def test_a_job_of_an_api_that_does_not_sign_fails_and_says_why(cluster: Any) -> None:
    cluster.kill("api")
    del cluster.environ["QANAT_JOB_SECRET"]
    cluster.start("api")
    cluster.wait_for("fake:echo", 60)
    body = {"inputs": {"x": "y"}}
    answer = httpx2.post(f"{cluster.url}/processes/fake:echo/execution", json=body, timeout=60)
    assert answer.status_code == 500
    assert "job_secret" in answer.json()["detail"]
