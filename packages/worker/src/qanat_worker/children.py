"""Ready children for whoever has a job, from the newest warm parent; replaces one that is lost."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from qanat_common.errors import Unavailable
from qanat_worker.pipe import Fork, Retire
from qanat_worker.tally import Tally, Usage
from qanat_worker.warm import STOP_SECONDS, Capabilities, Child, EngineStart, WarmParent

logger = logging.getLogger(__name__)

WAIT_SECONDS = 300.0
"""How long a job waits for a child while no warm parent is there."""

LOOK_SECONDS = 0.25
LONGEST_PAUSE = 30.0
"""The longest pause before a lost warm parent is replaced."""

STEADY_SECONDS = 60.0
"""A warm parent that lived so long was a good one: its loss is not held against the next."""


class EngineFailed(Exception):
    """The engine cannot be started; the text says why."""


class Children:
    """The children of a worker. `start` first, `close` last; the rest from any thread."""

    def __init__(
        self,
        start: EngineStart,
        on_ready: Callable[[Capabilities], None],
        usage: Usage | None = None,
    ) -> None:
        """`on_ready` hears what is offered, whenever a warm parent takes over; `usage` what jobs cost."""
        self._usage = usage or Tally()
        self._start = start
        self._on_ready = on_ready
        self._changed = threading.Condition()
        self._spares: deque[Child] = deque()
        self._parents: set[WarmParent] = set()
        self._current: WarmParent | None = None
        self._newest: WarmParent | None = None
        self._losses = 0
        self._began = False
        self._again = False
        self._closing = False

    def start(self) -> None:
        """Start a warm parent and wait for its first child. Raises EngineFailed."""
        first = self._begin(pause=0.0)
        with self._changed:
            # In slices: a signal that comes as a wait begins is heard only when the wait ends.
            while not self._changed.wait_for(lambda: self._began or first.lost, LOOK_SECONDS):
                pass
        if not self._began:
            raise EngineFailed(first.failure)

    def _begin(self, pause: float) -> WarmParent:
        parent = WarmParent(self._start, self)
        with self._changed:
            self._parents.add(parent)
            self._newest = parent
        parent.begin(pause)
        return parent

    def take(self, stopped: Callable[[], bool]) -> Child | None:
        """A child for a job, usually at once; None when `stopped` says so while waiting.

        Raises Unavailable when none came for long.
        """
        end = time.monotonic() + WAIT_SECONDS
        while not stopped():
            child = self._next(LOOK_SECONDS)
            if child is not None and child.fit():
                return child
            if child is not None:
                child.end()
            if time.monotonic() > end:
                raise Unavailable(
                    f"No process for the job could be started within {WAIT_SECONDS:g} seconds."
                )
        return None

    def _next(self, timeout: float) -> Child | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._spares, timeout):
                return None
            child, parent = self._spares.popleft(), self._current
        if parent is not None:
            parent.say(Fork())
        return child

    def reload(self) -> None:
        """Replace the warm parent, as soon as a new one is warm; running jobs go on to their end.

        While one starts it may have seen what was there before: then another follows it.
        """
        with self._changed:
            self._again = self._newest is not self._current
            if self._closing or self._again:
                return
        logger.info("starting a new warm parent")
        self._begin(pause=0.0)

    def _reload_if_asked(self) -> None:
        if self._again:
            self.reload()

    def close(self) -> None:
        """End all parents and children."""
        with self._changed:
            self._closing = True
            parents = list(self._parents)
        for parent in parents:
            parent.close()
        for parent in parents:
            parent.join(STOP_SECONDS + 1)

    @property
    def sandbox(self) -> str:
        """How jobs are confined."""
        with self._changed:
            able = self._current.capabilities if self._current else None
        return able.sandbox if able else ""

    def offers(self, process_id: str, project: str | None = None) -> bool:
        """Whether the newest warm parent has a process, within a project if one is named.

        Supposed while there is no warm parent.
        """
        with self._changed:
            able = self._current.capabilities if self._current else None
        return able is None or able.has(process_id, project)

    def check(self) -> None:
        """Raises Unavailable while no warm parent is there."""
        with self._changed:
            if self._current is None:
                raise Unavailable("The engine is not there; it is being started again.")

    @property
    def parent_pid(self) -> int | None:
        """The process id of the warm parent."""
        with self._changed:
            return self._current.pid if self._current else None

    # What warm parents tell, each in its own thread -------------------------------------------

    def has_spare(self, parent: WarmParent, child: Child) -> None:
        """Part of `warm.Owner`: a child is ready. The first one of a new parent hands over to it."""
        self._usage.forked()
        with self._changed:
            takes_over = parent is self._newest and parent is not self._current
        if takes_over:
            self._hand_over(parent)
        with self._changed:
            wanted = parent is self._current
            if wanted:
                self._spares.append(child)
                self._changed.notify_all()
        if not wanted:
            child.end()

    def _hand_over(self, parent: WarmParent) -> None:
        if parent.capabilities is not None:
            self._on_ready(parent.capabilities)
        with self._changed:
            old, self._current, self._began = self._current, parent, True
            spares, self._spares = self._spares, deque()
        if old is not None:
            self._retire(old, spares)
        self._reload_if_asked()

    def _retire(self, parent: WarmParent, spares: deque[Child]) -> None:
        for child in spares:
            child.end()
        parent.say(Retire())
        logger.info("a new warm parent has taken over from %s", parent.pid)

    def has_used(self, process_id: str, cpu_seconds: float, peak_bytes: int) -> None:
        """Part of `warm.Owner`."""
        self._usage.used(process_id, cpu_seconds, peak_bytes)

    def has_lost(self, parent: WarmParent) -> None:
        """Part of `warm.Owner`: a parent has ended. One that is needed is replaced."""
        with self._changed:
            self._parents.discard(parent)
            spares = self._forget(parent)
            needed = parent is self._newest and self._began and not self._closing
            pause = self._pause_after(parent) if needed else 0.0
            self._changed.notify_all()
        for child in spares:
            child.end()
        if needed:
            why = parent.failure or "it was warm"
            logger.error("warm parent %s was lost (%s), another in %g s", parent.pid, why, pause)
            self._begin(pause)
        else:
            self._reload_if_asked()

    def _forget(self, parent: WarmParent) -> deque[Child]:
        """Take a lost parent out of its place; the spares that went with it."""
        lost: deque[Child] = deque()
        if parent is self._current:
            self._current, lost, self._spares = None, self._spares, lost
        elif parent is self._newest and self._current is not None:
            self._newest = self._current
            logger.error("the new warm parent failed, the old one stays: %s", parent.failure)
        return lost

    def _pause_after(self, parent: WarmParent) -> float:
        since = parent.warm_since
        if since is not None and time.monotonic() - since > STEADY_SECONDS:
            self._losses = 0
        self._losses += 1
        return min(0.5 * 2 ** (self._losses - 2), LONGEST_PAUSE) if self._losses > 1 else 0.0
