"""What is wrong with the QGIS of this machine: found by trying it, told where an algorithm depends on it."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsSpatialIndex

DISTANCE = (
    "known issue of this machine: its spatial index finds neighbours beyond the greatest distance, too"
    " (libspatialindex 2.1, as in Debian 13), so that results are wrong where a distance matters"
)

_BY_DISTANCE = (
    "native:joinbynearest",
    "native:angletonearest",
    "native:shortestline",
    "*:randompoints*",
)
"""Patterns of ids of algorithms that look for neighbours within a distance."""


def of(algorithm_id: str) -> Iterator[str]:
    """What is wrong here with an algorithm, in words."""
    if any(fnmatchcase(algorithm_id, ids) for ids in _BY_DISTANCE) and finds_beyond_the_distance():
        yield DISTANCE


@cache
def finds_beyond_the_distance() -> bool:
    """Whether the nearest neighbour is found although it is farther away than is asked for."""
    far = QgsFeature(1)
    far.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(10, 0)))
    index = QgsSpatialIndex()
    index.addFeature(far)
    return bool(index.nearestNeighbor(QgsPointXY(0, 0), 1, 1.0))
