"""Releases a package: `./dev release PACKAGE VERSION` runs `edit`, then `commit`, of this script.

`edit` writes the version and dates the changelog. `commit` commits that, tags it, and records the commit in
`releases.csv`, since tags do not travel with every clone: the upgrade tests build the last release
from there. `page` is docs/reference/compatibility.md.
"""

import csv
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent
PACKAGES = ("common", "registry", "worker", "api", "server")
QGIS = "3.22 to 3.40"
"""The versions of QGIS that are tested: those of Debian 12 and 13."""

UNRELEASED = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - unreleased$", re.MULTILINE)


class Refused(Exception):
    """The package cannot be released like this; the text says why, and what would be right."""


@dataclass(frozen=True)
class Release:
    """A line of releases.csv: what was released, from which commit, and what it goes with."""

    package: str
    version: str
    date: str
    commit: str
    protocol: str
    qgis: str
    python: str
    celery: str

    @property
    def number(self) -> tuple[int, ...]:
        """What versions are ordered by."""
        return tuple(map(int, self.version.split(".")))


def released(root: Path) -> list[Release]:
    """All releases, the oldest first."""
    path = root / "releases.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [Release(**row) for row in csv.DictReader(lines)]


def edit(root: Path, package: str, version: str) -> None:
    """Write the version of a package, and today into its changelog. Raises Refused."""
    folder = root / "packages" / package
    if package not in PACKAGES:
        raise Refused(f"{package}: no such package; there are {', '.join(PACKAGES)}")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refused(f"{version}: not a version such as 1.2.0")
    if _git(root, "status", "--porcelain"):
        raise Refused("there are changes that are not committed: commit or stash them first")
    before = [one for one in released(root) if one.package == package]
    if before and before[-1].number >= tuple(map(int, version.split("."))):
        raise Refused(f"{version}: {package} {before[-1].version} is released already")
    changelog = (folder / "CHANGELOG.md").read_text("utf-8")
    first = re.search(r"^## .*$", changelog, re.MULTILINE)
    if first is None or not UNRELEASED.fullmatch(first[0]):
        raise Refused(f"the changelog of {package} has nothing unreleased at its top")
    dated = f"## [{version}] - {datetime.now(UTC):%Y-%m-%d}"
    (folder / "CHANGELOG.md").write_text(UNRELEASED.sub(dated, changelog, count=1), "utf-8")
    project = (folder / "pyproject.toml").read_text("utf-8")
    line = re.compile(r'^version = ".*"$', re.MULTILINE)
    (folder / "pyproject.toml").write_text(line.sub(f'version = "{version}"', project, count=1))


def commit(root: Path, package: str, version: str) -> None:
    """Commit what `edit` wrote, tag it, and record that commit in one more."""
    _git(root, "add", "--all")
    _git(root, "commit", "-q", "-m", f"{package} {version}")
    _git(root, "tag", "-a", f"{package}-v{version}", "-m", f"{package} {version}")
    made = _about(root, package, version, _git(root, "rev-parse", "HEAD"))
    _write(root, [*released(root), made])
    (root / "docs" / "reference" / "compatibility.md").write_text(page(root), "utf-8")
    _git(root, "add", "--all")
    _git(root, "commit", "-q", "-m", f"{package} {version} is recorded")


def page(root: Path) -> str:
    """What goes with what: a row for each release, and one for each package as it is now."""
    now = [_about(root, package, "", "") for package in PACKAGES]
    rows = [
        f"| {one.package} | {one.version or 'next'} | {one.date or ''} | {one.protocol} | {one.qgis} |"
        f" {one.python} | {one.celery} |"
        for one in (*released(root), *now)
    ]
    return "\n".join([*HEAD, *rows]) + "\n"


HEAD = (
    "# Compatibility",
    "",
    "Services of different releases work together if their protocols are neighbours: an api sends jobs to",
    "workers of its own protocol, the one before and the one after. Within a protocol, messages only grow.",
    "Packages of one machine need the range of `qanat-common` that each of them declares. Upgrade in any",
    "order; registry, workers, api is a good one. `tests/upgrade` runs the last release of each and today's",
    "in every mix, with jobs in flight.",
    "",
    "| package | version | released | protocol | QGIS | Python | Celery |",
    "|---|---|---|--:|---|---|---|",
)


def _about(root: Path, package: str, version: str, made: str) -> Release:
    project = tomllib.loads((root / "packages" / package / "pyproject.toml").read_text("utf-8"))
    protocol = (root / "packages/common/src/qanat_common/protocol.py").read_text("utf-8")
    own: Mapping[str, object] = project["project"]
    dependencies = own["dependencies"]
    assert isinstance(dependencies, list)
    celery = [name.partition("]")[2] for name in dependencies if name.startswith("celery")]
    return Release(
        package=package,
        version=version,
        date=f"{datetime.now(UTC):%Y-%m-%d}" if version else "",
        commit=made,
        protocol=re.findall(r"^PROTOCOL = (\d+)$", protocol, re.MULTILINE)[0],
        qgis=QGIS if package in ("worker", "server") else "any",
        python=str(own["requires-python"]),
        celery=celery[0] if celery else "none",
    )


def _write(root: Path, releases: Sequence[Release]) -> None:
    with (root / "releases.csv").open("w", encoding="utf-8", newline="") as file:
        names = [field.name for field in fields(Release)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in releases)


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    return done.stdout.strip()


VERBS: Mapping[str, Callable[[Path, str, str], None]] = {"edit": edit, "commit": commit}

if __name__ == "__main__":
    verb, *named = sys.argv[1:]
    if len(named) != 2:
        sys.exit("usage: ./dev release PACKAGE VERSION")
    try:
        VERBS[verb](ROOT, *named)
    except Refused as refusal:
        sys.exit(str(refusal))
