"""Jobs that have expired are taken away, with their files, and files that are no job's.

One registry at a time, by a lock in the store. A pass is bounded in time and in what it looks at;
what is left over is for the next one.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from qanat_common.errors import Unavailable
from qanat_registry.rounds import Rounds

logger = logging.getLogger(__name__)

LOCK = "janitor"
LOCK_SECONDS = 120.0
"""How long a pass may take before another registry may begin one."""

PASS_SECONDS = 20.0
"""After so long a pass ends, with the job in hand."""

BATCH = 100
"""How many expired jobs are taken together."""

PROMISES = 1000
"""How many jobs that ended without a rule are given their time in a pass."""

FILES = 1000
"""How many files of the storage a pass looks at."""

REST_SECONDS = 3600.0
"""How long the storage is left alone after all of its files were looked at."""


class Expiring(Protocol):
    """What the janitor needs of the store; raises Unavailable."""

    def keep(self, seconds: float | None, most: int, now: datetime | None) -> int:
        """Keep ended jobs so long from now on."""

    def expire(self, most: int, now: datetime | None) -> Sequence[str]:
        """Take away records of expired jobs; ids of those whose files are still there."""

    def bury(self, job_id: str) -> None:
        """The files of a job are gone."""

    def unknown(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Those of these jobs that have no record."""


class Files(Protocol):
    """What the janitor needs of the storage; raises Unavailable."""

    def job_files(self) -> Iterator[tuple[str, datetime]]:
        """For each file of a job: the job, and when it was written."""

    def remove_job(self, job_id: str) -> None:
        """Take away all files of a job."""


class Locks(Protocol):
    """Where turns are taken."""

    def lock(self, name: str, seconds: float) -> AbstractContextManager[bool]:
        """Hold a lock; what is entered is false when another holds it."""


@dataclass(frozen=True)
class Keeping:
    """How long, in seconds: ended jobs (None: for ever), files of no job; and between two passes."""

    jobs: float | None
    orphans: float
    every: float


def _unheard() -> None:
    """Nobody counts."""


class Janitor(Rounds):
    """Cleans up. `clean` is one pass; `start` repeats it."""

    def __init__(
        self,
        locks: Locks,
        jobs: Expiring,
        files: Callable[[], Files],
        keeping: Keeping,
        clock: Callable[[], datetime] | None = None,
        expired: Callable[[], None] = _unheard,
    ) -> None:
        """`files` opens the storage; without a `clock` the store's own says when jobs expire.

        `expired` hears of each job that was taken away.
        """
        self._heard = expired
        super().__init__(
            "janitor",
            self.clean,
            "cannot take away what has expired for now: %s",
            first=min(keeping.every, 1.0),
            rest=lambda _spent: keeping.every,
        )
        self._locks = locks
        self._jobs = jobs
        self._open = files
        self._keeping = keeping
        self._clock = clock
        self._files: Files | None = None
        self._listing: Iterator[tuple[str, datetime]] | None = None
        self._rested = 0.0

    def clean(self) -> int:
        """One pass, unless another registry is at it; how many jobs were taken away.

        Raises Unavailable when the store or the storage is away: the next pass goes on.
        """
        with self._locks.lock(LOCK, LOCK_SECONDS) as mine:
            return self._clean() if mine else 0

    def _clean(self) -> int:
        now = self._clock() if self._clock else None
        self._jobs.keep(self._keeping.jobs, PROMISES, now)
        files = self._files = self._files or self._open()
        end = time.monotonic() + PASS_SECONDS
        taken = self._expired(files, now, end)
        if taken:
            logger.info("%d expired jobs were taken away", taken)
        self._orphans(files, now or datetime.now(UTC), end)
        return taken

    def _expired(self, files: Files, now: datetime | None, end: float) -> int:
        taken = 0
        while True:
            doomed = self._jobs.expire(BATCH, now)
            for job_id in doomed:
                if self.stopping or time.monotonic() > end:
                    return taken
                files.remove_job(job_id)
                self._jobs.bury(job_id)
                self._heard()
                taken += 1
            if len(doomed) < BATCH:
                return taken

    def _orphans(self, files: Files, now: datetime, end: float) -> None:
        """Take away old files of jobs that are not known, among the next few files."""
        if self._listing is None and time.monotonic() < self._rested:
            return
        try:
            self._take_orphans(files, now, end)
        except Unavailable:
            self._listing = None  # from the start again: what was listed is not looked at twice
            raise

    def _take_orphans(self, files: Files, now: datetime, end: float) -> None:
        self._listing = self._listing or files.job_files()
        listed = list(islice(self._listing, FILES))
        old = now - timedelta(seconds=self._keeping.orphans)
        for job_id in self._unknown({job_id for job_id, written in listed if written < old}):
            if self.stopping or time.monotonic() > end:
                return
            logger.info("files of %s, which is no job that is known, are taken away", job_id)
            files.remove_job(job_id)
        if len(listed) < FILES:
            self._listing, self._rested = None, time.monotonic() + REST_SECONDS

    def _unknown(self, job_ids: set[str]) -> Sequence[str]:
        return self._jobs.unknown(sorted(job_ids)) if job_ids else ()
