"""Logging, set up once per process: JSON lines, or a readable format on a terminal.

A line has ts, level, logger, event, and `job_id` where it is about a job (a context variable).
What a client wrote may be within a line and never makes one: control characters are escaped, and the
lines of a traceback that is shown to people begin with a mark. Passwords of addresses are left out.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
)
_PASSWORD = re.compile(r"(://[^\s/?#:@]*):[^\s/?#@]+@")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that end a line, move the cursor, colour a terminal or turn the direction of writing."""

_MARK = "  | "
"""How lines begin that belong to the line before them: those of tracebacks, for people."""

_QUIET = ("celery", "kombu", "amqp", "httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access")


def setup(level: str = "info", form: str = "auto") -> None:
    """Write the lines of this process to standard error; libraries speak from warning on."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    last: tuple[structlog.typing.Processor, ...] = (
        (_on_its_line, _for_people()) if console else (structlog.processors.JSONRenderer(),)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_passwords,
                *last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


def _for_people() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _without_passwords(
    _logger: Any, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _PASSWORD.sub(r"\1:***@", value)
    return line


def _on_its_line(
    _logger: Any, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in line.items():
        if isinstance(value, str):
            rows = value.split("\n") if key == "exception" else [value]
            mark = _MARK if key == "exception" else ""
            line[key] = "\n".join(mark + _CONTROL.sub(_escaped, row) for row in rows)
    return line


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


@contextmanager
def job_context(job_id: str) -> Iterator[None]:
    """Every line of this thread or task is about a job, as long as this lasts."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        yield
