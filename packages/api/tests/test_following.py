"""A job followed by server-sent events: all of it, from where one was, to its end, and no further."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api.following import Heard, news
from qanat_common.protocol import LogEntry, LogLevel, Succeeded
from qanat_common.tail import Tail

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def entry(text: str) -> LogEntry:
    return LogEntry(time=NOW, level=LogLevel.INFO, message=text)


@dataclass(frozen=True)
class Event:
    kind: str
    id: str
    data: Any


def read(lines: Iterator[str]) -> Iterator[Event]:
    """The events of a stream."""
    fields: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


def events_of(api: Any, path: str, last: str | None = None) -> list[Event]:
    """All events to the end of the stream."""
    headers = {"Last-Event-ID": last} if last else {}
    answer = api.http.get(f"{path}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-cache"
    return list(read(answer.iter_lines()))


def spelt(events: list[Event]) -> list[str]:
    return [
        event.data["message"] if event.kind == "log" else event.data["status"] for event in events
    ]


@pytest.fixture
def running(api: Any) -> tuple[str, str]:
    """The path and the id of a job that runs."""
    path = api.submit()
    (message,) = api.worker.sent
    api.worker.start(message)
    return path, message.job_id


def test_a_job_is_followed_to_its_end(api: Any, running: tuple[str, str]) -> None:
    path, job_id = running

    def work() -> None:
        for number in (1, 2, 3):
            api.store.progress(job_id, "token", number * 30, None, [entry(f"line {number}")])
        api.store.finish(job_id, "token", Succeeded())

    thread = threading.Timer(0.2, work)
    thread.start()
    told = events_of(api, path)
    thread.join()
    lines = [event.data["message"] for event in told if event.kind == "log"]
    assert lines == ["line 1", "line 2", "line 3"]
    states = [event.data for event in told if event.kind == "status"]
    assert (states[0]["status"], states[-1]["status"]) == ("running", "successful")
    assert [state["progress"] for state in states] == sorted(state["progress"] for state in states)
    assert states[-1] == api.http.get(path).json()


def test_who_comes_back_hears_what_it_has_missed_and_nothing_twice(
    api: Any, running: tuple[str, str]
) -> None:
    path, job_id = running
    api.store.progress(job_id, "token", 10, None, [entry("one"), entry("two")])
    api.store.finish(job_id, "token", Succeeded())
    whole = events_of(api, path)
    assert spelt(whole) == ["one", "two", "successful"]
    for at, event in enumerate(whole[:-1], 1):
        assert events_of(api, path, event.id) == whole[at:]


def test_who_comes_back_after_the_end_is_told_to_stay_away(
    api: Any, running: tuple[str, str]
) -> None:
    path, job_id = running
    api.store.finish(job_id, "token", Succeeded())
    (last,) = events_of(api, path)
    answer = api.http.get(f"{path}/events", headers={"Last-Event-ID": last.id})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "nonsense", "1.2", "99999999999.1.", "٣.1.", "1.5.zz"])
def test_an_id_that_is_none_of_ours_is_passed_over(
    api: Any, running: tuple[str, str], last: str
) -> None:
    path, job_id = running
    api.store.finish(job_id, "token", Succeeded())
    answer = api.http.get(f"{path}/events", headers={"Last-Event-ID": last.encode()})
    assert spelt(list(read(answer.iter_lines()))) == ["successful"]


def test_a_second_attempt_begins_a_new_log(api: Any, running: tuple[str, str]) -> None:
    path, job_id = running
    api.store.progress(job_id, "token", 10, None, [entry("lost")])
    message = api.store.get(job_id).request
    api.store.claim(message, "t2", "other", 3)
    api.store.progress(job_id, "t2", 10, None, [entry("again")])
    api.store.finish(job_id, "t2", Succeeded())
    assert spelt(events_of(api, path, "1.1.")) == ["again", "successful"]


def test_of_a_long_log_what_is_kept_is_told(api: Any, running: tuple[str, str]) -> None:
    path, job_id = running
    for first in range(0, 1200, 300):
        said = [entry(str(number)) for number in range(first, first + 300)]
        api.store.progress(job_id, "token", None, None, said)
    api.store.finish(job_id, "token", Succeeded())
    told = events_of(api, path)
    assert spelt(told) == [*map(str, range(200, 1200)), "successful"]
    assert events_of(api, path, told[-3].id) == told[-2:]


def test_an_unknown_job_is_a_problem_and_not_a_stream(api: Any) -> None:
    answer = api.http.get("/jobs/none/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("no-such-job")
    assert api.http.head("/jobs/none/events").status_code == 404


def test_head_says_that_a_job_may_be_followed_and_ends(api: Any, running: tuple[str, str]) -> None:
    answer = api.http.head(f"{running[0]}/events")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_only_so_many_follow_at_a_time(make_api: Callable[..., Any]) -> None:
    api = make_api(event_streams=0)
    answer = api.http.get(f"{api.submit()}/events")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "0 clients" in answer.json()["detail"]


def test_a_place_is_free_again_when_a_stream_has_ended(make_api: Callable[..., Any]) -> None:
    api = make_api(event_streams=1, event_seconds=0.05)
    path = api.submit()
    for _ in range(3):
        assert spelt(events_of(api, path)) == ["accepted"]


def test_a_stream_ends_when_the_server_is_being_stopped(api: Any) -> None:
    path = api.submit()
    threading.Timer(0.2, api.events.end_streams).start()
    assert spelt(events_of(api, path)) == ["accepted"]


def test_a_job_that_is_removed_ends_its_stream(api: Any, running: tuple[str, str]) -> None:
    path, job_id = running
    threading.Timer(0.2, lambda: api.store.remove(job_id)).start()
    assert spelt(events_of(api, path)) == ["running"]


@given(
    log=st.lists(st.text(max_size=5), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=5),
    kept=st.integers(1, 12),
)
def test_whatever_the_cuts_each_line_is_told_once(
    log: list[str], cuts: list[int], kept: int
) -> None:
    heard, told, missed = Heard(), [], 0
    for end in sorted({min(cut, len(log)) for cut in (*cuts, len(log))}):
        after = heard.lines if heard.attempt == 1 else 0
        first = max(after, end - kept)
        missed += first - after
        tail = Tail(1, end, [entry(text) for text in log[first:end]])
        for now_heard, event in news(heard, {"status": "running"}, tail):
            heard = Heard.of(event.id)
            assert heard == now_heard
            told += [json.loads(event.raw_data or "")["message"]] if event.event == "log" else []
    assert len(told) + missed == len(log)
    if not missed:
        assert told == log
