"""Requirements and tests know each other: none without the other."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUITE = 54


def test_every_requirement_has_a_test(requirements: Any, evidence: Any) -> None:
    proved = evidence.proofs()
    asked = [id_ for known in requirements.CLASSES for id_ in known.requirements]
    assert [id_ for id_ in asked if id_ not in proved] == []


def test_no_test_names_a_requirement_that_there_is_not(requirements: Any, evidence: Any) -> None:
    assert set(evidence.proofs()) - set(requirements.ALL) == set()


def test_every_test_of_a_requirement_says_which(evidence: Any) -> None:
    marked = {test for tests in evidence.proofs().values() for test in tests}
    written = {
        f"{path.name}::{name}"
        for path in HERE.glob("test_*.py")
        if path.name != Path(__file__).name
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert written - marked == set()


def test_the_service_declares_what_is_declared_here(requirements: Any, service: Any) -> None:
    said = service.get("/conformance").json()["conformsTo"]
    assert sorted(said) == sorted(known.uri for known in requirements.CLASSES if known.declared)


def test_every_test_of_the_official_suite_is_mirrored_once(evidence: Any) -> None:
    names = Counter(evidence.mirrored())
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) == SUITE
