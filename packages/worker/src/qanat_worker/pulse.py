"""The worker's life as the store sees it: its beat, and how its running jobs go; one thread.

The same calls tell which jobs are no longer this worker's to run.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial

from qanat_common.errors import Unavailable
from qanat_common.protocol import LogEntry, LogLevel
from qanat_common.store import LOG_LINES, Store

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
POLL_SECONDS = 1.0
"""How often the record of a running job is looked at, and its progress written."""

LINES_SECONDS = 0.2
"""How often lines of a job's log are written."""


class Stop(StrEnum):
    """Why a running job is to be stopped."""

    NOT_OURS = "not ours"
    GIVE_BACK = "give back"


class Report:
    """What a running job has said and the store has not heard yet; used from several threads."""

    def __init__(self, job_id: str, token: str) -> None:
        """Of the attempt at a job that `token` stands for."""
        self.job_id = job_id
        self.token = token
        self.stop: Stop | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._percent = self._told = 0
        self._entries: deque[LogEntry] = deque(maxlen=LOG_LINES)
        self._poll_at = time.monotonic() + POLL_SECONDS
        self._lines_at = 0.0

    def progress(self, percent: float) -> None:
        """Note how far the job is; it never goes back, and 100 is only for its end."""
        if math.isfinite(percent):
            self._percent = max(self._percent, min(int(max(percent, 0.0)), 99))

    def log(self, level: LogLevel, message: str) -> None:
        """Note a line of the job's log."""
        entry = LogEntry(time=datetime.now(UTC), level=level, message=message)
        with self._lock:
            self._entries.append(entry)

    def due(self, now: float) -> bool:
        """Whether there is something to tell or to ask."""
        return now >= self._poll_at or (bool(self._entries) and now >= self._lines_at)

    def tell(self, store: Store, now: float) -> None:
        """Tell what is due, and learn whether the job is still ours."""
        with self._writing:
            percent = self._percent if now >= self._poll_at else self._told
            entries = self._take()
            try:
                news = percent if percent != self._told else None
                ours = store.progress(self.job_id, self.token, progress=news, log=entries)
            except Unavailable:
                self._put_back(entries)
                raise
            self._told = percent
            self._lines_at = now + LINES_SECONDS
            if now >= self._poll_at:
                self._poll_at = now + POLL_SECONDS
        if not ours:
            self.stop = self.stop or Stop.NOT_OURS

    def flush(self, store: Store) -> None:
        """Tell the lines that are left."""
        with self._writing:
            entries = self._take()
            if not entries:
                return
            try:
                store.progress(self.job_id, self.token, log=entries)
            except Unavailable:
                self._put_back(entries)
                raise

    def _take(self) -> Sequence[LogEntry]:
        with self._lock:
            entries = list(self._entries)
            self._entries.clear()
        return entries

    def _put_back(self, entries: Sequence[LogEntry]) -> None:
        with self._lock:
            self._entries.extendleft(reversed(entries[-(LOG_LINES - len(self._entries)) :]))


class Pulse:
    """Beats for the worker, and tells the reports of its jobs, until `leave`."""

    def __init__(self, store: Store, boot: str) -> None:
        """Nothing happens before `start`."""
        self._store = store
        self._boot = boot
        self._reports: set[Report] = set()
        self._changed = threading.Condition()
        self._leaving = False
        self._away = False
        self._thread = threading.Thread(target=self._live, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to beat; the first beat is out when this returns, if the store is there."""
        self._guarded(self._beat)
        self._thread.start()

    def watch(self, report: Report) -> None:
        """Tell this report from now on; a short job is over before the thread wakes."""
        with self._changed:
            self._reports.add(report)

    def forget(self, report: Report) -> None:
        """The job has ended."""
        with self._changed:
            self._reports.discard(report)

    def stop_all(self, why: Stop) -> None:
        """Have all running jobs stopped."""
        with self._changed:
            for report in self._reports:
                report.stop = report.stop or why

    def leave(self) -> None:
        """Beat no more, and say so to the store: what still runs here may be run by others."""
        with self._changed:
            if self._leaving:
                return
            self._leaving = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._guarded(lambda: self._store.leave(self._boot))

    def _live(self) -> None:
        beat_at = time.monotonic() + BEAT_SECONDS
        while self._wait(beat_at):
            now = time.monotonic()
            if now >= beat_at:
                self._guarded(self._beat)
                beat_at = now + BEAT_SECONDS
            with self._changed:
                due = [report for report in self._reports if report.due(now)]
            for report in due:
                self._guarded(partial(report.tell, self._store, now))

    def _wait(self, until: float) -> bool:
        """Sleep until something may be due; False when the worker leaves."""
        with self._changed:
            if not self._leaving:
                pause = LINES_SECONDS if self._reports else max(until - time.monotonic(), 0)
                self._changed.wait(pause)
            return not self._leaving

    def _beat(self) -> None:
        self._store.beat(self._boot)

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call the store; while it is away, jobs run on and this is tried again."""
        try:
            call()
        except Unavailable:
            if not self._away:
                logger.warning("the store is away: jobs run on, their progress is told later")
            self._away = True
            return
        if self._away:
            logger.warning("the store is back")
        self._away = False
