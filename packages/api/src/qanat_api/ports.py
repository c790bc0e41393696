"""What jobs need of store, storage, broker and others, and of who says what a caller may do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from qanat_api.catalog import Snapshot
from qanat_common.bounds import Bounds
from qanat_common.jobs import JobRecord
from qanat_common.listing import JobFilter, JobPage
from qanat_common.protocol import LogEntry, RunJob


class Store(Protocol):
    """Where job records lie. Blocks; raises Unavailable."""

    def accept(self, request: RunJob, bounds: Bounds) -> bool:
        """Create the record of a job; raises QueueFull or TooManyJobs."""

    def mark_published(self, job_id: str) -> None:
        """Note that the broker has the job's message."""

    def get(self, job_id: str) -> JobRecord | None:
        """The record of a job."""

    def was_removed(self, job_id: str) -> bool:
        """Whether there was such a job."""

    def dismiss(self, job_id: str) -> bool:
        """End a job that has not ended."""

    def remove(self, job_id: str) -> bool:
        """Take a job away, and remember that it was there."""

    def log(self, job_id: str) -> Sequence[LogEntry]:
        """What the algorithm of a job said."""

    def list(self, which: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """A page of jobs; raises ValueError for a wrong cursor."""


class Storage(Protocol):
    """Where files of jobs lie. Blocks; raises Unavailable."""

    def put(self, key: str, path: Path) -> int:
        """Keep a file."""

    def put_bytes(self, key: str, data: bytes) -> int:
        """Keep some bytes."""

    def remove_job(self, job_id: str) -> None:
        """Take away all files of a job."""

    def stream(
        self, key: str, start: int = 0, end: int | None = None, chunk: int = 1 << 20
    ) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""


class Broker(Protocol):
    """Where jobs are sent to."""

    async def send(self, message: RunJob) -> None:
        """Send a job, and know that it was taken; raises Unavailable."""


class Watch(Protocol):
    """Someone who waits for a job; `released` when nobody shall wait any longer."""

    released: bool

    async def ended(self, seconds: float) -> JobRecord | None:
        """The record of the job when it has ended; None when it did not in time."""


class Watches(Protocol):
    """Where one waits for jobs."""

    def watch(self, job_id: str) -> AbstractContextManager[Watch]:
        """Wait for a job, from now on."""


class Guard(Protocol):
    """Who asks, and what it may do."""

    @property
    def owner(self) -> str | None:
        """Whose the jobs are that it sends."""

    @property
    def lists(self) -> str | None:
        """Whose jobs it is shown in lists; None: those of all."""

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The processes that it may see."""

    def enters(self) -> None:
        """Raises what refuses somebody who can have no jobs."""

    def runs(self, process_id: str) -> None:
        """Raises what refuses it to run a process now."""

    def sees(self, job: JobRecord) -> bool:
        """Whether a job is its own to see."""

    def owns(self, owner: str | None) -> bool:
        """Whether what belongs to an owner is its own to see."""
