"""Traps of QGIS (docs/explanation/traps.md): each has a test that names it; those without another place are here."""

import re
from pathlib import Path
from typing import Any

import pytest

from qanat_common.ogc import Process
from qanat_worker.engine import defects

PAGE = Path(__file__).parents[4] / "docs" / "explanation" / "traps.md"


def test_every_trap_has_a_test_that_names_it() -> None:
    traps = re.findall(r"^\| (T\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    tests = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert len(traps) == 9
    assert [trap for trap in traps if not re.search(rf'^    """Trap {trap}:', tests, re.M)] == []


def notes(process: Process) -> list[str]:
    return [each.title or "" for each in process.metadata or () if each.role == "flag"]


def test_a_defect_of_this_machine_is_told_where_it_matters(bench: Any, make: Any) -> None:
    """Trap T6: with one release of a library, QGIS finds neighbours beyond the greatest distance."""
    there = defects.finds_beyond_the_distance()
    points = make.features(make.point(0, 0), crs="EPSG:3857")
    far = make.features(make.point(10, 0), crs="EPSG:3857", name=["far"])
    joined = bench.features("native:joinbynearest", INPUT=points, INPUT_2=far, MAX_DISTANCE=1)
    assert (joined[0]["properties"]["name"] == "far") is there
    assert (defects.DISTANCE in bench.told.text()) is there
    assert (defects.DISTANCE in notes(bench.process("native:joinbynearest"))) is there
    assert defects.DISTANCE not in notes(bench.process("native:buffer"))


@pytest.mark.parametrize("there", [True, False])
def test_a_defect_concerns_those_that_depend_on_it(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(defects, "finds_beyond_the_distance", lambda: there)
    assert bool([*defects.of("native:randompointsinextent")]) is there
    assert not [*defects.of("native:buffer")]
