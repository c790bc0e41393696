"""What a forked child does: waits for its one job, runs it, tells how it went, and ends."""

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

from qanat_common.errors import Internal, MemoryLimit, QanatError
from qanat_common.protocol import Inline, LogLevel, Value
from qanat_worker import sandbox
from qanat_worker.confinement import Confinement, Fence
from qanat_worker.limits import disk_error, open_error
from qanat_worker.pipe import ORDER, WORD, Broken, Done, Line, Order, Pictures, Pipe, Progress
from qanat_worker.port import Engine, Picturing, Produced, ProducedFile, Rehearsing, Task
from qanat_worker.settings import LimitSettings

logger = logging.getLogger(__name__)

EXIT_MEMORY = 77
"""Exit status of a child that ran out of memory and could not even say so."""

PROGRESS_SECONDS = 0.2
LONGEST_MESSAGE = 8000


class Speaker:
    """Feedback of a job, told to the main process; may be called from any thread."""

    def __init__(self, pipe: Pipe[Order]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._percent = -1.0
        self._told = 0.0

    def progress(self, percent: float) -> None:
        """Tell how far the job is; never backwards, and a few times a second at most."""
        with self._lock:
            now = time.monotonic()
            if percent <= self._percent or now - self._told < PROGRESS_SECONDS:
                return
            self._percent, self._told = percent, now
        self._pipe.send(Progress(percent=percent))

    def log(self, level: LogLevel, message: str) -> None:
        """Tell a line of the job's log."""
        self._pipe.send(Line(level=level, message=message[:LONGEST_MESSAGE]))


def serve(sock: socket.socket, engine: Engine, parent: int, confinement: Confinement) -> NoReturn:
    """Run in a child just forked; never returns, and never unwinds into the warm parent's code."""
    status = 1
    try:
        sandbox.detach(parent)
        pipe = Pipe(sock, ORDER)
        fence = Fence(confinement)
        if not pipe.waiting():
            rehearse(engine)
        status = _work(pipe, engine, fence)
    except EOFError:
        status = 0
    except MemoryError:
        status = EXIT_MEMORY
    except BaseException:  # noqa: BLE001 - the edge of the process: nothing may pass
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def rehearse(engine: Engine) -> None:
    """Go the way of a job once while there is time: the memory that it writes is a child's own then.

    After a fork each page is copied when it is first written, and that takes longer than the job.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pipe = Pipe(theirs, ORDER)
        task = Task(process_id="", inputs={"x": Inline(value=0)}, outputs=None, folder="")
        order = Order(task=task, limits=LimitSettings(), root="")
        Pipe(ours, WORD).send(order)
        pipe.receive(1)
        speaker = Speaker(pipe)
        speaker.progress(0)
        speaker.log(LogLevel.DEBUG, "")
        pipe.send(Done(outputs={"x": Value(value=0)}))
    if isinstance(engine, Rehearsing):
        try:
            engine.rehearse()
        except Exception:
            logger.exception("the engine cannot rehearse: its children are slower")


def _work(pipe: Pipe[Order], engine: Engine, fence: Fence) -> int:
    order = pipe.receive(None)
    if order is None:
        return 0
    sandbox.enter(Path(order.root))
    sandbox.restrain(order.limits)
    fence.close_around(Path(order.root))
    told = _run(order, engine, Speaker(pipe))
    pipe.send(told)
    if isinstance(told, Done) and told.pictures:
        pipe.send(_pictures(order, engine, told))
    # The main process ends this one when nobody waits for its outcome any more.
    pipe.receive(None)
    return 0


def _run(order: Order, engine: Engine, speaker: Speaker) -> Done | Broken:
    try:
        outputs = engine.run(order.task, speaker)
        pictured = order.picture > 0 and any(map(_may_be_pictured, outputs.values()))
        return Done(outputs=outputs, pictures=pictured and isinstance(engine, Picturing))
    except QanatError as error:
        pointer = error.faults[0].pointer if error.faults else None
        trace = "\n".join(getattr(error, "__notes__", [])) or None
        return Broken(code=error.code, message=error.detail, pointer=pointer, trace=trace)
    except MemoryError:
        gc.collect()
        return Broken(code=MemoryLimit.code, message="")
    except OSError as error:
        told = disk_error(error) or open_error(error, order.limits) or Internal()
        return Broken(code=told.code, message=told.detail, trace=traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - told to the main process, which logs it
        code = MemoryLimit.code if "bad_alloc" in str(error) else Internal.code
        return Broken(code=code, message="", trace=traceback.format_exc())


def _may_be_pictured(output: Produced) -> bool:
    return isinstance(output, ProducedFile) and output.media_type.startswith("image/")


def _pictures(order: Order, engine: Engine, done: Done) -> Pictures:
    """What can be shown. The job has succeeded: nothing that happens here makes it fail."""
    try:
        assert isinstance(engine, Picturing)  # noqa: S101 - it was when it was asked before
        made = engine.pictures(done.outputs, order.task.folder, order.picture)
    except Exception:
        logger.exception("no pictures of the outputs")
        made = {}
    return Pictures(pictures=made)


def words_for(code: int) -> str:
    """How a process ended, for people; `code` is its exit status, or minus its signal."""
    if code >= 0:
        return f"It ended with status {code}, without a word."
    try:
        return f"It was ended by signal {-code} ({signal.Signals(-code).name})."
    except ValueError:
        return f"It was ended by signal {-code}."
