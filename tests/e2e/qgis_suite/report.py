"""What came of a run: QGIS's own runner beside a service, case by case; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.e2e.qgis_suite.verdict import Outcome, Verdict


class Class(StrEnum):
    """What became of a case by both ways."""

    BOTH = "passed both ways"
    GAP = "passed by QGIS alone: a bug of ours"
    KNOWN = "passed by QGIS alone: known"
    STALE = "passed both ways, and is listed as known: take it off the list"
    NEITHER = "fails in QGIS itself"
    UNFOUNDED = "fails in QGIS itself, and is listed as known: take it off the list"


WRONG = (Class.GAP, Class.STALE, Class.UNFOUNDED)
"""What a run may not have."""

ALL = "all"
WIDTHS = {"cases": 8, "direct": 9, "service": 9, "known": 8, "gaps": 7}


@dataclass(frozen=True)
class Line:
    """A case, and what became of it; `reason` is the service's, `known` the list's."""

    case: str
    algorithm: str
    found: Class
    outcome: Outcome
    reason: str
    known: str


def lines(
    baseline: Iterable[Verdict], service: Iterable[Verdict], known: Mapping[str, str]
) -> list[Line]:
    """Every case that went both ways."""
    by_key = {verdict.key: verdict for verdict in service}
    return [
        Line(
            own.key,
            own.algorithm,
            _class(own, by_key[own.key], own.key in known),
            by_key[own.key].outcome,
            by_key[own.key].reason,
            known.get(own.key, ""),
        )
        for own in baseline
        if own.key in by_key
    ]


def _class(own: Verdict, served: Verdict, listed: bool) -> Class:
    if own.outcome is not Outcome.PASSED:
        return Class.UNFOUNDED if listed else Class.NEITHER
    if served.outcome is Outcome.PASSED:
        return Class.STALE if listed else Class.BOTH
    return Class.KNOWN if listed else Class.GAP


def wrong(found: Iterable[Line]) -> list[Line]:
    """What a run may not have: unknown gaps, and known ones that are none any more."""
    return [line for line in found if line.found in WRONG]


def figures(found: Iterable[Line]) -> dict[str, dict[str, int]]:
    """Provider → its figures, and those of all under the name all."""
    counts: dict[str, Counter[Class]] = {}
    for line in found:
        for provider in (line.algorithm.partition(":")[0], ALL):
            counts.setdefault(provider, Counter())[line.found] += 1
    ordered = sorted(counts.items(), key=lambda each: (each[0] == ALL, each[0]))
    return {provider: _figures(of) for provider, of in ordered}


def _figures(of: Counter[Class]) -> dict[str, int]:
    return {
        "cases": of.total(),
        "direct": of.total() - of[Class.NEITHER] - of[Class.UNFOUNDED],
        "service": of[Class.BOTH] + of[Class.STALE],
        "known": of[Class.KNOWN],
        "gaps": of[Class.GAP],
    }


def table(figures: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """The figures, a row for each provider."""
    yield f"{'':10}{'cases':>8}{'direct':>9}{'service':>9}{'known':>8}{'gaps':>7}"
    for provider, of in figures.items():
        row = "".join(f"{of[name]:{width}}" for name, width in WIDTHS.items())
        yield f"{provider:10}{row}"


def told(found: Iterable[Line], every: bool) -> Iterator[str]:
    """The cases that are worth a look; `every`: the known ones too."""
    shown = [*WRONG, *([Class.KNOWN] if every else [])]
    ordered = list(found)
    for kind in shown:
        these = [line for line in ordered if line.found is kind]
        if these:
            yield f"\n{kind} ({len(these)})"
        for line in these:
            why = f" [{line.known}]" if line.known else ""
            yield f"  {line.case} ({line.algorithm}): {line.outcome}: {line.reason[:300]}{why}"
