"""QGIS's own algorithm tests, through HTTP: what passes in QGIS passes here, or is listed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from tests.e2e.qgis_suite import fetch

ROOT = Path(__file__).parents[3]
TENTH = ("--every", "10")


@pytest.fixture(scope="module")
def source(qgis: None, missing: Callable[[str], NoReturn]) -> None:
    """The source of QGIS's tests, fetched when it is not there yet."""
    try:
        fetch.suite(lambda _: None)
    except fetch.NoSource as error:
        missing(f"QGIS's own tests cannot be had: {error}")


@pytest.mark.qgis
@pytest.mark.timeout(3600)
def test_what_passes_in_qgis_passes_through_the_service_or_is_listed_with_its_reason(
    source: None, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fixed tenth of the cases; all of them, and the recorded figures, with --all."""
    options = ["--held"] if request.config.getoption("all") else TENTH
    command = [sys.executable, "-m", "tests.e2e.qgis_suite", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout[-20000:]}")
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
