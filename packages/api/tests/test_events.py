"""Who waits for a job is woken by its event, and by its record when the event was lost."""

import asyncio
import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from qanat_api.events import Events
from qanat_common.errors import Unavailable
from qanat_common.jobs import JobRecord
from qanat_common.ogc import JobStatus
from qanat_common.protocol import JobEvent, RunJob

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOST = object()


class Source:
    """Records in a dictionary, events by hand; LOST ends a subscription as a lost store does."""

    def __init__(self) -> None:
        self.records: dict[str, JobRecord] = {}
        self.reads = 0
        self.happened: queue.Queue[Any] = queue.Queue()

    def get(self, job_id: str) -> JobRecord | None:
        self.reads += 1
        return self.records.get(job_id)

    def set(self, status: JobStatus) -> None:
        request = RunJob(job_id="j", process_id="p", service="s", created=NOW)
        self.records["j"] = JobRecord(
            job_id="j", process_id="p", service="s", created=NOW, status=status, request=request
        )

    def tell(self, status: JobStatus) -> None:
        self.happened.put(JobEvent(job_id="j", status=status))

    def events(self, wait: float) -> Iterator[JobEvent | None]:
        while True:
            try:
                event = self.happened.get(timeout=wait)
            except queue.Empty:
                event = None
            if event is LOST:
                raise Unavailable("lost")
            yield event


async def waited(
    source: Source, then: Any, seconds: float = 30.0
) -> tuple[JobRecord | None, float]:
    """What a watch brings when `then` happens while it waits, and how long it took."""
    events = Events(source, idle=0.02)
    events.start()
    try:
        with events.watch("j") as watch:
            asyncio.get_running_loop().call_later(0.05, then)
            began = time.monotonic()
            return await watch.ended(seconds), time.monotonic() - began
    finally:
        events.stop()


def test_an_event_of_the_end_wakes_who_waits() -> None:
    source = Source()

    def end() -> None:
        source.set(JobStatus.SUCCESSFUL)
        source.tell(JobStatus.SUCCESSFUL)

    record, _ = asyncio.run(waited(source, end))
    assert record
    assert record.status is JobStatus.SUCCESSFUL
    assert source.reads == 1


def test_progress_wakes_nobody() -> None:
    source = Source()
    source.set(JobStatus.RUNNING)
    record, _ = asyncio.run(waited(source, lambda: source.tell(JobStatus.RUNNING), 0.3))
    assert record is None
    assert source.reads <= 1


def test_after_a_lost_subscription_the_record_is_read_again() -> None:
    source = Source()

    def lose() -> None:
        source.set(JobStatus.FAILED)
        source.happened.put(LOST)

    record, _ = asyncio.run(waited(source, lose))
    assert record
    assert record.status is JobStatus.FAILED


def test_a_lost_event_is_made_up_for_within_a_second() -> None:
    source = Source()
    record, seconds = asyncio.run(waited(source, lambda: source.set(JobStatus.DISMISSED)))
    assert record
    assert seconds > 0.5
