"""Rules of the repository that no linter knows."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
MODULES = sorted(ROOT.glob("packages/*/src/**/*.py"))
LONGEST = 400


def project(package: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_changelog_begins_with_the_version_of_its_package(package: Path) -> None:
    changelog = (package / "CHANGELOG.md").read_text("utf-8")
    entries = re.findall(r"^## \[(.+?)\] - (unreleased|\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    assert entries, "no entry such as '## [0.1.0] - unreleased'"
    assert entries[0][0] == project(package)["version"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_siblings_are_required_by_range(package: Path) -> None:
    dependencies = project(package)["dependencies"]
    assert isinstance(dependencies, list)
    siblings = [name for name in dependencies if name.startswith("qanat")]
    assert all(re.fullmatch(r"qanat-[a-z]+>=\d+\.\d+(\.\d+)?,<\d+", name) for name in siblings), (
        siblings
    )


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_has_a_readme_of_its_own(package: Path) -> None:
    text = (package / "README.md").read_text("utf-8")
    assert text.startswith(f"# {project(package)['name']}\n")
    assert len(text) > 400


@pytest.mark.parametrize("module", MODULES, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_module_is_short_and_its_first_line_says_what_it_is(module: Path) -> None:
    text = module.read_text("utf-8")
    assert text.count("\n") <= LONGEST
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert len(docstring.splitlines()[0]) > 12


def test_nothing_is_named_utils() -> None:
    banned = {"utils", "helpers", "manager", "misc", "common_utils"}
    assert not [module for module in MODULES if module.stem in banned]


def test_the_lock_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    assert "--index" not in lock
    assert "--hash=sha256:" in lock


def test_nothing_shadows_what_the_distribution_brings_for_qgis() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8").lower()
    names = set(re.findall(r"^([a-z0-9_.-]+)==", lock, re.MULTILINE))
    assert not names & {"numpy", "gdal", "pyqt5", "pyqt6", "shapely", "pyproj"}
