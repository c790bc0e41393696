"""Cases that pass by QGIS's own runner and not through the service, each with its reason.

The list is exact: a case that it lacks fails the test, and so does one that it has and that passes.
"""

from collections.abc import Mapping

IN_PLACE = (
    "not offered: it changes its input in place and has no result; a client's input is a copy, so that"
    " nothing would come back"
)
ZONAL = "not offered: it changes its input in place; native:zonalstatisticsfb gives the same as a result"
PATHS = "not offered: its result is a list of paths of the server's files, and nothing without them"
CODE = "not offered: it runs code that a client would write"
SQL = (
    "not offered: its SQL opens any file that it names as a table; qgis:executesql, whose SQL has the"
    " inputs alone, is offered"
)
OTHER_GEOMETRY = (
    "the case asks for polygons and makes points, which the service tells as a failure: QGIS writes a"
    " file that says the one and holds the other"
)
FIDS = (
    "the case's field fid has values that repeat, which the service keeps; QGIS numbers the rows of its"
    " GeoPackage anew in their place"
)
TIMES = "no format of results has a type for the time of day: it is a text, as the case's is not"

NO_VALUES = (
    "a tool of GRASS hands its result over as GeoJSON, in which a field that has no value in any feature"
    " leaves no trace"
)

KNOWN: Mapping[str, str] = {
    "gdal_algorithm_vector: Execute SQL": SQL,
    "tests2: Geometry by expression (point)": OTHER_GEOMETRY,
    "tests2: Create attribute index": IN_PLACE,
    "tests2: Create spatial index": IN_PLACE,
    "tests2: Truncate table": IN_PLACE,
    "tests3: Zonal statistics": ZONAL,
    "tests3: Test advanced python calculator": CODE,
    "tests3: Build virtual vector": PATHS,
    "tests4: Merge vector layers with conflicting feature ids": FIDS,
}
"""Case → reason, on every version of QGIS that has the case."""

ONLY: Mapping[str, Mapping[str, str]] = {
    "3.22": {
        "grass7_algorithms_vector: v.net (extract nodes)": NO_VALUES,
        "grass7_algorithms_vector: v.surf.rst - topographic parameters": NO_VALUES,
    },
    "3.40": {
        "grass_algorithms_vector: v.net (extract nodes)": NO_VALUES,
        "grass_algorithms_vector: v.surf.rst - topographic parameters": NO_VALUES,
        "tests1: Dissolve separate disjoint with geopackage input and output": FIDS,
        "tests2: Basic stats time": TIMES,
    },
}
"""Version of QGIS, as 3.22 → case → reason, on that version alone."""


def of_version(version: str) -> Mapping[str, str]:
    """The list for a version of QGIS, such as 3.22.16."""
    short = ".".join(version.split(".")[:2])
    return {**KNOWN, **ONLY.get(short, {})}
