"""Code and files of others, tried in a process of its own first: it may crash, hang, or end it."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from qanat_worker.engine import faults
from qanat_worker.engine.scripts import NotPublished

SECONDS = 30.0
"""How long a script, plugin or project may take to load."""

_TOLD, _FAILED = b".", b"!"


def survive(load: Callable[[], object]) -> None:
    """Raise NotPublished where `load` would not come back; what it raises is left to the real one."""

    def tried() -> str:
        with contextlib.suppress(Exception, SystemExit):
            load()
        return ""

    answer(tried)


def answer(work: Callable[[], str]) -> str:
    """What `work` returns, in a process of which nothing else is left.

    Raises NotPublished where it raises, crashes, or does not come back.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _work_and_tell(work, writer)
    os.close(writer)
    told = _read_to_the_end(reader)
    os.close(reader)
    if told is None:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if told is None:
        raise NotPublished(f"it does not load within {SECONDS:g} seconds")
    code = os.waitstatus_to_exitcode(status)
    if code or not told:
        raise NotPublished(_in_words(code))
    if told.startswith(_FAILED):
        raise NotPublished(told[1:].decode())
    return told[1:].decode()


def _read_to_the_end(reader: int) -> bytes | None:
    """All that is written; None when there is no end of it in time."""
    end = time.monotonic() + SECONDS
    parts: list[bytes] = []
    while (left := end - time.monotonic()) > 0 and select.select([reader], [], [], left)[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _in_words(code: int) -> str:
    if code < 0:
        return f"it crashes the process that loads it ({signal.Signals(-code).name})"
    return "it ends the process that loads it"


def _work_and_tell(work: Callable[[], str], writer: int) -> NoReturn:
    """In the process of the trial."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        told = _TOLD + work().encode()
    except NotPublished as error:
        told = _FAILED + str(error).encode()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others may raise anything
        told = _FAILED + faults.in_words(error).encode()
    while told:
        told = told[os.write(writer, told) :]
    os._exit(0)
