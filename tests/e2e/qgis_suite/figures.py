"""What the last whole run on each version of QGIS counted: kept beside, and held by the next run."""

import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "figures"

Figures = Mapping[str, Mapping[str, int]]
"""Provider → cases, direct, service, known, gaps."""


def short(version: str) -> str:
    """3.22 of 3.22.16."""
    return ".".join(version.split(".")[:2])


def recorded(version: str) -> Figures | None:
    """Those of a version of QGIS; None when no run was recorded."""
    path = FOLDER / f"{short(version)}.json"
    if not path.exists():
        return None
    found: Figures = json.loads(path.read_text("utf-8"))["providers"]
    return found


def record(version: str, found: Figures) -> None:
    """Keep them."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({"qgis": version, "providers": found}, indent=1)
    (FOLDER / f"{short(version)}.json").write_text(f"{text}\n", "utf-8")
