"""The listing against a plain loop over all jobs: any filter, any page, while jobs arrive."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qanat_common import listing
from qanat_common.jobs import TERMINAL
from qanat_common.listing import JobFilter
from qanat_common.ogc import JobStatus
from qanat_common.protocol import RunJob
from qanat_common.store import PREFIX, Store

redis = pytest.importorskip("redis")

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
PROCESSES = ("a", "b", "c")
OWNERS = ("ann", "bob")

WRITE = """
for _, job in ipairs(cjson.decode(ARGV[2])) do
  redis.call('HSET', ARGV[1] .. 'job:' .. job.id, 'job_id', job.id, 'service', 's', 'attempt', 0,
    'process_id', job.process, 'status', job.status, 'created', job.created)
  if job.started then redis.call('HSET', ARGV[1] .. 'job:' .. job.id, 'started', job.started) end
  if job.owner then
    redis.call('HSET', ARGV[1] .. 'job:' .. job.id, 'owner', job.owner)
    redis.call('ZADD', ARGV[1] .. 'jobs:o:' .. job.owner, job.created, job.id)
  end
  if job.finished then redis.call('HSET', ARGV[1] .. 'job:' .. job.id, 'finished', job.finished) end
  for _, index in ipairs(indexes(ARGV[1], job.status, job.process)) do
    redis.call('ZADD', index, job.created, job.id)
  end
  if job.started and job.finished then
    redis.call('ZADD', span(ARGV[1], job.finished - job.started), job.created, job.id)
  end
