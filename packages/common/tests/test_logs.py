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
