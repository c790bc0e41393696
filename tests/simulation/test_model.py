"""The model of the store does what the store's scripts do: both are told the same, and say the same."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.simulation.model import EPOCH, ModelStore

from qanat_common.listing import JobFilter
from qanat_common.ogc import JobStatus
from qanat_common.protocol import Failed, RunJob, Succeeded
from qanat_common.store import Store

JOBS, BOOTS, TOKENS = ("a", "b"), ("w1", "w2"), ("t1", "t2", "t3")
ATTEMPTS = 3


@pytest.fixture
def store(valkey: Any) -> Iterator[Store]:
    opened = Store(valkey.url)
    yield opened
    opened.close()


def request(job_id: str) -> RunJob:
    return RunJob(job_id=job_id, process_id="p", service="s", created=EPOCH)


def finish(store: Store, job_id: str, token: str, status: JobStatus) -> bool:
    """What the model calls `end`, of the store."""
    if status is JobStatus.DISMISSED:
        return store.dismiss(job_id)
    if status is JobStatus.SUCCESSFUL:
        return store.finish(job_id, token, Succeeded())
    return store.give_up(job_id, Failed(code="worker-lost", message="m"))


def seen(store: Any, job_id: str) -> Any:
    record = store.get(job_id)
    if record is None:
        return None
    return record.status, record.attempt, record.token, record.boot, record.published


def listed(store: Any) -> set[str]:
    found: set[str] = set()
    for status in JobStatus:
        page = store.list(JobFilter(statuses=(status,)), 100)
        found |= {f"{record.job_id} {record.status}" for record in page.records}
    return found


Call = tuple[str, Callable[[Any, bool], Any]]


def a_call(chance: random.Random) -> Call:
    """One call, as it is made of either; the second argument tells the store from its model."""
    job, boot, token = chance.choice(JOBS), chance.choice(BOOTS), chance.choice(TOKENS)
    ends = [("", JobStatus.DISMISSED), ("", JobStatus.FAILED), (token, JobStatus.SUCCESSFUL)]
    fence, status = chance.choice(ends)

    def end(store: Any, real: bool) -> Any:
        return finish(store, job, fence, status) if real else store.end(job, fence, status)

    calls: list[Call] = [
        (f"accept {job}", lambda store, _: store.accept(request(job))),
        (f"mark {job}", lambda store, _: store.mark_published(job)),
        (f"claim {job}", lambda store, _: store.claim(request(job), token, boot, ATTEMPTS)),
        (f"progress {job}", lambda store, _: store.progress(job, token)),
        (f"end {job} {status} {fence}", end),
        (f"beat {boot}", lambda store, _: store.beat(boot)),
        (f"leave {boot}", lambda store, _: store.leave(boot)),
        (f"beats {boot}", lambda store, _: store.beats(boot)),
    ]
    if chance.random() < 0.03:
        return f"remove {job}", lambda store, _: store.remove(job)
    return chance.choice(calls)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_called_the_model_answers_as_the_store_does(store: Store, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # no secret is made of it
    model = ModelStore(lambda: 0.0)  # a beat holds for ever: workers end by leaving only
    history: list[str] = []
    for _ in range(60):
        name, call = a_call(chance)
        history.append(name)
        assert call(store, True) == call(model, False), history
        assert [seen(store, job) for job in JOBS] == [seen(model, job) for job in JOBS], history
    assert listed(store) == listed(model), history