end
"""


@dataclass(frozen=True)
class Made:
    """A job as a test made it: times in milliseconds after START, `ran` in milliseconds."""

    id: str
    process: str
    status: JobStatus
    created: int
    ran: int | None
    owner: str | None

    def document(self) -> dict[str, Any]:
        created = round(START.timestamp() * 1000) + self.created
        found = {"id": self.id, "process": self.process, "status": self.status, "created": created}
        if self.owner:
            found["owner"] = self.owner
        if self.ran is not None:
            found |= {"started": created + 5, "finished": created + 5 + self.ran}
        return found

    def passes(self, which: JobFilter) -> bool:
        created = START + timedelta(milliseconds=self.created)
        ran = None if self.ran is None else self.ran / 1000
        timed = which.shortest is not None or which.longest is not None
        return (
            (not which.statuses or self.status in which.statuses)
            and (not which.processes or self.process in which.processes)
            and (which.owner is None or self.owner == which.owner)
            and (which.after is None or created >= which.after)
            and (which.before is None or created <= which.before)
            and (not timed or ran is not None)
            and (which.shortest is None or (ran or 0) >= which.shortest)
            and (which.longest is None or (ran or 0) <= which.longest)
        )


@st.composite
def jobs(draw: Any) -> list[Made]:
    """Jobs of which several were created in the same millisecond, and ran about as long."""
    made = []
    for number in range(draw(st.integers(0, 40))):
        status = draw(st.sampled_from([s for s in JobStatus if s is not JobStatus.RUNNING]))
        # one that was dismissed before it was started has no duration
        ran = draw(st.integers(0, 9000)) if status in TERMINAL and draw(st.booleans()) else None
        process = draw(st.sampled_from(PROCESSES))
        owner = draw(st.none() | st.sampled_from(OWNERS))
        made.append(Made(f"j{number:02}", process, status, draw(st.integers(0, 12)), ran, owner))
    return made


MOMENTS = st.none() | st.integers(-1000, 13_000).map(lambda n: START + timedelta(microseconds=n))
SECONDS = st.none() | st.integers(0, 9)
FILTERS = st.builds(
    JobFilter,
    statuses=st.lists(st.sampled_from(list(JobStatus)), max_size=6),
    processes=st.lists(st.sampled_from([*PROCESSES, "none"]), max_size=4),
    after=MOMENTS,
    before=MOMENTS,
    owner=st.none() | st.sampled_from([*OWNERS, "nobody"]),
    shortest=SECONDS,
    longest=SECONDS,
)


@pytest.fixture
def store(valkey: Any) -> Iterator[Store]:
    store = Store(valkey.url)
    yield store
    store.close()


@pytest.fixture
def write(valkey: Any) -> Iterator[Callable[[list[Made]], None]]:
    """Empties the store, and writes the records of these jobs."""
    client = redis.Redis.from_url(valkey.url)
    header = resources.files("qanat_common.lua").joinpath("index.lua").read_text("utf-8")
    script = client.register_script(header + WRITE)

    def write(made: list[Made]) -> None:
        client.flushall()
        script(args=[PREFIX, json.dumps([job.document() for job in made])])

    yield write
    client.close()


def pages(store: Store, which: JobFilter, limit: int, arrives: Callable[[], None]) -> list[str]:
    """All jobs that pass, page by page; something arrives after each."""
    seen: list[str] = []
    cursor = None
    while True:
        page = store.list(which, limit, cursor)
        assert len(page.records) <= limit
        seen += [record.job_id for record in page.records]
        arrives()
        cursor = page.cursor
        if cursor is None:
            return seen


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(made=jobs(), which=FILTERS, limit=st.integers(1, 9), cap=st.sampled_from([1, 3, 1000]))
def test_every_page_has_what_passes_the_filters_newest_first(
    store: Store, write: Any, made: list[Made], which: JobFilter, limit: int, cap: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "SCAN_CAP", cap)
        write(made)
        found = pages(store, which, limit, lambda: None)
    in_order = sorted(made, key=lambda job: (job.created, job.id), reverse=True)
    assert found == [job.id for job in in_order if job.passes(which)]


def test_a_running_job_has_run_until_now(store: Store) -> None:
    for number in range(3):
        job = RunJob(job_id=f"j{number}", process_id="a", service="s", created=START)
        store.accept(job)
        if number:
            store.claim(job, "t", "b", 3)
    store.dismiss("j2")
    assert [found.job_id for found in store.list(JobFilter(longest=60), 9).records] == ["j2", "j1"]
    assert store.list(JobFilter(shortest=60), 9).records == []
    running = JobFilter(statuses=[JobStatus.RUNNING], processes=["a", "b"], longest=60)
    assert [found.job_id for found in store.list(running, 9).records] == ["j1"]


def test_pages_are_stable_while_jobs_arrive_and_end(store: Store) -> None:
    for number in range(25):
        store.accept(RunJob(job_id=f"j{number:02}", process_id="a", service="s", created=START))
    left = iter(range(25))

    def arrives() -> None:
        number = next(left)
        store.accept(RunJob(job_id=f"n{number:02}", process_id="a", service="s", created=START))
        store.dismiss(f"j{number:02}")
        store.remove(f"j{number:02}")

    # of those that were there, only what was taken away before its page is missed
    found = pages(store, JobFilter(processes=["a"]), 7, arrives)
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found))
    assert {f"j{number:02}" for number in range(4, 25)} <= set(found)
    assert not [job for job in found if job.startswith("n")]


def test_many_processes_at_once_are_merged(store: Store) -> None:
    for number in range(120):
        name = f"p{number % 60}"
        store.accept(RunJob(job_id=f"j{number:03}", process_id=name, service="s", created=START))
    which = JobFilter(processes=[f"p{number}" for number in range(50)])
    found = pages(store, which, 11, lambda: None)
    expected = [number for number in range(120) if number % 60 < 50]
    assert sorted(found) == [f"j{number:03}" for number in expected]


def test_a_list_leaves_out_what_a_job_was_asked_for(store: Store) -> None:
    store.accept(RunJob(job_id="j1", process_id="a", service="s", created=START))
    (found,) = store.list(JobFilter(), 5).records
    assert not hasattr(found, "request")
    assert found.created == store.get("j1").created  # type: ignore[union-attr]  # it is there
