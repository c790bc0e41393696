"""qanat-worker check, describe, run, reload: as an administrator uses them, with an engine that needs no QGIS."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qanat_common.ogc import Process
from qanat_worker import given
from qanat_worker.__main__ import main
from qanat_worker.telling import Progress, description

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("QANAT_WORKER__ENGINE", "echo")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, list(arguments))  # type: ignore[arg-type]  # it is a Typer
        return result.exit_code, result.output

    return run


def test_check_tells_what_is_offered(call: Call) -> None:
    status, text = call("check")
    assert status == 0
    assert "qanat:echo" in text
    assert "2 offered (1 echo, 1 qanat), 0 not" in text


def test_check_tells_only_what_was_asked_about(call: Call) -> None:
    assert "qanat:echo" not in call("check", "nothing-like-it")[1]
    assert "qanat:echo" in call("check", "q*:echo")[1]


def test_check_tells_json(call: Call) -> None:
    status, text = call("check", "--json")
    found = json.loads(text)
    assert status == 0
    assert found["offered"][-1] == {"id": "echo", "title": "Echo"}
    assert found["refused"] == []


def test_describe_tells_inputs_and_outputs(call: Call) -> None:
    status, text = call("describe", "echo")
    assert status == 0
    assert "stringInput" in text
    assert "required" in text
    assert Process.model_validate(json.loads(call("describe", "echo", "--json")[1])).id == "echo"


def test_what_is_not_there_is_told_with_status_2(call: Call) -> None:
    assert call("describe", "no:such") == (2, "no:such: there is no such process.\n")


@pytest.mark.parametrize("word", ["qanat:ehco", "QANAT:ECHO", "other:echo"])
def test_what_may_have_been_meant_is_told(call: Call, word: str) -> None:
    status, text = call("describe", word)
    assert status == 2
    assert text.startswith(f"{word}: there is no such process; there is ")
    assert "qanat:echo" in text


@pytest.mark.parametrize("verb", ["check", "describe", "run"])
def test_help_has_an_example(call: Call, verb: str) -> None:
    status, text = call(verb, "--help")
    assert status == 0
    assert f"For example: qanat-worker {verb} " in " ".join(text.split())


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 10}, "integer from 0 to 10"),
        ({"type": "number", "minimum": 0.5}, "number from 0.5"),
        ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, 'array of "a"'),
        ({"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]}, '{"bbox": ['),
    ],
)
def test_a_description_says_what_a_value_may_be(schema: Any, words: str) -> None:
    inputs = {"X": {"schema": schema}}
    process = Process.model_validate({"id": "p", "version": "1", "inputs": inputs})
    assert words in description(process)


def test_run_gives_results(call: Call) -> None:
    assert call("run", "echo", "-i", "stringInput=5", "-o", "stringInput") == (
        0,
        'stringInput: "5"\n',
    )
    status, text = call("run", "echo", "-i", "stringInput=a", "-i", "arrayInput=[1, 2]", "--json")
    assert status == 0
    assert json.loads(text)["arrayInput"] == {"value": [1, 2]}


def test_run_takes_files_and_puts_files(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.gml").write_text("<gml/>")
    arguments = ("run", "echo", "-i", "stringInput=a", "-i", "complexInput=a.gml", "-f", "results")
    status, text = call(*arguments)
    assert status == 0
    assert (tmp_path / "results" / "a.gml").read_text() == "<gml/>"
    assert "results/a-2.gml" in call(*arguments)[1]
    assert "application/gml+xml" in text


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["-i", "stringInput"], 2, "not of the form -i NAME=VALUE"),
        (["-i", "text=a"], 2, "text: echo has no such input; it has: stringInput, "),
        (["-i", "complexInput=@none.gml"], 2, "none.gml: there is no such file"),
        (["-i", "stringInput=a", "-o", "x"], 2, "x: echo has no such output; it has: stringInput"),
        (["-i", "complexInput=roads.gml"], 2, "roads.gml: there is no such file"),
        (["-i", "stringInput=http://127.0.0.1/x"], 1, "its address is not public"),
    ],
)
def test_what_cannot_be_run_is_told(
    call: Call, arguments: list[str], status: int, words: str
) -> None:
    ended, text = call("run", "echo", *arguments)
    assert ended == status
    assert words in text


def test_what_is_tried_must_be_something_that_can_be_published(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    status, text = call("check", "-t", "a.txt")
    assert (status, text) == (2, "a.txt: is neither .model3, .py nor the folder of a plugin\n")


def test_a_value_is_what_its_input_takes() -> None:
    number = {"type": "number"}
    process = Process.model_validate(
        {
            "id": "p",
            "version": "1",
            "inputs": {
                "text": {"schema": {"type": "string"}},
                "number": {"schema": number},
                "either": {
                    "schema": {"oneOf": [{"type": "string"}, number]},
                    "maxOccurs": "unbounded",
                },
                "list": {"schema": {"type": "array", "items": number}},
            },
        }
    )
    values, files = given.inputs_of(process, ["text=5", "number=5", "either=5", "either=five"])
    assert given.inputs_of(process, ["list=1", "list=2"])[0].keys() == {"list"}
    with pytest.raises(given.Unclear, match="number: takes one value, and 2 are given"):
        given.inputs_of(process, ["number=1", "number=2"])
    told = {
        name: [one.value for one in each]
        if isinstance(each, list)
        else getattr(each, "value", None)
        for name, each in values.items()
    }
    assert told == {"text": "5", "number": 5, "either": [5, "five"]}
    assert files == {}


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


def test_a_bar_grows_to_100() -> None:
    terminal: Any = Terminal()
    with Progress(terminal, debug=False) as bar:
        bar.progress(50)
        bar.progress(50.4)
    shown = terminal.text.split("\r")[1:]
    assert [line.rstrip()[-5:] for line in shown] == ["  0 %", " 50 %", "100 %"]
    assert shown[1].startswith(f"[{'#' * 15} ")


def test_a_reload_that_nobody_hears_says_whom_it_looked_for(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    monkeypatch.setenv("QANAT_WORKER__WORK_FOLDER", str(folder))
    dead = folder / "b1"
    dead.mkdir(parents=True)
    (dead / "lock").write_text(
        str(os.getpid())
    )  # as one that ended left it, and its number is used again
    status, text = call("reload")
    assert status == 1
    assert f"worker.work_folder = {folder}" in text
