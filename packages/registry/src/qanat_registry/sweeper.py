"""Jobs that lost their message or their worker are published again.

No setting of any broker was lossless when processes were killed at random; with this nothing was
lost. It publishes: a worker's claim decides whether a message still means anything, and
ends a job that was tried too often. So a message too many is harmless.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from qanat_common.errors import NoSuchProcess, Unavailable
from qanat_common.jobs import JobRecord, JobSummary
from qanat_common.listing import JobFilter
from qanat_common.logs import job_context
from qanat_common.ogc import JobStatus
from qanat_common.protocol import Failed, RunJob, queue_name
from qanat_common.store import WORKER_MS, Store
from qanat_registry.rounds import Rounds

logger = logging.getLogger(__name__)

LOCK = "sweeper"
LOCK_SECONDS = 30.0
"""How long a sweep may take before another registry may begin one."""

GRACE_SECONDS = 5.0
"""How long an accepted job may be without a message: the api or a worker may be about to act."""

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""How long a job published again is left alone: doubled each time."""

SILENT_SECONDS = 3 * WORKER_MS / 1000
"""A worker without a new beat for so long is dead, whatever the clock of the store makes of it."""

UNOFFERED_SECONDS = 60.0
"""How long a job may wait for a worker that offers its process, while others of its service are there."""

SHARE = 20
"""A sweep that took t seconds is followed by a pause of at least SHARE * t."""

LONGEST_REST = 15.0
"""But a pause is never longer."""

PAGE = 100


class Queues(Protocol):
    """What the sweeper needs of the broker; both raise Unavailable."""

    def waiting(self, name: str) -> int:
        """How many messages wait in a queue."""

    def publish(self, job: RunJob) -> None:
        """Send a job to its queue, and wait until the broker has it."""


class Dispatch(Protocol):
    """Who knows where a job is to be sent."""

    def queue(self, job: RunJob) -> str | None:
        """Its queue; None when those who are there cannot run it. Raises Unavailable."""

    def is_consumed(self, queue: str, service: str) -> bool:
        """Whether somebody may take jobs from a queue."""


@dataclass(frozen=True)
class Suspect:
    """A job that may be lost: in which state it was seen, how often it was sent, when it may be."""

    status: JobStatus
    attempt: int
    not_before: float
    sent: int = 0

    def sent_at(self, now: float) -> "Suspect":
        """The same, sent once more: it is left alone for longer each time."""
        pause = min(FIRST_PAUSE * 2**self.sent, LONGEST_PAUSE)
        return replace(self, sent=self.sent + 1, not_before=now + pause)


def judge(
    record: JobSummary, known: Suspect | None, now: float, *, alive: bool, queued: bool
) -> Suspect | None:
    """What is held against a job; None when nothing is. `alive` is its worker.

    While messages wait in its queue (`queued`), its own may be among them: so nothing is held
    against an accepted job whose message was confirmed, and a job sent again is not sent once more.
    """
    running = record.status is JobStatus.RUNNING
    if alive if running else record.published and queued:
        return None
    if known is None or (known.status, known.attempt) != (record.status, record.attempt):
        return Suspect(record.status, record.attempt, now if running else now + GRACE_SECONDS)
    if queued and known.sent:
        return replace(known, not_before=max(known.not_before, now + FIRST_PAUSE))
    return known


@dataclass(frozen=True)
class Pulse:
    """How often a worker had beaten, and since when it has not beaten again."""

    beats: int
    since: float


def _unheard() -> None:
    """Nobody counts."""


