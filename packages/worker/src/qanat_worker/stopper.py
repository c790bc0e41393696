"""Signals to the worker: stop in order, stop now, load the engine anew."""

import logging
import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

STOPS = (signal.SIGTERM, signal.SIGINT)


class Stopper:
    """Acts on signals in a thread of its own: a handler may not wait.

    The first TERM or INT drains; what still runs after `timeout` seconds, or at the second signal,
    is given back. HUP reloads.
    """

    def __init__(
        self,
        timeout: float,
        drain: Callable[[], None],
        give_back: Callable[[], None],
        reload: Callable[[], None],
    ) -> None:
        """Nothing happens before `start`."""
        self._timeout = timeout
        self._drain = drain
        self._give_back = give_back
        self._reload = reload
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="stopper", daemon=True)

    def start(self) -> None:
        """Take the signals over. In the main thread."""
        for number in (*STOPS, signal.SIGHUP):
            signal.signal(number, self._note)
        self._thread.start()

    def _note(self, number: int, _frame: FrameType | None) -> Any:
        self._signals.put(number)

    def _live(self) -> None:
        while self._signals.get() == signal.SIGHUP:
            self._reload()
        logger.info("stopping: running jobs have %g s to end", self._timeout)
        self._drain()
        try:
            self._signals.get(timeout=self._timeout)
        except queue.Empty:
            logger.warning("giving back what still runs after %g s", self._timeout)
        self._give_back()
