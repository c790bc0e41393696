"""QGIS's own algorithm tests, through HTTP: what passes in QGIS passes here, or is listed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.qgis
@pytest.mark.suite
@pytest.mark.timeout(1800)
def test_what_passes_in_qgis_passes_through_the_service_or_is_listed_with_its_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.suite"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
