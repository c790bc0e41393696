"""Executions: now or later, what is sent, and what is answered when it cannot be."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from qanat_common.errors import Unavailable
from qanat_common.protocol import RunJob, Value

TEXT = {"inputs": {"text": "a"}, "outputs": {"text": {}}}


@pytest.mark.parametrize(
    ("process", "prefer", "status", "applied"),
    [
        ("test:echo", None, 200, None),
        ("test:echo", "respond-async", 201, "respond-async"),
        ("test:echo", "Respond-Async ", 201, "respond-async"),
        ("test:echo", "respond-async;return=representation", 201, "respond-async"),
        (
            "test:echo",
            "handling=lenient, respond-async, return=minimal",
            201,
            "respond-async, return=minimal",
        ),
        ("test:echo", "return=representation", 200, "return=representation"),
        ("test:echo", "return=nothing", 200, None),
        ("test:echo", "respond-sync", 200, None),
        ("test:echo", "wait=5", 200, None),
        ("test:echo", "respond-async, wait=5", 200, "wait=5"),
        ("test:echo", "respond-async, wait=99999", 200, "wait=60"),
        ("test:echo", "respond-async, wait=0", 201, "respond-async"),
        ("test:echo", "respond-async, wait=soon", 201, "respond-async"),
        ("test:async", None, 201, None),
        ("test:async", "wait=5", 201, None),
        ("test:async", "respond-async", 201, "respond-async"),
        ("test:sync", None, 200, None),
        ("test:sync", "respond-async", 200, None),
    ],
)
def test_now_or_later_is_decided_by_process_and_preference(
    api: Any, process: str, prefer: str | None, status: int, applied: str | None
) -> None:
    api.worker.returns(text=Value(value="hello"))
    answer = api.execute(process, **TEXT, prefer=prefer)
    assert answer.status_code == status
    assert answer.headers.get("Preference-Applied") == applied
    if status == 200:
        assert answer.text == "hello"
        assert answer.headers["Link"].endswith('>; rel="monitor"')


def test_several_prefer_headers_are_one(api: Any) -> None:
    headers = [("Prefer", "wait=0"), ("Prefer", "respond-async")]
    answer = api.http.post("/processes/test:echo/execution", json=TEXT, headers=headers)
    assert answer.status_code == 201


def test_an_accepted_job_is_told_by_its_status_and_its_address(api: Any) -> None:
    answer = api.execute(**TEXT, prefer="respond-async")
    status = answer.json()
    assert answer.headers["Location"] == f"http://qanat.test/jobs/{status['jobID']}"
    assert (status["status"], status["type"], status["processID"]) == (
        "accepted",
        "process",
        "test:echo",
    )
    assert api.http.get(answer.headers["Location"]).json() == status


def test_the_whole_request_is_sent(api: Any) -> None:
    form = {"mediaType": "application/geopackage+sqlite3"}
    outputs = {"blob": {"transmissionMode": "reference", "format": form}}
    path = api.submit(inputs={"text": "ä", "numbers": [1, 2.5]}, outputs=outputs)
    (sent,) = api.worker.sent
    assert path == f"/jobs/{sent.job_id}"
    assert (sent.process_id, sent.service) == ("test:echo", "q322")
    assert [value.value for value in sent.inputs["numbers"]] == [1, 2.5]
    assert sent.outputs["blob"].transmission_mode == "reference"
    assert api.store.get(sent.job_id).published


def test_a_process_ends_though_its_event_never_comes(api: Any) -> None:
    """The record alone is believed: it is read again each second."""
    api.worker.returns(text=Value(value="a"))
    api.events.stop()
    assert api.execute(**TEXT).status_code == 200


def test_a_result_that_does_not_come_in_time_is_fetched_later(api: Any) -> None:
    answer = api.execute(**TEXT, prefer="respond-async, wait=1")
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "respond-async, wait=1"


@pytest.mark.parametrize(("process", "advised"), [("test:echo", True), ("test:sync", False)])
def test_a_synchronous_execution_ends_at_its_limit(
    make_api: Callable[..., Any], process: str, advised: bool
) -> None:
    api = make_api(sync_limit=0.2)
    answer = api.execute(process, **TEXT)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (504, "urn:qanat:exception:sync-limit")
    assert "0.2 s" in problem["detail"]
    assert ("respond-async" in problem["detail"]) is advised
    (job,) = api.http.get("/jobs").json()["jobs"]
    assert job["status"] == "dismissed"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("input-rejected", 400),
        ("input-not-fetched", 400),
        ("algorithm-failed", 500),
        ("time-limit", 500),
        ("worker-lost", 500),
        ("not-yet-invented", 500),
    ],
)
def test_a_failed_job_fails_its_synchronous_execution(api: Any, code: str, status: int) -> None:
    api.worker.fails(code, "no luck", pointer="/inputs/text")
    answer = api.execute(**TEXT)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["detail"]) == (status, status, "no luck")
    assert problem["errors"] == [{"pointer": "/inputs/text", "message": "no luck"}]
    assert 'rel="monitor"' in answer.headers["Link"]


def test_a_job_dismissed_while_its_client_waits_has_no_results(api: Any) -> None:
    async def dismissing(message: RunJob) -> None:
        await asyncio.to_thread(api.store.dismiss, message.job_id)

    api.worker.send = dismissing
    answer = api.execute(**TEXT)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:qanat:exception:job-dismissed")


def test_a_job_that_cannot_be_sent_leaves_no_trace(api: Any) -> None:
    api.worker.error = Unavailable("Jobs cannot be taken now.", retry_after=5)
    answer = api.execute(inputs={"text": "a" * 300_000})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert api.count() == 0
    assert not list(api.folder.rglob("inputs.json"))


def test_a_message_that_arrives_after_its_client_was_turned_away_is_dropped(api: Any) -> None:
    late: list[RunJob] = []

    async def without_answer(message: RunJob) -> None:
        late.append(message)
        raise Unavailable("The broker does not answer.")

    api.worker.send = without_answer
    assert api.execute(**TEXT).status_code == 503
    assert api.store.claim(late[0], "token", "boot", 3).result == "gone"


def test_a_store_that_goes_away_when_the_job_was_sent_turns_nobody_away(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(job_id: str) -> None:
        raise Unavailable("The job store cannot be reached.")

    monkeypatch.setattr(api.store, "mark_published", lost)
    api.worker.returns(text=Value(value="hello"))

    assert api.execute(**TEXT).status_code == 200
    assert len(api.worker.sent) == 1


def test_large_inputs_travel_through_the_storage(make_api: Callable[..., Any]) -> None:
    api = make_api(inline_limit=1000)
    api.submit(inputs={"text": "x" * 999})
    api.submit(inputs={"text": "x" * 1001})
    large = api.worker.sent[-1]
    assert large.inputs == {}
    assert json.loads(api.storage.get(large.inputs_key))["text"]["value"] == "x" * 1001


def test_a_store_that_is_away_is_told_with_the_time_to_come_again(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> None:
        raise Unavailable("The job store cannot be reached.", retry_after=5)

    for name in ("accept", "get", "list"):
        monkeypatch.setattr(api.store, name, away)
    for answer in (api.execute(**TEXT), api.http.get("/jobs/x"), api.http.get("/jobs")):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert api.worker.sent == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_synchronous_execution_may_leave_nothing(
    make_api: Callable[..., Any], fails: bool
) -> None:
    api = make_api(keep_sync_jobs=False)
    api.worker.returns(blob=("a.gpkg", bytes(2 << 20), "application/geopackage+sqlite3"))
    if fails:
        api.worker.fails("algorithm-failed", "no")
    answer = api.execute(inputs={"text": "a"}, outputs={"blob": {}})
    assert (answer.status_code, len(answer.content) > 1 << 20) == (
        (500, False) if fails else (200, True)
    )
    assert "Link" not in answer.headers
    assert api.count() == 0
    assert api.http.get(f"/jobs/{api.worker.sent[0].job_id}").status_code == 410


def test_a_job_whose_results_are_referenced_stays(make_api: Callable[..., Any]) -> None:
    api = make_api(keep_sync_jobs=False)
    api.worker.returns(text=Value(value="a"))
    outputs = {"text": {"transmissionMode": "reference"}}
    answer = api.execute(inputs={"text": "a"}, outputs=outputs)
    assert (answer.status_code, api.count()) == (204, 1)
    assert any(value.endswith('rel="monitor"') for value in answer.headers.get_list("Link"))
