"""The store, on a real Valkey: each change of state happens once, or not at all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import redis

from qanat_common.errors import Unavailable
from qanat_common.jobs import JobRecord
from qanat_common.listing import JobFilter
from qanat_common.ogc import InputDescription, JobStatus, Process
from qanat_common.protocol import (
    Failed,
    JobEvent,
    LogEntry,
    LogLevel,
    Offer,
    RunJob,
    Succeeded,
    Value,
)
from qanat_common.store import Claimed, Store, Waiting

DONE = Succeeded(outputs={"OUTPUT": Value(value=3)})


@pytest.fixture
def store(valkey: Any) -> Iterator[Store]:
    store = Store(valkey.url)
    yield store
    store.close()


def job(job_id: str, process_id: str = "native:buffer") -> RunJob:
    return RunJob(
        job_id=job_id, process_id=process_id, service="default", created=datetime.now(UTC)
    )


def started(store: Store, job_id: str, token: str = "t1", boot: str = "b1") -> RunJob:
    message = job(job_id)
    store.accept(message)
    assert store.claim(message, token, boot, 3).result is Claimed.CLAIMED
    return message


def record(store: Store, job_id: str) -> JobRecord:
    found = store.get(job_id)
    assert found is not None
    return found


def test_an_accepted_job_holds_its_whole_request(store: Store) -> None:
    message = job("j1")
    assert store.accept(message)
    found = record(store, "j1")
    assert (found.status, found.request, found.attempt) == (JobStatus.ACCEPTED, message, 0)
    assert found.published is False
    store.mark_published("j1")
    assert record(store, "j1").published is True


def test_a_job_is_accepted_once(store: Store) -> None:
    assert store.accept(job("j1"))
    assert not store.accept(job("j1"))


def test_a_job_that_is_no_more_is_not_marked_as_published(store: Store) -> None:
    store.mark_published("j1")
    assert store.get("j1") is None
    assert store.accept(job("j1"))


def test_only_the_holder_of_the_token_ends_a_job_and_only_once(store: Store) -> None:
    started(store, "j1", token="right")
    assert not store.finish("j1", "wrong", DONE)
    assert store.finish("j1", "right", DONE)
    assert not store.finish("j1", "right", Failed(code="internal", message="late"))
    found = record(store, "j1")
    assert (found.status, found.outcome, found.progress) == (JobStatus.SUCCESSFUL, DONE, 100)
    assert found.started is not None
    assert found.finished is not None
    assert found.created <= found.started <= found.finished


def test_a_dismissed_job_never_becomes_successful(store: Store) -> None:
    started(store, "j1", token="t")
    assert store.dismiss("j1")
    assert not store.finish("j1", "t", DONE)
    assert not store.progress("j1", "t", 50)
    assert not store.dismiss("j1")
    assert record(store, "j1").status is JobStatus.DISMISSED


def test_a_job_of_a_living_worker_is_not_taken_from_it(store: Store) -> None:
    message = started(store, "j1", boot="b1")
    store.beat("b1")
    assert store.claim(message, "t2", "b2", 3).result is Claimed.BUSY
    store.leave("b1")
    claim = store.claim(message, "t2", "b2", 3)
    assert (claim.result, claim.attempt) == (Claimed.CLAIMED, 2)
    assert not store.finish("j1", "t1", DONE)


def test_a_job_is_tried_so_often_and_no_more(store: Store) -> None:
    message = job("j1")
    store.accept(message)
    for attempt in range(1, 4):
        assert store.claim(message, f"t{attempt}", f"b{attempt}", 3).attempt == attempt
    assert store.claim(message, "t4", "b4", 3).result is Claimed.EXHAUSTED
    assert store.give_up("j1", Failed(code="worker-lost", message="lost three times"))
    assert store.claim(message, "t5", "b5", 3).result is Claimed.ENDED
    assert record(store, "j1").message == "lost three times"


def test_a_lost_record_is_restored_from_its_message(store: Store) -> None:
    message = job("j1").model_copy(update={"created": datetime(2026, 1, 2, tzinfo=UTC)})
    assert store.claim(message, "t", "b", 3).result is Claimed.CLAIMED
    assert record(store, "j1").created == message.created


def test_a_removed_job_is_not_revived_by_a_late_message(store: Store) -> None:
    message = started(store, "j1", token="t")
    store.finish("j1", "t", DONE)
    assert store.remove("j1")
    assert store.was_removed("j1")
    assert store.claim(message, "t2", "b2", 3).result is Claimed.GONE
    assert not store.accept(message)
    assert store.list(JobFilter(), 10).records == []


def test_progress_and_log_are_seen_while_the_job_runs(store: Store) -> None:
    started(store, "j1", token="t")
    entry = LogEntry(time=datetime.now(UTC), level=LogLevel.WARNING, message="a hole")
    assert store.progress("j1", "t", 40, "Buffering", [entry])
    found = record(store, "j1")
    assert (found.progress, found.message) == (40, "Buffering")
    assert store.log("j1") == [entry]


def test_events_tell_every_change(store: Store, until: Callable[..., object]) -> None:
    heard: list[JobEvent] = []
    ready: list[bool] = []

    def listen() -> None:
        for event in store.events(wait=0.05):
            ready.append(True)
            if event:
                heard.append(event)
            if event and event.status is JobStatus.SUCCESSFUL:
                return

    thread = Thread(target=listen)
    thread.start()
    until(lambda: ready)
    started(store, "j1", token="t")
    store.progress("j1", "t", 40)
    store.finish("j1", "t", DONE)
    thread.join(5)
    assert [(e.job_id, str(e.status), e.progress) for e in heard] == [
        ("j1", "running", 0),
        ("j1", "running", 40),
        ("j1", "successful", 100),
    ]


def test_pages_follow_each_other_without_a_gap_while_jobs_arrive(store: Store) -> None:
    for number in range(25):
        store.accept(job(f"j{number:02}"))
    seen: list[str] = []
    cursor = None
    while True:
        page = store.list(JobFilter(), 10, cursor)
        seen += [found.job_id for found in page.records]
        store.accept(job(f"new{len(seen)}"))
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == [f"j{number:02}" for number in range(25)]


def test_every_filter_holds_at_once(store: Store) -> None:
    for number in range(4):
        store.accept(job(f"b{number}", "native:buffer"))
        store.accept(job(f"c{number}", "native:clip"))
    store.claim(job("b1"), "t", "b", 3)
    store.claim(job("c1"), "t", "b", 3)

    def ids(which: JobFilter) -> set[str]:
        return {found.job_id for found in store.list(which, 100).records}

    running = (JobStatus.RUNNING,)
    assert ids(JobFilter(statuses=running)) == {"b1", "c1"}
    assert ids(JobFilter(statuses=running, processes=("native:buffer",))) == {"b1"}
    both = ("native:buffer", "native:clip")
    assert len(ids(JobFilter(statuses=(*running, JobStatus.ACCEPTED), processes=both))) == 8
    assert ids(JobFilter(longest=100)) == {"b1", "c1"}
    assert ids(JobFilter(shortest=100)) == set()
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert ids(JobFilter(after=later)) == set()
    assert len(ids(JobFilter(before=later))) == 8


def test_a_cursor_that_no_page_gave_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        store.list(JobFilter(), 10, "nonsense")


def test_an_offer_keeps_the_order_of_its_inputs(store: Store) -> None:
    inputs = {name: InputDescription(schema={"type": "string"}) for name in ("b", "c", "a")}
    digest = store.put_offer(Offer(processes=[Process(id="x", version="1", inputs=inputs)]))
    found = store.get_offer(digest)
    assert found is not None
    assert list(found.processes[0].inputs) == ["b", "c", "a"]


def test_an_offer_is_found_by_the_digest_of_its_content(store: Store) -> None:
    offer = Offer(processes=[Process(id="a:b", version="1")])
    digest = store.put_offer(offer)
    assert store.put_offer(offer) == digest
    assert store.get_offer(digest) == offer
    assert store.refresh_offer(digest)
    assert not store.refresh_offer("other")
    assert store.get_offer("other") is None


def test_a_lock_has_one_holder(store: Store) -> None:
    with store.lock("sweep", 5) as first, store.lock("sweep", 5) as second:
        assert (first, second) == (True, False)
    with store.lock("sweep", 5) as again:
        assert again


def test_a_store_that_is_away_is_told_as_not_available(tmp_path: Any) -> None:
    store = Store(f"unix://{tmp_path}/nobody?db=0", timeout=0.2)
    with pytest.raises(Unavailable, match="job store"):
        store.get("j1")


@pytest.mark.parametrize("change", [("maxmemory", "1"), ("min-replicas-to-write", "1")])
def test_a_store_that_takes_nothing_is_told_as_not_available(
    store: Store, valkey: Any, change: tuple[str, str]
) -> None:
    """As when its disk is full: reads are answered, writes are refused."""
    client = redis.Redis.from_url(valkey.url)
    name, value = change
    (before,) = client.config_get(name).values()
    try:
        client.config_set(name, value)
        with pytest.raises(Unavailable), store.lock("l", 1):
            pass
        with pytest.raises(Unavailable):
            store.beat("b1")
        assert store.get("unknown") is None
    finally:
        client.config_set(name, before)
        client.close()
    store.beat("b1")


def test_jobs_that_no_worker_has_begun_are_counted(store: Store) -> None:
    assert store.waiting("default") == Waiting(0)
    messages = [job("j1"), job("j2"), job("j3"), job("j4")]
    for message in messages:
        store.accept(message)
    assert store.waiting("default") == Waiting(4, record(store, "j1").created)
    store.claim(messages[0], "t", "b", 3)
    store.dismiss("j2")
    store.remove("j4")
    assert store.waiting("default") == Waiting(1, record(store, "j3").created)
    assert store.waiting("another") == Waiting(0)


def test_a_job_is_listed_under_the_id_by_which_it_was_asked_for(store: Store) -> None:
    store.accept(job("j1").model_copy(update={"listed_id": "native:buffer@old"}))
    assert record(store, "j1").process_id == "native:buffer@old"
    assert record(store, "j1").request.process_id == "native:buffer"
    assert len(store.list(JobFilter(processes=("native:buffer@old",)), 10).records) == 1


def test_a_message_that_is_no_more_is_noted(store: Store) -> None:
    store.accept(job("j1"))
    store.mark_published("j1")
    store.mark_unpublished("j1")
    assert record(store, "j1").published is False
