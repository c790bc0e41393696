"""What becomes of a case by both ways, and which cases there are."""

from pathlib import Path

import pytest
from tests.e2e.qgis_suite import cases, figures, known, report
from tests.e2e.qgis_suite.cases import Case, Versions
from tests.e2e.qgis_suite.fetch import TESTS
from tests.e2e.qgis_suite.report import Class
from tests.e2e.qgis_suite.verdict import Outcome, Verdict

PASSED, FAILED, NOT_OFFERED = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_OFFERED


def verdict(outcome: Outcome, key: str = "a") -> Verdict:
    return Verdict(key, "native:buffer", outcome)


@pytest.mark.parametrize(
    ("own", "served", "known", "found"),
    [
        (PASSED, PASSED, {}, Class.BOTH),
        (PASSED, FAILED, {}, Class.GAP),
        (PASSED, NOT_OFFERED, {}, Class.GAP),
        (PASSED, FAILED, {"a": "why"}, Class.KNOWN),
        (PASSED, PASSED, {"a": "why"}, Class.STALE),
        (FAILED, FAILED, {"a": "why"}, Class.UNFOUNDED),
        (FAILED, FAILED, {}, Class.NEITHER),
        (FAILED, PASSED, {}, Class.NEITHER),
    ],
)
def test_a_case_that_qgis_passes_must_pass_or_be_listed_and_no_other_may_be(
    own: Outcome, served: Outcome, known: dict[str, str], found: Class
) -> None:
    lines = report.lines([verdict(own)], [verdict(served)], known)
    assert [line.found for line in lines] == [found]
    assert bool(report.wrong(lines)) == (found in report.WRONG)


def test_a_case_that_went_one_way_only_is_not_compared() -> None:
    assert report.lines([verdict(PASSED, "a")], [verdict(PASSED, "b")], {}) == []


def test_the_table_has_a_row_for_each_provider_and_one_for_all() -> None:
    lines = report.lines([verdict(PASSED)], [verdict(FAILED)], {})
    head, native, whole = report.table(report.figures(lines))
    assert native.split() == ["native", "1", "1", "0", "0", "1"]
    assert whole.split() == ["all", "1", "1", "0", "0", "1"]
    assert head.split() == ["cases", "direct", "service", "known", "gaps"]


def test_cases_of_one_name_are_told_apart(tmp_path: Path) -> None:
    entry = "- {algorithm: 'native:x', name: Same, params: {}, results: {}}\n"
    folder = tmp_path / TESTS
    folder.mkdir(parents=True)
    (folder / "qgis_algorithm_tests1.yaml").write_text(f"tests:\n{entry}{entry}")
    (folder / "gdal_algorithm_raster_tests.yaml").write_text("tests:\n")
    assert [case.key for case in cases.load(tmp_path)] == ["tests1: Same", "tests1: Same #2"]


def test_a_share_of_the_cases_is_the_same_whatever_others_there_are() -> None:
    every = [Case(f"tests1: {number}", "native:x", {}, {}) for number in range(1000)]
    tenth = cases.share(every, 10)
    assert 50 < len(tenth) < 150
    assert cases.share(every[500:], 10) == [case for case in tenth if case in every[500:]]
    assert cases.share(every, 1) == every


@pytest.mark.parametrize("version", ["3.22.16", "3.40.6"])
def test_the_figures_that_are_recorded_count_what_is_listed(version: str) -> None:
    recorded = figures.recorded(version)
    assert recorded is not None
    whole = recorded["all"]
    assert whole["known"] == len(known.of_version(version))
    assert whole["direct"] == whole["service"] + whole["known"]
    assert whole["gaps"] == 0


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        (None, True),
        ({"geos": {"less_than": 31100}}, False),
        ({"geos": {"at_least": 31100}}, True),
        ({"geos": {"at_least": 31100}, "qt": {"at_least": 400000}}, False),
        ({"gdal": {"at_least": 3040000, "less_than": 3070000}}, True),
    ],
)
def test_a_case_is_for_the_versions_that_it_names(
    condition: dict[str, dict[str, int]] | None, applies: bool
) -> None:
    case = Case("k", "native:x", {}, {}, only_if=condition)
    assert case.applies(Versions(geos=31100, gdal=3060200, qt=331528)) is applies
