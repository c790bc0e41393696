"""The job list: its filters, alone and together, and its pages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

proves = pytest.mark.proves
INVALID = (
    "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/invalid-query-parameter-value"
)


@pytest.fixture(scope="module")
def jobs(service: Any) -> dict[str, str]:
    """One job of each kind: name → id. They are the newest there are."""
    bodies = {
        "good": ("test:async", {"inputs": {"x": "a"}}),
        "failed": ("test:fail", {"inputs": {"x": "a"}}),
        "short": ("test:nap", {"inputs": {"seconds": 0}}),
        "long": ("test:nap", {"inputs": {"seconds": 2.1}}),
    }
    addresses = {name: service.submit(*body) for name, body in bodies.items()}
    for address in addresses.values():
        service.ended(address)
    addresses["dismissed"] = service.submit("test:nap", {"inputs": {"seconds": 60}})
    service.request("DELETE", addresses["dismissed"])
    return {name: address.rpartition("/")[2] for name, address in addresses.items()}


def listed(service: Any, jobs: dict[str, str], query: str) -> set[str]:
    """Which of these jobs are in the list; checks what must hold for any list."""
    answer = service.get(f"/jobs?limit=1000&{query}")
    assert answer.status_code == 200, answer.text
    found = {info["jobID"] for info in answer.json()["jobs"]}
    return {name for name, job_id in jobs.items() if job_id in found}


def infos(service: Any, query: str) -> list[Any]:
    found: list[Any] = service.get(f"/jobs?limit=1000&{query}").json()["jobs"]
    return found


@proves("/req/job-list/job-list-op", "/req/job-list/job-list-success", "/req/job-list/links")
@proves("/req/job-list/processID-mandatory")
def test_the_list_has_the_status_of_each_job(
    service: Any, problems: Any, jobs: dict[str, str]
) -> None:
    answer = service.get("/jobs")
    assert (answer.status_code, problems("jobList", answer.json())) == (200, [])
    assert all(info["processID"] for info in answer.json()["jobs"])
    own = {link["rel"]: link["href"] for link in answer.json()["links"]}
    assert own["self"] == f"{service.url}/jobs"
    assert listed(service, jobs, "") == set(jobs)


@proves("/req/job-list/type-definition", "/req/job-list/type-response")
def test_all_jobs_are_of_the_type_process(service: Any, jobs: dict[str, str]) -> None:
    assert listed(service, jobs, "type=process") == set(jobs)
    assert {info["type"] for info in infos(service, "type=process")} == {"process"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("processID=test:nap", {"short", "long", "dismissed"}),
        ("processID=test%3Anap", {"short", "long", "dismissed"}),
        ("processID=test:fail&processID=test:async", {"good", "failed"}),
        ("processID=test:fail,test:async", {"good", "failed"}),
        ("processID=no-such", set()),
    ],
)
@proves("/req/job-list/processID-definition", "/req/job-list/processID-response")
def test_jobs_of_some_processes(
    service: Any, jobs: dict[str, str], query: str, names: set[str]
) -> None:
    assert listed(service, jobs, query) == names
    asked = query.replace("%3A", ":")
    assert all(info["processID"] in asked for info in infos(service, query))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=failed", {"failed"}),
        ("status=successful", {"good", "short", "long"}),
        ("status=failed&status=dismissed", {"failed", "dismissed"}),
        ("status=failed,dismissed", {"failed", "dismissed"}),
    ],
)
@proves("/req/job-list/status-definition", "/req/job-list/status-response")
def test_jobs_in_some_states(
    service: Any, jobs: dict[str, str], query: str, names: set[str]
) -> None:
    assert listed(service, jobs, query) == names
    assert all(info["status"] in query for info in infos(service, query))


@proves("/req/job-list/status-definition", "/req/job-list/status-response")
def test_accepted_and_running_jobs_are_found_by_their_states(service: Any) -> None:
    job = service.submit("test:nap", {"inputs": {"seconds": 60}})
    service.until(lambda: service.status(job)["status"] == "running", 20)
    ids = {info["jobID"] for info in infos(service, "status=running,accepted")}
    service.request("DELETE", job)
    assert job.rpartition("/")[2] in ids


@proves("/req/job-list/datetime-definition", "/req/job-list/datetime-response")
def test_jobs_created_at_a_time_or_in_an_interval(service: Any, jobs: dict[str, str]) -> None:
    created = {name: service.status(f"/jobs/{job}")["created"] for name, job in jobs.items()}
    good, far = created["good"], quote((datetime.now(UTC) + timedelta(1)).isoformat())
    past = "2020-01-01T00:00:00Z"
    everything = {f"{past}/{far}", f"{past}/..", f"{past}/", f"../{far}", f"/{far}", f"{good}/.."}
    for interval in everything:
        assert listed(service, jobs, f"datetime={interval}") == set(jobs)
    assert "good" in listed(service, jobs, f"datetime={good}")
    assert listed(service, jobs, f"datetime=../{good}") == {"good"}
    assert listed(service, jobs, f"datetime={past}") == set()
    assert listed(service, jobs, f"datetime=../{past}") == set()
    assert listed(service, jobs, f"datetime={far}/..") == set()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("minDuration=2", {"long"}),
        ("minDuration=0", {"good", "failed", "short", "long"}),
        ("maxDuration=1", {"good", "failed", "short"}),
        ("minDuration=1&maxDuration=60", {"long"}),
        ("minDuration=3600", set()),
    ],
)
@proves("/req/job-list/duration-definition", "/req/job-list/duration-response")
def test_jobs_that_ran_so_long(
    service: Any, jobs: dict[str, str], query: str, names: set[str]
) -> None:
    assert listed(service, jobs, query) - {"dismissed"} == names


@proves("/req/job-list/duration-response")
def test_a_running_job_has_a_duration_and_a_waiting_one_has_none(service: Any) -> None:
    job = service.submit("test:nap", {"inputs": {"seconds": 60}})
    name = job.rpartition("/")[2]
    service.until(lambda: service.status(job)["status"] == "running", 20)
    assert name in {info["jobID"] for info in infos(service, "maxDuration=60")}
    waiting = [service.submit("test:nap", {"inputs": {"seconds": 60}}) for _ in range(5)]
    accepted = [one for one in waiting if service.status(one)["status"] == "accepted"]
    assert accepted
    lasting = {info["jobID"] for info in infos(service, "maxDuration=60")}
    for one in (job, *waiting):
        service.request("DELETE", one)
    assert lasting.isdisjoint(one.rpartition("/")[2] for one in accepted)


@proves("/req/job-list/type-response", "/req/job-list/processID-response")
@proves("/req/job-list/status-response", "/req/job-list/duration-response")
@proves("/req/job-list/datetime-response")
def test_different_filters_all_hold(service: Any, jobs: dict[str, str]) -> None:
    query = "type=process&processID=test:nap&status=successful&maxDuration=1&datetime=2020-01-01T00:00:00Z/.."
    assert listed(service, jobs, query) == {"short"}
    assert listed(service, jobs, "processID=test:nap&status=failed") == set()


@proves("/req/job-list/limit-definition", "/req/job-list/limit-response")
def test_limit_bounds_the_list(service: Any, jobs: dict[str, str]) -> None:
    for limit in (1, 2):
        assert len(service.get(f"/jobs?limit={limit}").json()["jobs"]) == limit
    assert service.get("/jobs?limit=10000").status_code == 200


@proves("/rec/job-list/next-1", "/rec/job-list/next-2", "/rec/job-list/next-3")
@proves("/req/job-list/links")
def test_following_next_gives_every_job_once_while_others_come(
    service: Any, jobs: dict[str, str]
) -> None:
    at_first = [info["jobID"] for info in infos(service, "processID=test:nap&status=successful")]
    page = service.get("/jobs?processID=test:nap&status=successful&limit=1").json()
    found: list[str] = []
    while True:
        found += [info["jobID"] for info in page["jobs"]]
        after = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not after:
            break
        assert "status=successful" in after[0]
        service.post("test:nap", {"inputs": {"seconds": 0}})
        page = service.get(after[0]).json()
    assert found == at_first


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=x", "status=done", "type=other", "minDuration=-1", "maxDuration=x"),
        *("datetime=yesterday", "datetime=2020-01-01", "datetime=2020-01-01T00:00:00"),
        *("datetime=2021-01-01T00:00:00Z/2020-01-01T00:00:00Z", "cursor=nonsense"),
    ],
)
@proves("/req/job-list/limit-definition", "/req/job-list/status-definition")
@proves("/req/job-list/type-definition", "/req/job-list/duration-definition")
@proves("/req/job-list/datetime-definition")
def test_a_wrong_value_is_named(service: Any, problems: Any, query: str) -> None:
    answer = service.get(f"/jobs?{query}")
    assert (answer.status_code, problems("exception", answer.json())) == (400, [])
    assert answer.json()["type"] == INVALID
    assert query.partition("=")[0] in answer.json()["detail"]


@proves("/req/job-list/type-definition", "/req/job-list/processID-definition")
@proves("/req/job-list/status-definition", "/req/job-list/datetime-definition")
@proves("/req/job-list/duration-definition", "/req/job-list/limit-definition")
def test_the_api_definition_has_the_filters(service: Any) -> None:
    definition = service.get("/api").json()
    named = {
        found["name"]: found
        for each in definition["paths"]["/jobs"]["get"]["parameters"]
        for found in [definition["components"]["parameters"][each["$ref"].rpartition("/")[2]]]
    }
    for name in ("type", "processID", "status", "minDuration", "maxDuration"):
        assert named[name]["schema"]["type"] == "array"
    assert named["datetime"]["schema"]["type"] == "string"
    assert (named["limit"]["schema"]["type"], named["limit"]["schema"]["minimum"]) == ("integer", 1)
