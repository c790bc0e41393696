"""A QGIS plugin that brings a Processing provider: loaded without an interface."""

import sys
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Any

from qgis.core import Qgis

from qanat_worker.engine import scripts
from qanat_worker.engine.scripts import NotPublished

METADATA = "metadata.txt"
YES = frozenset({"yes", "true", "1", "on"})


def find(folder: Path) -> list[Path]:
    """The folders of plugins in a folder."""
    return sorted(path.parent for path in folder.glob(f"*/{METADATA}"))


def load(path: Path) -> Any:
    """Start a plugin's provider; whatever its code raises comes through. Keep what is returned."""
    wrong = why_not(_metadata(path / METADATA))
    if wrong:
        raise NotPublished(wrong)
    if path.name in sys.modules:
        raise NotPublished(f"a Python module named {path.name} is loaded already")
    package = scripts.run(path.name, path / "__init__.py", path)
    plugin = package.classFactory(None)
    plugin.initProcessing()
    return plugin


def why_not(metadata: dict[str, str]) -> str | None:
    """Why a plugin is not loaded, by what its metadata.txt says; None when it is."""
    if metadata.get("hasprocessingprovider", "").strip().lower() not in YES:
        return f"its {METADATA} does not say hasProcessingProvider=yes"
    least = _version(metadata.get("qgisminimumversion", "3.0"))
    most = _version(metadata.get("qgismaximumversion", f"{least[0]}.99"))
    own = _version(Qgis.version())
    # A maximum of 3.40 means every 3.40.
    if least <= own and own[: len(most)] <= most:
        return None
    return f"it is made for QGIS {_text(least)} to {_text(most)}, and this is {_text(own)}"


def _metadata(path: Path) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text("utf-8-sig"))
        return dict(parser["general"])
    except (Error, KeyError, UnicodeDecodeError) as error:
        raise NotPublished(f"its {METADATA} cannot be read: {type(error).__name__}") from error


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version, such as 3.22.16-Białowieża."""
    parts = text.partition("-")[0].strip().split(".")
    if not all(part.isdecimal() for part in parts):
        raise NotPublished(f"its {METADATA} has a version that is none: {text!r}")
    return tuple(map(int, parts))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
