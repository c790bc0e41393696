"""Log lines: one fact each, about the job at hand."""

import json
import logging
from collections.abc import Iterator

import pytest

from qanat_common import logs


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_a_line_is_json_and_names_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("info", "json")
    logger = logging.getLogger("qanat.test")
    with logs.job_context("j1"):
        logger.info("a hole in %s\n{'level': 'critical'}", "layer")
    logger.info("afterwards")
    logger.debug("not told")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["job_id"], first["level"], first["logger"]) == ("j1", "info", "qanat.test")
    assert first["event"] == "a hole in layer\n{'level': 'critical'}"
    assert "job_id" not in second
    assert second["ts"].endswith("Z")


def test_a_traceback_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("info", "json")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("qanat.test").exception("it broke")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: odd" in json.loads(line)["exception"]


def test_people_get_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("debug", "console")
    logging.getLogger("qanat.test").debug("hello")
    assert "hello" in capsys.readouterr().err


HOSTILE = (
    'x\n2026-11-30T18:32:14Z [critical ] forged\r\x1b[31m\u2028\u202e\x85{"level": "critical"}'
)


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_a_client_wrote_stays_within_its_line(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.setup("info", form)
    with logs.job_context(HOSTILE):
        logging.getLogger("qanat.test").info("%s is odd", HOSTILE)
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "\\n2026-11-30" in told
    assert "\x1b" not in told


def test_a_traceback_for_people_is_told_apart_from_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup("info", "console")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("qanat.test").exception("it broke")
    first, *others = capsys.readouterr().err.splitlines()
    assert "it broke" in first
    assert others
    assert all(line.startswith("  | ") for line in others)
    assert any("ValueError: x" in line for line in others)


@pytest.mark.parametrize("form", ["json", "console"])
def test_passwords_of_addresses_are_left_out(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.setup("info", form)
    try:
        raise ValueError("amqp://qanat:p-w@rabbit/")
    except ValueError:
        logging.getLogger("qanat.test").exception(
            "no http://anna:p-w@host/a?b=c or redis://:p-w@r/0"
        )
    told = capsys.readouterr().err
    assert "p-w" not in told
    assert "http://anna:***@host/a?b=c or redis://:***@r/0" in told
    assert "amqp://qanat:***@rabbit/" in told
