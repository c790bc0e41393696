"""Logging, set up once per process: JSON lines, or a readable format on a terminal.

A line has ts, level, logger, event, and `job_id` where it is about a job (a context variable).
Newlines inside a line are escaped, so a line is always one fact.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
)
_QUIET = ("celery", "kombu", "amqp", "httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access")


def setup(level: str = "info", form: str = "auto") -> None:
    """Write the lines of this process to standard error; libraries speak from warning on."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    last: tuple[structlog.typing.Processor, ...] = (
        (structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),)
        if console
        else (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


@contextmanager
def job_context(job_id: str) -> Iterator[None]:
    """Every line of this thread or task is about a job, as long as this lasts."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        yield
