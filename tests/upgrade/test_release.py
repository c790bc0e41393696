"""What `./dev release` does, tried in a repository of its own; and wheels that run alone."""

import os
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with a package to release."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tests")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tests@example.org")
    for name in ("common", "registry", "worker", "api", "server"):
        package = tmp_path / "packages" / name
        package.mkdir(parents=True)
        (package / "pyproject.toml").write_text(
            f'[project]\nname = "qanat-{name}"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
            'dependencies = ["celery[redis]>=5.7,<6"]\n'
        )
        (package / "CHANGELOG.md").write_text(
            "# Changelog\n\n## [0.1.0] - unreleased\n\n- The first version.\n"
        )
    protocol = tmp_path / "packages/common/src/qanat_common/protocol.py"
    protocol.parent.mkdir(parents=True)
    protocol.write_text("PROTOCOL = 1\n")
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "-q", "-m", "begin")
    return tmp_path


def test_a_release_is_a_version_a_dated_changelog_a_tag_and_a_record(
    release: ModuleType, tree: Path
) -> None:
    release.edit(tree, "api", "0.2.0")
    release.commit(tree, "api", "0.2.0")

    (made,) = release.released(tree)
    tagged = git(tree, "rev-parse", "api-v0.2.0^{commit}")
    assert (made.package, made.version, made.commit, made.protocol) == ("api", "0.2.0", tagged, "1")
    project = tomllib.loads(git(tree, "show", f"{tagged}:packages/api/pyproject.toml"))
    assert project["project"]["version"] == "0.2.0"
    assert f"## [0.2.0] - {made.date}" in git(tree, "show", f"{tagged}:packages/api/CHANGELOG.md")
    assert "| api | 0.2.0 |" in (tree / "docs/reference/compatibility.md").read_text("utf-8")
    assert git(tree, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("package", "version", "words"),
    [
        ("none", "1.0.0", "no such package"),
        ("api", "1.0", "not a version"),
        ("worker", "0.1.0", "released already"),
        ("worker", "0.2.0", "nothing unreleased"),
    ],
)
def test_what_cannot_be_released_is_refused_in_words(
    release: ModuleType, tree: Path, package: str, version: str, words: str
) -> None:
    release.edit(tree, "worker", "0.1.0")
    release.commit(tree, "worker", "0.1.0")

    with pytest.raises(release.Refused, match=words):
        release.edit(tree, package, version)


def test_changes_that_are_not_committed_are_not_released(release: ModuleType, tree: Path) -> None:
    (tree / "stray").write_text("x")

    with pytest.raises(release.Refused, match="not committed"):
        release.edit(tree, "api", "0.1.0")


def test_each_wheel_has_its_own_version_and_asks_for_its_siblings_by_range(
    build: Callable[[Path], Path],
) -> None:
    for package in sorted((ROOT / "packages").iterdir()):
        project: Any = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
        wheel = build(package)
        assert wheel.name.startswith(f"{project['name'].replace('-', '_')}-{project['version']}-")


@pytest.mark.parametrize("service", ["api", "registry", "worker"])
def test_a_service_from_wheels_starts_without_the_sources(today: Path, service: str) -> None:
    environ = {"PATH": os.environ["PATH"]}
    code = f"import qanat_{service} as found, qanat_common; print(found.__file__, qanat_common.__file__)"
    where = subprocess.run(
        [str(today), "-c", code], capture_output=True, text=True, env=environ, timeout=60
    )
    assert where.stdout.count(str(today.parents[1])) == 2, where
    dumped = subprocess.run(
        [str(today), "-m", f"qanat_{service}", "--dump-config"],
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
    )
    assert dumped.returncode == 0, dumped.stderr
