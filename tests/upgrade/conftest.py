"""Wheels of the last release and of today, each in an environment of its own, to be run mixed."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("common", "registry", "worker", "api")
NOT_TESTED: list[str] = []
"""Releases that were to be mixed with today, and are not to be had; today's stand in for them."""
ENVIRON = os.environ | {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.org"))
}
# the clone may be another user's, as where CI mounts it
ENVIRON |= {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


def missing(reason: str) -> None:
    """Something that is needed is not there: skip at home, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def loaded(path: Path) -> ModuleType:
    """A module that is no part of a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def release() -> ModuleType:
    """The script that `./dev release` runs."""
    return loaded(ROOT / "release.py")


@pytest.fixture(scope="session")
def fleets() -> ModuleType:
    """Services from wheels, and clients that load them."""
    return loaded(Path(__file__).with_name("fleet.py"))


@pytest.fixture(scope="session")
def uv() -> str:
    """The build tool, as `./dev` installs it."""
    own = ROOT / ".cache" / "uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        missing("uv is not installed: ./dev test installs it")
    return str(found)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the working tree as it is, in one commit, in which a test may release."""
    if not (ROOT / ".git").exists():
        missing("this is no git repository")
    folder = tmp_path_factory.mktemp("clone")
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/tutorials/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "as it is")
    return folder


@pytest.fixture(scope="session")
def build(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds the wheel of a package's folder; needs no network."""

    def made(package: Path) -> Path:
        out = tmp_path_factory.mktemp("wheels")
        done = subprocess.run(
            [uv, "build", "-q", "--wheel", "--offline", "-o", str(out), str(package)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        (wheel,) = out.glob("*.whl")
        return wheel

    return made


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes an environment with these wheels, and the libraries of the workspace's own."""

    def made(*wheels: Path) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60
        )
        (site,) = folder.glob("lib/python*/site-packages")
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(site)
        # a folder named in a .pth is searched, and the .pth files in it are not: our sources stay out
        libraries = Path(pytest.__file__).parents[1]
        (site / "libraries.pth").write_text(f"{libraries}\n")
        return folder / "bin" / "python"

    return made


@pytest.fixture(scope="session")
def today(build: Callable[[Path], Path], environment: Callable[..., Path]) -> Path:
    """A Python with the services as they are now."""
    return environment(*(build(ROOT / "packages" / name) for name in SERVICES))


@pytest.fixture(scope="session")
def last(
    release: ModuleType,
    clone: Path,
    build: Callable[[Path], Path],
    environment: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A Python with the last release of each service; one not released yet is released in the clone."""
    recorded = {one.package: one.commit for one in release.released(ROOT)}
    wheels = []
    for name in SERVICES:
        root, commit = ROOT, recorded.get(name)
        if commit is not None and not has(commit):
            NOT_TESTED.append(
                f"the last release of {name}: its commit {commit} is not in this clone, nor at origin"
            )
            commit = None
        if commit is None:
            root, commit = clone, first(release, clone, name)
        wheels.append(build(sources(root, commit, name, tmp_path_factory.mktemp("sources"))))
    return environment(*wheels)


def first(release: ModuleType, clone: Path, name: str) -> str:
    """Release a package for the first time, in the clone; returns the commit that is recorded."""
    saved = dict(os.environ)
    os.environ.update(ENVIRON)
    try:
        release.edit(clone, name, "0.1.0")
        release.commit(clone, name, "0.1.0")
    finally:
        os.environ.clear()
        os.environ.update(saved)
    recorded: Any = release.released(clone)[-1]
    return str(recorded.commit)


def has(commit: str) -> bool:
    """Whether a commit is in this clone; a shallow one is asked to fetch it."""
    asked = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    fetch = ["git", "fetch", "-q", "--depth=1", "origin", commit]
    for words in (asked, fetch, asked):
        done = subprocess.run(words, cwd=ROOT, env=ENVIRON, timeout=60, capture_output=True)
        if words is asked and not done.returncode:
            return True
    return False


def sources(root: Path, commit: str, name: str, folder: Path) -> Path:
    """The folder of a package as a commit has it."""
    packed = folder / "packed.zip"
    git(root, "archive", "-o", str(packed), commit, f"packages/{name}")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder / "packages" / name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Part of pytest: what was not tested is said where everybody reads it."""
    for each in NOT_TESTED:
        terminalreporter.write_line(f"NOT TESTED: {each}", red=True)
