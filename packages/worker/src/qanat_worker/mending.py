"""Looks after queues that do not answer: waits for them, and has one made anew that stays silent."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from qanat_common.errors import Unavailable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How long between two looks at the queues that do not answer."""

LOCK_SECONDS = 90.0
"""How long the making of a queue may take before another worker may try."""


class Ward(Protocol):
    """What can be done for a queue; both raise Unavailable when the broker itself does not answer."""

    def answers(self, name: str) -> bool:
        """Whether the queue can be consumed; it is declared if it is not there."""

    def renew(self, name: str) -> None:
        """Delete the queue, and declare it anew."""


class Locks(Protocol):
    """Where workers see to it that only one of them does something; raises Unavailable."""

    def lock(self, name: str, seconds: float) -> AbstractContextManager[bool]:
        """Hold a lock for at most `seconds`; gives False when another holds it."""


class Mender:
    """Looks after silent queues in a thread of its own.

    Nothing is lost with the messages of a queue that is made anew: the registry's sweeper sends
    every job again that has lost its message.
    """

    def __init__(
        self,
        ward: Ward,
        locks: Locks,
        after: float,
        back: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A queue that is silent for `after` seconds is made anew, 0: never; `back` is told when it answers."""
        self._ward = ward
        self._locks = locks
        self._after = after
        self._back = back
        self._clock = clock
        self._silent: dict[str, float | None] = {}
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._live, name="mender", daemon=True)

    def start(self) -> None:
        """Begin; nothing is done before a queue is silent."""
        self._thread.start()

    def look_after(self, name: str) -> None:
        """A queue did not answer. From any thread."""
        logger.warning("the queue %s does not answer: it is left out", name)
        with self._changed:
            self._silent.setdefault(name, None)
            self._changed.notify_all()

    def forget(self, name: str) -> None:
        """A queue is needed no more. From any thread."""
        with self._changed:
            self._silent.pop(name, None)

    def check(self) -> None:
        """Raises Unavailable while a queue is silent."""
        with self._changed:
            silent = sorted(self._silent)
        if silent:
            raise Unavailable(f"No answer from the queue {', '.join(silent)}.")

    def look(self) -> None:
        """One look at each silent queue."""
        with self._changed:
            silent = list(self._silent)
        for name in silent:
            try:
                self._look(name)
            except Unavailable as error:
                # what does not answer then says nothing of the queue
                logger.debug("the queue %s: %s", name, error)
                self._note(name, None)

    def _live(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._silent)
            self.look()
            time.sleep(LOOK_SECONDS)

    def _look(self, name: str) -> None:
        since, now = self._silent.get(name), self._clock()
        if self._ward.answers(name):
            self._heard(name)
        elif since is None:
            self._note(name, now)
        elif self._after and now - since >= self._after:
            self._renew(name, now - since)

    def _heard(self, name: str) -> None:
        logger.warning("the queue %s answers again", name)
        self.forget(name)
        self._back(name)

    def _renew(self, name: str, seconds: float) -> None:
        """Make it anew, if no other worker does or has done."""
        with self._locks.lock(f"queue:{name}", LOCK_SECONDS) as mine:
            if mine and not self._ward.answers(name):
                logger.error("the queue %s is silent for %.0f s: it is made anew", name, seconds)
                self._ward.renew(name)
                self._heard(name)

    def _note(self, name: str, since: float | None) -> None:
        with self._changed:
            if name in self._silent:
                self._silent[name] = since
