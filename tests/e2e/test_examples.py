"""The examples of the pages that use docs/how-to/ask.py give the answers that stand below them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
ALGORITHMS = "docs/how-to/algorithms.md"
PAGES = (ALGORITHMS, "docs/reference/formats.md", "docs/explanation/crs.md")
EXAMPLE = re.compile(
    r"^```sh\n(?P<command>python3 docs/how-to/ask\.py (?P<process>\S+) .*?)^```\n+"
    r"```text\n(?P<answer>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


EXAMPLES = [
    pytest.param(found["command"], found["answer"], id=f"{Path(page).stem}: {found['process']}")
    for page in PAGES
    for found in EXAMPLE.finditer(text_of(page))
]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def run(command: str, server: Any) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", command],
        cwd=ROOT,
        env=os.environ | {"PATH": path, "QANAT": server.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_alike(answer: str, expected: str) -> None:
    """The same words, and the same numbers but for what another version of GEOS rounds otherwise."""
    assert NUMBER.sub("#", answer) == NUMBER.sub("#", expected)
    numbers = [float(number) for number in NUMBER.findall(answer)]
    wanted = [float(number) for number in NUMBER.findall(expected)]
    assert numbers == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_there_are_twenty_algorithms_at_least_each_once() -> None:
    asked = [found["process"] for found in EXAMPLE.finditer(text_of(ALGORITHMS))]
    assert len(asked) == len(set(asked)) >= 20
    assert len(asked) == len(re.findall(r"^## \d+\.", text_of(ALGORITHMS), re.MULTILINE))


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_an_example_gives_the_answer_below_it(server: Any, command: str, answer: str) -> None:
    assert_alike(run(command, server), answer)


def test_the_request_in_whole_gives_the_answer_in_whole(server: Any) -> None:
    page = text_of(ALGORITHMS)
    (command,) = re.findall(r"^```sh\n(curl .*?)^```", page, re.DOTALL | re.MULTILINE)
    (answer,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert json.loads(run(command, server)) == json.loads(answer)
