"""The job store as a small model: what the Lua scripts of `qanat_common` do, on a clock of the test.

`test_model` runs both side by side; so what the simulation proves of the model holds for the scripts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qanat_common.jobs import TERMINAL, TRANSITIONS, JobRecord
from qanat_common.listing import JobFilter, JobPage
from qanat_common.ogc import JobStatus
from qanat_common.protocol import RunJob
from qanat_common.store import WORKER_MS, Claim, Claimed

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    """A record as the store has it; `trace` is every status that it had."""

    request: RunJob
    serial: int
    status: JobStatus = JobStatus.ACCEPTED
    attempt: int = 0
    token: str | None = None
    boot: str | None = None
    published: bool = False
    trace: list[JobStatus] = field(default_factory=lambda: [JobStatus.ACCEPTED])

    def becomes(self, status: JobStatus) -> None:
        """Change the status; never in a way that the state machine forbids."""
        assert status in TRANSITIONS[self.status], f"{self.status} → {status}"
        self.status = status
        self.trace.append(status)

    def record(self) -> JobRecord:
        """What a reader gets."""
        return JobRecord.model_construct(
            job_id=self.request.job_id,
            process_id=self.request.process_id,
            service=self.request.service,
            status=self.status,
            created=EPOCH,
            attempt=self.attempt,
            token=self.token,
            boot=self.boot,
            published=self.published,
            queue=None,
            request=self.request,
        )


@dataclass(frozen=True)
class Beats:
    """How often a worker has beaten, and until when that counts."""

    count: int
    until: float


class ModelStore:
    """Has the calls of `Store` that change jobs, and those that the sweeper needs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` in seconds; it may be put forth and back."""
        self._clock = clock
        self.rows: dict[str, Row] = {}
        self.gone: set[str] = set()
        self.workers: dict[str, Beats] = {}

    def accept(self, request: RunJob, *, restored: bool = False) -> bool:
        """As accept.lua."""
        if request.job_id in self.rows or request.job_id in self.gone:
            return False
        self.rows[request.job_id] = Row(request, len(self.rows))
        return True

    def mark_published(self, job_id: str, queue: str = "") -> None:
        """As published.lua."""
        if job_id in self.rows:
            self.rows[job_id].published = True

    def get(self, job_id: str) -> JobRecord | None:
        """The record."""
        row = self.rows.get(job_id)
        return row.record() if row else None

    def claim(self, message: RunJob, token: str, boot: str, attempts: int) -> Claim:
        """As claim.lua, and what `Store.claim` makes of it."""
        if message.job_id in self.gone:
            return Claim(Claimed.GONE, 0)
        row = self.rows.get(message.job_id)
        if row is None:
            self.accept(message, restored=True)
            return self.claim(message, token, boot, attempts)
        if row.status in TERMINAL:
            return Claim(Claimed.ENDED, row.attempt)
        if row.status is JobStatus.RUNNING and row.boot is not None and self.alive(row.boot):
            return Claim(Claimed.BUSY, row.attempt)
        if row.attempt >= attempts:
            return Claim(Claimed.EXHAUSTED, row.attempt)
        row.becomes(JobStatus.RUNNING)
        row.token, row.boot, row.attempt = token, boot, row.attempt + 1
        return Claim(Claimed.CLAIMED, row.attempt)

    def progress(self, job_id: str, token: str) -> bool:
        """As progress.lua."""
        row = self.rows.get(job_id)
        return row is not None and row.status is JobStatus.RUNNING and row.token == token

    def end(self, job_id: str, token: str, status: JobStatus) -> bool:
        """As finish.lua; an empty token ends it whoever holds it."""
        row = self.rows.get(job_id)
        if row is None or row.status in TERMINAL or (token and row.token != token):
            return False
        row.becomes(status)
        return True

    def remove(self, job_id: str) -> bool:
        """As remove.lua."""
        found = self.rows.pop(job_id, None)
        if found:
            self.gone.add(job_id)
        return found is not None

    def beat(self, boot: str) -> None:
        """A worker lives."""
        count = (self.beats(boot) or 0) + 1
        self.workers[boot] = Beats(count, self._clock() + WORKER_MS / 1000)

    def leave(self, boot: str) -> None:
        """A worker is no more."""
        self.workers.pop(boot, None)

    def beats(self, boot: str) -> int | None:
        """How often it has said so, if it has lately."""
        found = self.workers.get(boot)
        return found.count if found is not None and found.until > self._clock() else None

    def alive(self, boot: str) -> bool:
        """Whether it has said so lately."""
        return self.beats(boot) is not None

    def list(self, which: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        """A page: all of them, newest first."""
        rows = [row for row in self.rows.values() if row.status in which.statuses]
        return JobPage([row.record() for row in sorted(rows, key=lambda row: -row.serial)], None)

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[bool]:
        """There is one sweeper."""
        yield True
