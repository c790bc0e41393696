"""Runs cases by one way in a process of its own: QGIS starts once, each case is a child.

    python -m tests.e2e.qgis_suite.session WAY SOURCE [--url URL] [--jobs N] [--only PATTERN] [--keep FOLDER]

Each line that it writes is a verdict as JSON.
"""

import argparse
import contextlib
import importlib
import json
import os
import re
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.qgis_suite import cases
from tests.e2e.qgis_suite.cases import Case
from tests.e2e.qgis_suite.verdict import Outcome, Verdict

from qanat_worker.engine import application

SECONDS = 100.0
"""How long a case may take."""

Way = Callable[[Case, Path], None]
"""Runs and checks one case in a folder of its own; raises what stops it."""

WAYS = {
    "baseline": "tests.e2e.qgis_suite.ways:baseline",
    "engine": "tests.e2e.qgis_suite.ways:engine",
    "http": "tests.e2e.qgis_suite.ways:http",
}
"""Name → module:maker of a way. They import QGIS: only once it is found."""


@dataclass
class Running:
    """A child at work on a case."""

    case: Case
    pid: int
    pipe: int
    folder: Path
    began: float
    told: bytes = b""


def begin(case: Case, way: Way, folder: Path) -> Running:
    """Start a child; it tells its verdict over a pipe."""
    folder.mkdir(parents=True)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(reading)
        os.chdir(folder)
        quiet = os.open(folder / "said", os.O_CREAT | os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        told = json.dumps(attempt(case, way, folder)).encode()
        while told:
            told = told[os.write(writing, told) :]
        os._exit(0)
    os.close(writing)
    return Running(case, pid, reading, folder, time.monotonic())


def attempt(case: Case, way: Way, folder: Path) -> tuple[str, str]:
    """The outcome of a case, and why. What a case of the suite says must fail, must fail."""
    ways = importlib.import_module("tests.e2e.qgis_suite.verdict")
    try:
        way(case, folder)
    except ways.NotOffered as error:
        return Outcome.NOT_OFFERED, str(error)
    except (ways.Different, ways.JobFailed) as error:
        return (Outcome.PASSED, "") if case.fails else (Outcome.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the child: told as the verdict
        return Outcome.FAILED, f"{type(error).__name__}: {error}"
    return (Outcome.FAILED, "it must fail, and did not") if case.fails else (Outcome.PASSED, "")


def end(running: Running) -> Verdict:
    """The verdict of a child that has ended, or is ended here."""
    os.close(running.pipe)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    _, status = os.waitpid(running.pid, 0)
    seconds = time.monotonic() - running.began
    case = running.case
    if running.told.endswith(b"]"):
        outcome, reason = json.loads(running.told)
    elif seconds >= SECONDS:
        outcome, reason = Outcome.FAILED, f"no end within {SECONDS:g} s"
    else:
        outcome, reason = Outcome.FAILED, f"the process ended with status {status}"
    return Verdict(case.key, case.algorithm, Outcome(outcome), reason, round(seconds, 3))


def run(chosen: Iterable[Case], way: Way, folder: Path, jobs: int, keep: bool) -> None:
    """Run cases, some at a time; write each verdict as it comes."""
    waiting = list(enumerate(chosen))[::-1]
    at_work: dict[int, Running] = {}
    while waiting or at_work:
        while waiting and len(at_work) < jobs:
            number, case = waiting.pop()
            started = begin(case, way, folder / str(number))
            at_work[started.pipe] = started
        ready, _, _ = select.select(list(at_work), [], [], 1)
        late = [each for each in at_work.values() if time.monotonic() - each.began > SECONDS]
        ended = [at_work[pipe] for pipe in ready if not _read(at_work[pipe])]
        for each in {id(one): one for one in (*ended, *late)}.values():
            del at_work[each.pipe]
            sys.stdout.write(json.dumps(asdict(end(each))) + "\n")
            sys.stdout.flush()
            if not keep:
                shutil.rmtree(each.folder, ignore_errors=True)


def _read(running: Running) -> bool:
    """Take what a child has told; whether there may be more."""
    part = os.read(running.pipe, 1 << 16)
    running.told += part
    return bool(part)


def main() -> None:
    """Run the cases that apply to this QGIS."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("source", type=Path)
    parser.add_argument("--url", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    application.add_paths(application.DEBIAN)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="qs") as private:
        os.environ["HOME"] = os.environ["QGIS_CUSTOM_CONFIG_PATH"] = private
        # Algorithms write beside their inputs: what was fetched stays as it is.
        shutil.copytree(given.source, source := Path(private) / "source")
        module, _, maker = WAYS[given.way].partition(":")
        ways = importlib.import_module(module)
        way = getattr(ways, maker)(source, given.url)
        versions = ways.versions()
        able = ways.providers()
        applying = (case for case in cases.load(source) if case.applies(versions))
        every = [case for case in applying if case.provider in able]
        chosen = [case for case in every if re.search(given.only, f"{case.key} {case.algorithm}")]
        folder = given.keep or Path(private) / "cases"
        run(cases.share(chosen, given.every), way, folder, given.jobs, given.keep is not None)
        sys.stdout.flush()
        # QGIS's destructors have been seen to hang.
        shutil.rmtree(private, ignore_errors=True)
        os._exit(0)


if __name__ == "__main__":
    main()
