"""Python's exceptions where C++ calls it: without a hook they end the process at once."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from qanat_worker.engine.feedback import scrubbed

logger = logging.getLogger(__name__)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logger.error("an exception that nobody caught", exc_info=(kind, error, trace))


def outlive() -> None:
    """Have exceptions of published code logged that are raised where nobody can catch them."""
    sys.excepthook = _told


@contextmanager
def noted() -> Iterator[list[BaseException]]:
    """The exceptions that are raised meanwhile where nobody can catch them."""
    found: list[BaseException] = []

    def note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _told(kind, error, trace)
        found.append(error)

    before, sys.excepthook = sys.excepthook, note
    try:
        yield found
    finally:
        sys.excepthook = before


def in_words(error: BaseException) -> str:
    """An exception in a line, without paths of the server."""
    return scrubbed(f"{type(error).__name__}: {error}".strip(": ").replace("\n", " "))[:500]
