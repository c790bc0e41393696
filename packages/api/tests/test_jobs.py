"""Jobs: status, list with its filters, and the dismissal in two steps."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from qanat_common.protocol import Succeeded

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"


def rels(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [job["jobID"] for job in answer.json()["jobs"]]


def submit(api: Any, name: str = "test:echo") -> str:
    return api.submit(name).rpartition("/")[2]


def test_the_status_of_a_job_follows_its_life(api: Any) -> None:
    path = api.submit()
    accepted = api.http.get(path)
    assert accepted.headers["Cache-Control"] == "no-store"
    assert accepted.json()["status"] == "accepted"
    assert rels(accepted.json()).keys() == {
        *("self", "alternate", "monitor", "up", OGC + "log"),
        *("urn:qanat:rel:events", "urn:qanat:rel:inputs"),
    }

    (message,) = api.worker.sent
    api.worker.start(message)
    api.store.progress(message.job_id, "token", 40, "Buffering")
    running = api.http.get(path).json()
    assert (running["status"], running["progress"], running["message"]) == (
        "running",
        40,
        "Buffering",
    )

    api.store.finish(message.job_id, "token", Succeeded())
    ended = api.http.get(path).json()
    assert (ended["status"], ended["progress"]) == ("successful", 100)
    assert rels(ended)[OGC + "results"] == f"http://qanat.test{path}/results"
    times = [datetime.fromisoformat(ended[name]) for name in ("created", "started", "finished")]
    assert times == sorted(times)
    assert all(time.tzinfo for time in times)
    assert None not in ended.values()


def test_a_failed_job_says_why(api: Any) -> None:
    api.worker.fails("algorithm-failed", "No such function")
    path = api.submit()
    status = api.http.get(path).json()
    assert (status["status"], status["message"]) == ("failed", "No such function")
    links = rels(status)
    assert OGC + "results" not in links
    problem = api.http.get(links[OGC + "exceptions"])
    assert (problem.status_code, problem.json()["detail"]) == (500, "No such function")


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/results", "/jobs/none/results/text"])
def test_an_unknown_job_has_the_type_of_the_standard(api: Any, path: str) -> None:
    answer = api.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/ogcapi-processes-1/1.0/no-such-job")
    assert api.http.delete("/jobs/none").status_code == 404


def test_a_live_job_is_dismissed_and_kept(api: Any) -> None:
    path = api.submit()
    for answer in (api.http.delete(path), api.http.get(path)):
        assert answer.status_code == 200
        assert answer.json()["status"] == "dismissed"
        assert rels(answer.json())["up"] == "http://qanat.test/jobs"
    assert api.http.get(f"{path}/results").status_code == 410
    assert api.store.claim(api.worker.sent[0], "token", "boot", 3).result == "ended"


def test_an_ended_job_is_removed_with_its_files_and_gone_from_then_on(api: Any) -> None:
    api.worker.returns(file=("a.geojson", b"{}", "application/geo+json"))
    path = api.submit()
    assert list(api.folder.rglob("a.geojson"))
    answer = api.http.delete(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert not list(api.folder.rglob("a.geojson"))
    for again in (api.http.get(path), api.http.delete(path), api.http.get(f"{path}/results")):
        assert again.status_code == 410
        assert again.json()["type"] == "urn:qanat:exception:job-gone"
    assert ids(api.http.get("/jobs")) == []


def test_jobs_are_listed_newest_first_with_their_processes(api: Any) -> None:
    made = [submit(api) for _ in range(3)]
    answer = api.http.get("/jobs")
    assert ids(answer) == sorted(
        made, key=lambda job: (api.store.get(job).created, job), reverse=True
    )
    assert all(job["processID"] == "test:echo" for job in answer.json()["jobs"])
    assert rels(answer.json()) == {
        "self": "http://qanat.test/jobs",
        "alternate": "http://qanat.test/jobs?f=html",
    }


def test_pages_keep_the_filters_and_lead_through_all_jobs(api: Any) -> None:
    made = {submit(api) for _ in range(5)}
    submit(api, "test:async")
    seen: list[str] = []
    following: str | None = "/jobs?limit=2&processID=test:echo&status=accepted&status=running"
    while following:
        answer = api.http.get(following)
        seen += ids(answer)
        following = rels(answer.json()).get("next")
        assert following is None or "processID=test%3Aecho" in following
    assert len(seen) == 5
    assert set(seen) == made


def test_jobs_are_filtered_by_everything_the_standard_names(api: Any) -> None:
    waiting = submit(api)
    other = submit(api, "test:async")
    api.worker.run(api.worker.sent[1], Succeeded())
    start = api.store.get(waiting).created
    before, after = (
        (start + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (-1, 1)
    )
    both = {waiting, other}
    expected: dict[str, set[str]] = {
        "type=process": both,
        "processID=test:async": {other},
        "processID=test:async,test:echo": both,
        "processID=test:async&processID=test:echo": both,
        "processID=none": set(),
        "status=accepted": {waiting},
        "status=accepted,successful": both,
        "status=accepted&processID=test:async": set(),
        f"datetime={before}/{after}": both,
        f"datetime=../{after}": both,
        f"datetime=/{before}": set(),
        f"datetime={after}/..": set(),
        f"datetime={before}/": both,
        f"datetime={before}": set(),
        "datetime=../..": both,
        "minDuration=0": {other},
        "maxDuration=100": {other},
        "minDuration=100": set(),
        "minDuration=0,100&maxDuration=200": set(),
        "unknown=1": both,
    }
    found = {query: set(ids(api.http.get(f"/jobs?{query}"))) for query in expected}
    assert found == expected


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "type=model",
        "limit=0",
        "limit=x",
        "limit=٣",
        "minDuration=-1",
        "maxDuration=1.5",
        "datetime=yesterday",
        "datetime=2026-11-24",
        "datetime=2026-11-24T09:00:00",
        "datetime=2026-13-24T09:00:00Z",
        "datetime=2026-11-24T09:00:00Z/2026-11-23T09:00:00Z",
        "cursor=nonsense",
        "processID=" + ",".join(map(str, range(101))),
    ],
)
def test_a_wrong_filter_is_refused_by_its_name(api: Any, query: str) -> None:
    answer = api.http.get(f"/jobs?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(query.partition("=")[0])


def test_more_jobs_than_are_ever_given_may_be_asked_for(api: Any) -> None:
    assert api.http.get("/jobs?limit=100000").status_code == 200
