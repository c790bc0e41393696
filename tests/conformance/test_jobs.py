"""Core and dismiss: the status of a job, its results when there are none, and its end."""

import uuid
from datetime import datetime
from typing import Any

import pytest

proves = pytest.mark.proves
EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TEXT = {"inputs": {"stringInput": "a"}}


def rels(info: Any) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in info["links"]}


@proves("/req/core/job", "/req/core/job-success", "/rec/core/job-status")
def test_the_status_of_a_job_tells_its_process_times_and_progress(
    service: Any, problems: Any
) -> None:
    job = service.submit("echo", TEXT)
    service.ended(job)
    answer = service.get(job)
    info = answer.json()
    assert (answer.status_code, problems("statusInfo", info)) == (200, [])
    assert (info["type"], info["processID"], info["progress"]) == ("process", "echo", 100)
    times = [datetime.fromisoformat(info[name]) for name in ("created", "started", "finished")]
    assert times == sorted(times)
    assert all(time.tzinfo for time in times)
    assert rels(info)["self"] == rels(info)["monitor"] == job
    assert rels(info)[f"{REL}results"] == f"{job}/results"


@proves("/req/core/job-success")
def test_what_is_not_known_yet_is_left_out_of_the_status(service: Any, problems: Any) -> None:
    info = service.post("test:nap", {"inputs": {"seconds": 20}}, Prefer="respond-async").json()
    assert problems("statusInfo", info) == []
    assert None not in info.values()
    assert "finished" not in info
    assert f"{REL}results" not in rels(info)
    service.request("DELETE", rels(info)["self"])


@pytest.mark.parametrize("name", ["no-such-job", str(uuid.UUID(int=0)), "ä"])
@proves("/req/core/job-exception-no-such-job")
def test_an_unknown_job_is_told_by_the_type_of_the_standard(
    service: Any, problems: Any, name: str
) -> None:
    for method in ("GET", "DELETE"):
        answer = service.request(method, f"/jobs/{name}")
        assert (answer.status_code, answer.json()["type"]) == (404, f"{EXCEPTION}no-such-job")
        assert problems("exception", answer.json()) == []


@pytest.mark.parametrize("path", ["/results", "/results/x"])
@proves("/req/core/job-results-exception/no-such-job")
def test_results_of_an_unknown_job_are_told_alike(service: Any, problems: Any, path: str) -> None:
    answer = service.get(f"/jobs/no-such-job{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, f"{EXCEPTION}no-such-job")
    assert problems("exception", answer.json()) == []


@proves("/req/core/job-results")
def test_the_results_stay_at_their_address(service: Any) -> None:
    job = service.submit("echo", {**TEXT, "response": "document"})
    service.ended(job)
    first, second = service.get(f"{job}/results"), service.get(f"{job}/results")
    assert first.json() == second.json() == {"stringInput": "a"}
    assert service.get(f"{job}/results/stringInput").text == "a"


@proves("/req/core/job-results-exception/results-not-ready")
def test_results_before_the_end_are_told_by_the_type_of_the_standard(
    service: Any, problems: Any
) -> None:
    job = service.submit("test:nap", {"inputs": {"seconds": 20}})
    for path in ("/results", "/results/x"):
        answer = service.get(job + path)
        assert (answer.status_code, answer.json()["type"]) == (404, f"{EXCEPTION}result-not-ready")
        assert problems("exception", answer.json()) == []
    service.request("DELETE", job)


@pytest.mark.parametrize(
    ("process", "status", "code"),
    [("test:fail", 500, "algorithm-failed"), ("test:reject", 400, "input-rejected")],
)
@proves("/req/core/job-results-failed")
def test_results_of_a_failed_job_are_its_error(
    service: Any, problems: Any, process: str, status: int, code: str
) -> None:
    body = {"inputs": {"x": "a"}}
    job = service.submit(process, body)
    info = service.ended(job)
    assert (info["status"], info["message"][:3]) == ("failed", "x: ")
    assert rels(info)[f"{REL}exceptions"] == f"{job}/results"
    for answer in (service.get(f"{job}/results"), service.post(process, body)):
        assert (answer.status_code, problems("exception", answer.json())) == (status, [])
        assert answer.json()["type"].endswith(code)
        assert answer.json()["detail"] == info["message"]


@pytest.mark.parametrize("process", ["test:nap", "echo"])
@proves("/req/dismiss/job-dismiss-op", "/req/dismiss/job-dismiss-success")
def test_a_running_job_is_dismissed(service: Any, problems: Any, process: str) -> None:
    inputs = {"test:nap": {"seconds": 60}, "echo": {"stringInput": "a", "pause": 60}}[process]
    job = service.submit(process, {"inputs": inputs})
    service.until(lambda: service.status(job)["status"] == "running", 20)
    answer = service.request("DELETE", job)
    assert (answer.status_code, problems("statusInfo", answer.json())) == (200, [])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["status"] == service.status(job)["status"] == "dismissed"
    assert rels(answer.json())["up"] == f"{service.url}/jobs"
    assert service.get(f"{job}/results").status_code == 410


@proves("/req/dismiss/job-dismiss-op", "/req/dismiss/job-dismiss-success")
def test_a_job_that_has_ended_is_removed_with_its_results(service: Any, problems: Any) -> None:
    job = service.submit("test:make", {"outputs": {"blob": {}}})
    service.ended(job)
    answer = service.request("DELETE", job)
    assert (answer.status_code, problems("statusInfo", answer.json())) == (200, [])
    assert answer.json()["status"] == "dismissed"
    for method, path in (("GET", ""), ("GET", "/results"), ("DELETE", "")):
        again = service.request(method, job + path)
        assert (again.status_code, problems("exception", again.json())) == (410, [])
