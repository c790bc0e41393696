"""Cases that pass by QGIS's own runner and not through the service, each with its reason."""

from collections.abc import Mapping

KNOWN: Mapping[str, str] = {}
"""Case → reason, on every version of QGIS that has the case."""

ONLY: Mapping[str, Mapping[str, str]] = {}
"""Version of QGIS, as 3.22 → case → reason, on that version alone."""


def of_version(version: str) -> Mapping[str, str]:
    """The list for a version of QGIS, such as 3.22.16."""
    short = ".".join(version.split(".")[:2])
    return {**KNOWN, **ONLY.get(short, {})}
