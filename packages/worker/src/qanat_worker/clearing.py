"""What is cleared away of a job, a moment after its outcome was told: who waits for it comes first."""

import logging
import queue
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.02
"""How long after the outcome: the answer is out by then. The end of a process keeps a core busy for as long."""

Call = Callable[[], None]


class Clearing:
    """Clears away in a thread of its own, in order."""

    def __init__(self, pause: float = PAUSE_SECONDS) -> None:
        """`pause` in seconds lies between `later` and its call."""
        self._pause = pause
        self._due: queue.SimpleQueue[tuple[float, Call] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="clearing", daemon=True)
        self._thread.start()

    def later(self, call: Call) -> None:
        """Call it a moment later; what it raises is logged."""
        self._due.put((time.monotonic() + self._pause, call))

    def close(self) -> None:
        """Call what is left, and end."""
        self._due.put(None)
        self._thread.join()

    def _live(self) -> None:
        while (found := self._due.get()) is not None:
            due, call = found
            time.sleep(max(due - time.monotonic(), 0.0))
            try:
                call()
            except Exception:
                logger.exception("what a job left could not be cleared away")