class Sweeper(Rounds):
    """Looks through the jobs that have not ended. `sweep` is one look; `start` repeats it."""

    def __init__(
        self,
        store: Store,
        queues: Queues,
        dispatch: Dispatch,
        seconds: float,
        clock: Callable[[], float],
        resent: Callable[[], None] = _unheard,
    ) -> None:
        """`seconds` lie between two looks; `clock` gives seconds that only grow.

        `resent` hears of each job that was published again.
        """
        self._resent = resent
        super().__init__(
            "sweeper",
            self.sweep,
            "cannot look after lost jobs for now: %s",
            first=seconds,
            rest=lambda spent: max(seconds, min(SHARE * spent, LONGEST_REST)),
        )
        self._store = store
        self._queues = queues
        self._dispatch = dispatch
        self._clock = clock
        self._suspects: dict[str, Suspect] = {}
        self._shunned: dict[str, float] = {}
        self._pulses: dict[str, Pulse] = {}
        self._held_since = clock()
        self._unoffered: dict[str, float] = {}

    def sweep(self) -> int:
        """One look at all jobs, unless another registry is at it; how many were published again.

        Raises Unavailable when the store is away. A queue that fails is left alone for a while, and
        the others are looked after.
        """
        with self._store.lock(LOCK, LOCK_SECONDS) as mine:
            if mine:
                self._held_since = self._clock()
            # A lock that is never free was left by a dead registry: the store's clock was put back.
            elif self._clock() - self._held_since < 2 * LOCK_SECONDS:
                return 0
            return self._sweep()

    def _sweep(self) -> int:
        seen: dict[str, Suspect] = {}
        queued: dict[str, bool] = {}
        boots: set[str | None] = set()
        sent = 0
        for record in self._unfinished():
            known = self._suspects.get(record.job_id)
            queue = record.queue or queue_name(record.service)
            if queue not in queued:
                queued[queue] = self._queued(queue, record.service)
            boots.add(record.boot)
            alive = record.boot is not None and self._lives(record.boot)
            now = self._clock()
            suspect = judge(record, known, now, alive=alive, queued=queued[queue])
            if suspect is None:
                continue
            if suspect.not_before <= now and self._publish(record):
                sent, suspect = sent + 1, suspect.sent_at(now)
            seen[record.job_id] = suspect
        self._suspects = seen
        self._pulses = {boot: pulse for boot, pulse in self._pulses.items() if boot in boots}
        return sent

    def _lives(self, boot: str) -> bool:
        """Whether a worker beats; of one that does not, nothing is left that could tell otherwise."""
        beats, now = self._store.beats(boot), self._clock()
        if beats is None:
            self._pulses.pop(boot, None)
            return False
        known = self._pulses.get(boot)
        if known is None or known.beats != beats:
            self._pulses[boot] = Pulse(beats, now)
            return True
        if now - known.since < SILENT_SECONDS:
            return True
        logger.warning("worker %s is silent: its jobs are given to others", boot)
        self._store.leave(boot)
        return False

    def _unfinished(self) -> Iterator[JobSummary]:
        for status in (JobStatus.RUNNING, JobStatus.ACCEPTED):
            cursor: str | None = None
            while not self.stopping:
                page = self._store.list(JobFilter(statuses=(status,)), PAGE, cursor)
                yield from page.records
                cursor = page.cursor
                if cursor is None:
                    break

    def _queued(self, queue: str, service: str) -> bool:
        """Whether messages wait for workers; supposed when the queue cannot be asked."""
        if not self._dispatch.is_consumed(queue, service):
            return False
        if self._is_shunned(queue):
            return True
        try:
            return self._queues.waiting(queue) > 0
        except Unavailable as error:
            self._shun(queue, error)
            return True

    def _publish(self, listed: JobSummary) -> bool:
        """Send a job's message again, if the job is still as it was listed."""
        record = self._store.get(listed.job_id)
        if record is None or (record.status, record.token) != (listed.status, listed.token):
            return False
        with job_context(record.job_id):
            queue = self._dispatch.queue(record.request)
            if queue is None:
                self._not_offered(record)
            return queue is not None and self._sent(record, queue)

    def _sent(self, record: JobRecord, queue: str) -> bool:
        if self._is_shunned(queue):
            return False
        try:
            self._queues.publish(record.request.model_copy(update={"queue": queue}))
        except Unavailable as error:
            self._shun(queue, error)
            return False
        self._unoffered.pop(record.job_id, None)
        self._store.mark_published(record.job_id, queue)
        logger.warning("job %s was %s and lost: published again", record.job_id, record.status)
        self._resent()
        return True

    def _not_offered(self, record: JobRecord) -> None:
        """End a job that its service could not run for a while, although its workers are there."""
        now = self._clock()
        if now - self._unoffered.setdefault(record.job_id, now) < UNOFFERED_SECONDS:
            return
        logger.error("%s: no worker of its service offers it any more", record.process_id)
        words = f"No worker offers the process {record.process_id!r} any more."
        self._store.give_up(record.job_id, Failed(code=NoSuchProcess.code, message=words))
        del self._unoffered[record.job_id]

    def _is_shunned(self, queue: str) -> bool:
        return self._clock() < self._shunned.get(queue, 0.0)

    def _shun(self, queue: str, error: Unavailable) -> None:
        """Leave a queue alone for a while: each try may cost seconds."""
        logger.warning("the queue %s: %s", queue, error.detail)
        self._shunned[queue] = self._clock() + FIRST_PAUSE
