"""The page of the reference with the figures of the last whole runs, and what is known; pure."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

VERSIONS = ("3.22", "3.40")
ROW = ("cases", "direct", "service", "known")

HEAD = """\
# QGIS's own algorithm tests, through the service

QGIS has tests of its algorithms: an algorithm, its parameters, and the results that are expected. Each that
passes by `processing.run` on a machine must pass through the service on the same machine, over HTTP, with its
inputs by value. The tests come from Debian's source package of the installed QGIS when they are first run;
nothing of them is part of this repository.

    ./dev suite                # all of them; --only PATTERN, --every 10, --json PATH, --help
    ./dev test                 # a fixed tenth, among all other tests
    ./dev test --all           # all of them, and the figures below

*Cases* are those that apply to the version, *direct* those that QGIS's own runner passes here, *service* those
of them that pass through the service, *known* the others: each of them is listed below with its reason. A
case that fails and is not listed fails the test; so does one that is listed and passes. The service runs
with its default settings but one: `worker.qgis.deprecated` is on. The cases of GRASS are among them where
`grass-core` is installed, as in CI.
"""


def page(figures: ModuleType, known: ModuleType) -> str:
    """As Markdown; the modules of the same names."""
    return HEAD + "".join(
        f"\n## QGIS {version}\n\n{_of(figures, known, version)}" for version in VERSIONS
    )


def _of(figures: Any, known: Any, version: str) -> str:
    recorded = figures.recorded(version) or {}
    rows = [*_figures(recorded), "", *_reasons(known.of_version(version))]
    return "\n".join(rows) + "\n"


def _figures(recorded: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    yield f"| provider | {' | '.join(ROW)} |"
    yield "|---|" + "--:|" * len(ROW)
    for provider, of in recorded.items():
        yield f"| {provider} | {' | '.join(str(of[name]) for name in ROW)} |"


def _reasons(listed: Mapping[str, str]) -> Iterator[str]:
    yield "| known | why |"
    yield "|---|---|"
    for case, why in sorted(listed.items(), key=lambda each: (each[1], each[0])):
        yield f"| {case.replace('|', '&#124;')} | {why} |"
