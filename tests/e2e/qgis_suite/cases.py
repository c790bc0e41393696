"""The cases of QGIS's own test suite, as its YAML files tell them; data."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import yaml
from tests.e2e.qgis_suite.fetch import GRASS_TESTS, TESTS

PREFIX = ("qgis_algorithm_", "_algorithm_tests", "_tests")
"""What is left out of a file's name in the key of a case."""


@dataclass(frozen=True)
class Versions:
    """Versions that cases ask for, each as the number that its library gives."""

    geos: int
    gdal: int
    qt: int
    grass: int = 0


@dataclass(frozen=True)
class Case:
    """One case: an algorithm, its parameters, and what each result must be.

    `params` is a list in some: the values in the order of the algorithm's parameters. `key` is
    "file: name", with a number behind it where a file has several cases of one name; `data` is the
    folder of the source in which its data lie.
    """

    key: str
    algorithm: str
    params: dict[str, Any] | list[Any]
    results: dict[str, dict[str, Any]]
    data: str = TESTS
    project: str | None = None
    project_crs: str | None = None
    ellipsoid: str | None = None
    skip_invalid: bool = False
    fails: bool = False
    only_if: Mapping[str, Mapping[str, int]] | None = None

    @property
    def provider(self) -> str:
        """The provider of its algorithm."""
        return self.algorithm.partition(":")[0]

    def applies(self, versions: Versions) -> bool:
        """Whether the case is meant for these versions."""
        for library, bounds in (self.only_if or {}).items():
            version = getattr(versions, library)
            if version < bounds.get("at_least", version):
                return False
            if version >= bounds.get("less_than", version + 1):
                return False
        return True


def load(source: Path) -> list[Case]:
    """All cases of the source of QGIS."""
    return [
        replace(case, data=data)
        for data in (TESTS, GRASS_TESTS)
        for path in sorted((source / data).glob("*.yaml"))
        for case in _of_file(path)
    ]


def share(cases: Iterable[Case], every: int) -> list[Case]:
    """One of so many cases: the same ones at each run, and on each version of QGIS."""
    return [case for case in cases if crc32(case.key.encode()) % every == 0]


def _of_file(path: Path) -> Iterator[Case]:
    seen: Counter[str] = Counter()
    told = yaml.safe_load(path.read_text("utf-8"))
    for entry in told.get("tests") or []:
        name = entry["name"]
        seen[name] += 1
        key = f"{_short(path.stem)}: {name}"
        yield _case(key if seen[name] == 1 else f"{key} #{seen[name]}", entry)


def _short(stem: str) -> str:
    for part in PREFIX:
        stem = stem.replace(part, "")
    return stem


def _case(key: str, entry: Mapping[str, Any]) -> Case:
    return Case(
        key=key,
        algorithm=entry["algorithm"],
        params=entry["params"] or {},
        results=entry["results"],
        project=entry.get("project"),
        project_crs=entry.get("project_crs"),
        ellipsoid=entry.get("ellipsoid"),
        skip_invalid=bool(entry.get("skipInvalid")),
        fails="expectedException" in entry or "expectedFailure" in entry,
        only_if=entry.get("condition"),
    )
