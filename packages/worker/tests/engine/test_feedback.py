"""What an algorithm says: passed on as it comes, without what a client must not see."""

from typing import Any

import pytest

from qanat_common.protocol import LogLevel
from qanat_worker.engine.feedback import JobFeedback, scrubbed


@pytest.fixture
def told(bench: Any) -> Any:
    return bench.told


def test_progress_is_bounded_and_never_goes_back(told: Any) -> None:
    feedback = JobFeedback(told)
    for percent in (-5, 10, 5, 50, float("nan"), 200):
        feedback.setProgress(percent)
    assert told.percents == [10, 50, 100]


def test_each_kind_of_message_has_its_level(told: Any) -> None:
    feedback = JobFeedback(told)
    feedback.pushInfo("info")
    feedback.setProgressText("text")
    feedback.pushConsoleInfo("console")
    feedback.pushWarning("warning")
    feedback.reportError("error")
    feedback.pushCommandInfo("command")
    feedback.pushDebugInfo("debug")
    feedback.pushInfo("  ")
    assert told.lines == [
        (LogLevel.INFO, "info"),
        (LogLevel.INFO, "text"),
        (LogLevel.INFO, "console"),
        (LogLevel.WARNING, "warning"),
        (LogLevel.ERROR, "error"),
        (LogLevel.DEBUG, "command"),
        (LogLevel.DEBUG, "debug"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot open /var/lib/qanat/work/1/dem.tif", "cannot open dem.tif"),
        ('File "/usr/lib/python3/x.py", line 3', 'File "x.py", line 3'),
        (
            "see https://gdal.org/programs/gdaldem.html",
            "see https://gdal.org/programs/gdaldem.html",
        ),
        ("3/4 of 1/2", "3/4 of 1/2"),
        ("km/h", "km/h"),
        (
            "ogr2ogr x.shp \"PG:dbname='gis' host=db.internal user='me' password='a b' sslmode=on\"",
            'ogr2ogr x.shp "PG:dbname=… host=… user=… password=… sslmode=on"',
        ),
        (r"password='a\'b c\\' table=t", "password=… table=t"),
        ("at postgresql://me:a%27b@db:5432?dbname=gis", "at postgresql://…?dbname=…"),
        ("see https://me:word@example.org/x and a@b.c", "see https://…/x and a@b.c"),
        (
            'connection to server at "db.internal" (10.0.0.7), port 5432 failed: FATAL:'
            '  password authentication failed for user "me"',
            "connection to server at … failed: FATAL:  password authentication failed for user …",
        ),
        ('Unknown database "x" of a role "y"', 'Unknown database "x" of a role "y"'),
    ],
)
def test_paths_are_only_names(text: str, expected: str) -> None:
    assert scrubbed(text) == expected


def test_the_reason_is_the_last_line_of_a_traceback(told: Any) -> None:
    feedback = JobFeedback(told)
    feedback.reportError(
        'Traceback (most recent call last):\n  File "/usr/x/y.py", line 1, in f\nKeyError: 1\n'
    )
    assert feedback.why() == "KeyError: 1"


def test_what_a_tool_wrote_is_the_reason_when_nothing_else_is(told: Any) -> None:
    feedback = JobFeedback(told)
    assert feedback.why() == ""
    feedback.pushConsoleInfo("0...10...20")
    feedback.pushConsoleInfo("ERROR 4: no such file")
    assert feedback.why() == "ERROR 4: no such file"
