"""QGIS's own algorithm tests, by QGIS's own runner and through a service, side by side.

    ./dev suite [--way engine|http] [--url URL] [--only PATTERN] [--every N] [--json PATH] [--record]

Status 1: a case passes in QGIS and not through the service, and the list of known ones lacks it; the
list names one that passes, or that there is not; or, with --held, the figures are not the recorded ones.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from tests.e2e.qgis_suite import cases, fetch, figures, known, report, server
from tests.e2e.qgis_suite.verdict import Outcome, Verdict

ROOT = Path(__file__).parents[3]
STEP = 50
"""So many cases between two lines of progress."""


def tell(text: str) -> None:
    """A line for who waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def verdicts(way: str, source: Path, options: list[str]) -> list[Verdict]:
    """Run the cases by one way, in a process of its own."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.e2e.qgis_suite.session", way, str(source), *options]
    found: list[Verdict] = []
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            members = json.loads(line)
            found.append(Verdict(**members | {"outcome": Outcome(members["outcome"])}))
            if len(found) % STEP == 0:
                tell(f"  {way}: {len(found)} cases, {time.monotonic() - began:.0f} s")
        said = process.stderr.read()
    if process.returncode:
        raise SystemExit(f"{way} ended with status {process.returncode}: {said[-3000:]}")
    passed = sum(verdict.outcome is Outcome.PASSED for verdict in found)
    tell(f"{way}: {passed} of {len(found)} passed, {time.monotonic() - began:.0f} s")
    return found


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="./dev suite")
    parser.add_argument("--way", choices=["engine", "http"], default="http")
    parser.add_argument(
        "--url",
        default="",
        help="a service that runs, with the projects of tests.e2e.qgis_suite.projects; else one is started",
    )
    parser.add_argument("--only", default="", help="a regular expression: case or algorithm")
    parser.add_argument("--every", type=int, default=1, help="a fixed one of N cases")
    parser.add_argument("--jobs", type=int, default=2, help="how many cases at a time")
    parser.add_argument("--json", type=Path, help="write every line of the report there")
    parser.add_argument("--all", action="store_true", help="tell the known differences too")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--record", action="store_true", help="keep the figures, for the docs")
    kept.add_argument("--held", action="store_true", help="the figures must be those that are kept")
    return parser.parse_args()


def main() -> int:
    """Run, report, and say by the status whether all is well."""
    given = arguments()
    source = fetch.suite(tell)
    options = [f"--only={given.only}", f"--every={given.every}", f"--jobs={given.jobs}"]
    baseline = verdicts("baseline", source, options)
    with tempfile.TemporaryDirectory(prefix="qs") as folder:
        needed = given.way == "http" and not given.url
        started = server.all_in_one(Path(folder), source) if needed else nullcontext(given.url)
        with started as url:
            served = verdicts(given.way, source, [*options, f"--url={url}"])
    version = fetch.qgis_version()
    listed = known.of_version(version)
    found = report.lines(baseline, served, listed)
    counted = report.figures(found)
    for line in (*report.told(found, given.all), f"\nQGIS {version}", *report.table(counted)):
        sys.stdout.write(f"{line}\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(line) for line in found], indent=1), "utf-8")
    if given.record:
        figures.record(version, counted)
    wrong = [
        *(f"{line.case}: {line.found}" for line in report.wrong(found)),
        *(f"{name}: listed, and no such case" for name in absent(listed, source)),
        *differing(figures.recorded(version) if given.held else counted, counted),
    ]
    for line in wrong:
        tell(line)
    return 1 if wrong else 0


def absent(listed: Mapping[str, str], source: Path) -> list[str]:
    """Cases that are listed, and that the suite does not have."""
    return sorted(set(listed) - {case.key for case in cases.load(source)})


def differing(recorded: figures.Figures | None, counted: figures.Figures) -> Iterator[str]:
    """Where the figures are not those that are kept; GRASS need not be installed."""
    lacking = {each for each in recorded or () if each.startswith("grass") and each not in counted}
    for provider in {**(recorded or {}), **counted}:
        if provider in lacking or (lacking and provider == report.ALL):
            continue
        before, now = (recorded or {}).get(provider), counted.get(provider)
        if before != now:
            yield f"{provider}: {now}, recorded are {before}: ./dev suite --record, ./dev docs"


if __name__ == "__main__":
    sys.exit(main())
