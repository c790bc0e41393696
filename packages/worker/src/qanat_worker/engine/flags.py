"""The flags of an algorithm, by QGIS's names for them."""

from qgis.core import Qgis, QgsProcessingAlgorithm

from qanat_worker.engine import policy
from qanat_worker.engine.numbers import number

MEANINGS = {
    "RequiresMatchingCrs": "all layers must have the same CRS",
    "NoThreading": "runs alone in its process",
    "KnownIssues": "has known issues",
    "Deprecated": "deprecated",
    "RequiresProject": "made for use in a project; runs in an empty one",
}
"""QGIS's name of a flag → what it means to a client."""


DEPRECATED = frozenset({"HideFromToolbox", "HideFromModeler"})
"""Flags by which QGIS before 3.44 marks, together, what is deprecated."""


def flags_of(algorithm: QgsProcessingAlgorithm) -> set[str]:
    """The names of an algorithm's flags, of those that matter here: older versions lack some."""
    scoped = getattr(Qgis, "ProcessingAlgorithmFlag", None)
    flags = number(algorithm.flags())
    found = set()
    for name in (*policy.FLAGS, *MEANINGS, *DEPRECATED):
        bit = getattr(scoped, name, None) or getattr(QgsProcessingAlgorithm, f"Flag{name}", None)
        if bit is not None and flags & number(bit):
            found.add(name)
    return found | ({"Deprecated"} if found >= DEPRECATED else set())
