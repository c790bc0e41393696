"""Code of others, tried in a process of its own first: it may crash, hang, or end the process."""

import contextlib
import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

from qanat_worker.engine.scripts import NotPublished

SECONDS = 30.0
"""How long a script or plugin may take to load."""


def survive(load: Callable[[], object]) -> None:
    """Raise NotPublished where `load` would not come back; what it raises is left to the real one."""
    why = _why_not(load)
    if why:
        raise NotPublished(why)


def _why_not(load: Callable[[], object]) -> str | None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _load_and_tell(load, writer)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], SECONDS)
    came_back = bool(ready) and os.read(reader, 1) == b"."
    os.close(reader)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if came_back:
        return None
    if not ready:
        return f"it does not load within {SECONDS:g} seconds"
    return _in_words(os.waitstatus_to_exitcode(status))


def _in_words(code: int) -> str:
    if code < 0:
        return f"it crashes the process that loads it ({signal.Signals(-code).name})"
    return "it ends the process that loads it"


def _load_and_tell(load: Callable[[], object], writer: int) -> NoReturn:
    """In the process of the trial; what goes wrong is told when it does so in earnest."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    with contextlib.suppress(Exception, SystemExit):
        load()
    os.write(writer, b".")
    os._exit(0)
