"""A pass that is made again and again, in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

from qanat_common.errors import Unavailable

logger = logging.getLogger(__name__)


class Rounds:
    """Repeats a pass from `start` to `stop`; that it cannot be made is logged once, until it can be again."""

    def __init__(
        self,
        name: str,
        once: Callable[[], object],
        problem: str,
        first: float,
        rest: Callable[[float], float],
    ) -> None:
        """`once` is a pass, and raises Unavailable; `problem` is logged then, with why for its %s.

        The first pass comes after `first` seconds; `rest` says how many lie after one that took so many.
        """
        self._once = once
        self._problem = problem
        self._first = first
        self._rest = rest
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the job in hand."""
        self._stopping.set()
        self._thread.join(1.0)

    @property
    def stopping(self) -> bool:
        """Whether a pass is to end early."""
        return self._stopping.is_set()

    def _run(self) -> None:
        away, pause = False, self._first
        while not self._stopping.wait(pause):
            started = time.monotonic()
            try:
                self._once()
                away = False
            except Unavailable as error:
                if not away:
                    logger.warning(self._problem, error.detail)
                away = True
            pause = self._rest(time.monotonic() - started)
