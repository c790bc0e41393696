"""QGIS's own algorithm tests, from the distribution's source package of the installed QGIS.

None of it is part of this repository: it is fetched when first asked for, and kept under `.cache`.
"""

import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

CACHE = Path(__file__).parents[3] / ".cache" / "suite"
PACKAGE = "python3-qgis"

TESTS = "python/plugins/processing/tests/testdata/"
"""Where the source has the cases and their data."""

GRASS_TESTS = "python/plugins/grassprovider/tests/testdata/"
"""Where it has those of the algorithms of GRASS."""

MODELS = "python/plugins/processing/tests/models/"
"""Where it has models that some cases run."""

BESIDE = re.compile(r"tests/testdata/[^/]+")
"""Data of other tests, which some cases name by a path that climbs up to it."""

BESIDE_BYTES = 1 << 20

Tell = Callable[[str], None]


class NoSource(Exception):
    """The source package cannot be had; the text says why and what to do."""


def suite(tell: Tell) -> Path:
    """The source of the installed QGIS's tests; fetched when it is not there yet."""
    source, version = _installed()
    root = CACHE / f"{source}-{version}"
    done = root / "complete-with-grass"
    if not done.exists():
        tell(f"QGIS's own tests are fetched: the source package {source} {version}")
        with tempfile.TemporaryDirectory(prefix="qs") as folder:
            tarball = _download(source, version, Path(folder), tell)
            tell(f"taking the tests out of {tarball.name}, {tarball.stat().st_size >> 20} MB")
            shutil.rmtree(root, ignore_errors=True)
            _extract(tarball, root)
        done.touch()
        tell("QGIS's own tests are in .cache")
    return root


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoSource(f"{' '.join(command[:2])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _installed() -> tuple[str, str]:
    """The name and the version of the source package that the installed QGIS was built from."""
    shown = _run("dpkg-query", "-W", "-f=${source:Package} ${source:Version}", PACKAGE)
    source, version = shown.split()
    return source, version


def qgis_version() -> str:
    """The version of the installed QGIS, such as 3.22.16."""
    return re.split(r"[+~-]", _installed()[1])[0]


def _mirrors() -> Iterator[str]:
    """Lines `deb-src …` of where apt knows the installed QGIS from."""
    for line in _run("apt-cache", "madison", PACKAGE).splitlines():
        _, _, place = (part.strip() for part in line.split("|"))
        found = re.fullmatch(r"(\S+) ([^/\s]+)/(\S+) \S+ Packages", place)
        if found:
            yield "deb-src {} {} {}\n".format(*found.groups())


def _download(source: str, version: str, folder: Path, tell: Tell) -> Path:
    """Fetch the source package with package lists of our own: apt's settings stay as they are."""
    mirrors = sorted(set(_mirrors()))
    if not mirrors:
        raise NoSource(f"apt does not know where {PACKAGE} comes from: run apt-get update")
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    (folder / "sources.list").write_text("".join(mirrors), "utf-8")
    own = [
        f"-oDir::Etc::SourceList={folder / 'sources.list'}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State::Lists={lists}",
        "-oAPT::Sandbox::User=",
        "-oAPT::Get::List-Cleanup=0",
        "-oDir::Cache::pkgcache=",
        "-oDir::Cache::srcpkgcache=",
    ]
    tell(f"  reading the list of sources: {mirrors[0].split()[1]}")
    _run("apt-get", "update", "-q", *own)
    tell("  downloading, some 110 to 150 MB")
    _run("apt-get", "source", "-q", "--download-only", *own, f"{source}={version}", cwd=folder)
    return next(folder.glob("*.orig.tar.*"))


def _extract(tarball: Path, root: Path) -> None:
    with tarfile.open(tarball) as opened:
        for member in opened:
            _, _, name = member.name.partition("/")
            content = opened.extractfile(member) if _wanted(name, member.size) else None
            if content is not None:
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)


def _wanted(name: str, size: int) -> bool:
    beside = BESIDE.fullmatch(name) is not None and size <= BESIDE_BYTES
    return (name.startswith((TESTS, GRASS_TESTS, MODELS)) or beside) and ".." not in name.split("/")
