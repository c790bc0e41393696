"""What a person at the terminal sees."""

import errno
import io
import json
import os
import shlex
import sys

import pytest

from qanat.telling import InLog, OnTerminal, first_command

URL = "http://127.0.0.1:9080"


class ClosedTerminal(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_the_first_command_is_one_that_a_shell_understands() -> None:
    words = shlex.split(first_command(URL).replace("\\\n", " "))

    assert words[0] == "curl"
    assert words[2] == f"{URL}/processes/native:buffer/execution"
    assert json.loads(words[-1])["inputs"]["DISTANCE"] == 0.5


def test_a_start_is_a_line_for_each_part_then_the_address_and_a_first_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = OnTerminal(URL, 30)

    told.ready("valkey", 0.051)
    told.ready("worker", 3)
    told.serving(3.2)

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["  valkey     ready after  0.05 s", "  worker     ready after  3.00 s"]
    assert URL in lines[3]
    assert lines[5].startswith("curl ")


def test_what_happens_later_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    told = OnTerminal(URL, 30)
    told.serving(1)
    capsys.readouterr()

    told.died("worker", "SIGKILL", 0.5)
    told.ready("worker", 2)
    told.stopping()
    told.killed("worker", 45)

    said = capsys.readouterr().out
    assert "ended with SIGKILL: starting it again in 0.5 s" in said
    assert "ready again" in said
    assert "running jobs have 30 s" in said
    assert "did not stop within 45 s: killed" in said


def test_a_terminal_that_was_closed_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", ClosedTerminal())

    OnTerminal(URL, 30).stopping()


def test_a_log_has_a_line_for_each_fact(caplog: pytest.LogCaptureFixture) -> None:
    told = InLog(URL)
    with caplog.at_level("INFO"):
        told.ready("worker", 3)
        told.serving(3.2)
        told.died("worker", "status 1", 0.5)
        told.stopping()
        told.killed("worker", 45)

    assert len(caplog.records) == 5
    assert URL in caplog.messages[1]
