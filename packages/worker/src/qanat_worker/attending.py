"""Hears a child out: its progress and its lines are passed on, its outcome is returned or raised."""

import logging
import time
from collections.abc import Callable

from qanat_common.errors import Fault, Internal, MemoryLimit, QanatError, all_errors
from qanat_worker.limits import Watch
from qanat_worker.pipe import Broken, Done, Garbled, Line, Pictures, Progress
from qanat_worker.port import Feedback, Produced, ProducedFile, ProducedPicture
from qanat_worker.warm import Child

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often a running job is looked after, when it says nothing."""

INTERNAL = "Something went wrong inside the worker; its log says what."

PICTURE_SECONDS = 2.0
"""How long pictures of the outputs are waited for: so does a client that waits for the job."""


def _nothing() -> None:
    """What is done between two words of a job that nobody stops."""


def attend(
    child: Child, watch: Watch, told: Feedback, between: Callable[[], None] = _nothing
) -> dict[str, Produced]:
    """What the job of a child made. `between` its words may raise, to end the attention.

    Raises the QanatError that the child tells or `watch` finds, EOFError when it falls silent for
    ever, Garbled when it says what is no message.
    """
    while True:
        match child.hear(LOOK_SECONDS):
            case Progress(percent=percent):
                told.progress(percent)
            case Line(level=level, message=message):
                told.log(level, message)
            case Done(outputs=outputs, pictures=follow):
                watch.check_output()
                return _pictured(child, watch, outputs, between) if follow else outputs
            case Broken() as broken:
                raise _error_of(broken, watch)
        between()
        watch.check()


def _pictured(
    child: Child, watch: Watch, outputs: dict[str, Produced], between: Callable[[], None]
) -> dict[str, Produced]:
    """The outputs with their pictures, if those come in time: the job has succeeded without them."""
    end = time.monotonic() + PICTURE_SECONDS
    try:
        while (left := end - time.monotonic()) > 0:
            match child.hear(min(left, LOOK_SECONDS)):
                case Pictures(pictures=pictures):
                    return {
                        name: _with_picture(output, pictures.get(name))
                        for name, output in outputs.items()
                    }
            between()
            watch.check()
    except (EOFError, Garbled, QanatError) as error:
        logger.warning("no pictures of the outputs: %r", error)
    else:
        logger.warning("no pictures of the outputs within %g seconds", PICTURE_SECONDS)
    return outputs


def _with_picture(output: Produced, picture: ProducedPicture | None) -> Produced:
    if picture is None or not isinstance(output, ProducedFile):
        return output
    return output.model_copy(update={"picture": picture})


def _error_of(broken: Broken, watch: Watch) -> QanatError:
    """What a child told, as the error it is; a tool that may not write more fails in many words."""
    watch.check_output()
    if broken.trace is not None:
        logger.error("the engine failed:\n%s", broken.trace.rstrip())
    if broken.code == MemoryLimit.code:
        return watch.memory_error()
    kind = all_errors().get(broken.code, Internal)
    if kind is Internal:
        return Internal(INTERNAL)
    faults = [Fault(broken.pointer, broken.message)] if broken.pointer else []
    return kind(broken.message, *faults)
