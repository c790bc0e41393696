"""Cases that pass by QGIS's own runner and not through the service, each with its reason.

The list is exact: a case that it lacks fails the test, and so does one that it has and that passes.
"""

from collections.abc import Mapping

IN_PLACE = "not offered: the algorithm changes its input in place, and a client's input is a copy"
PATHS = "not offered: its results are paths of files of the server"
CODE = "not offered: it runs code that a client would write"
SQL = "not offered: its SQL may open any file of the server as a table"
PROJECT = "the case renders a project of its own, which is not published"
INVALID = "a job ends at an invalid geometry, as QGIS Desktop does; the case passes over it"
NO_SUCH_FIELD = "a field that the layer lacks is refused; QGIS passes over it"
OTHER_GEOMETRY = (
    "the case asks for polygons and makes points: a file of QGIS's holds them, a layer does not"
)
DIGITS = (
    "the case compares a text cut after 15 digits: the number that the service gives has them all"
)
GEOJSON_DIGITS = (
    "a tool of GDAL's hands its result over as GeoJSON, whose numbers have 15 digits; the case"
    " compares 14 decimals"
)
GML_IDS = "the case looks at ids of GML, which are made of the name of the layer"
FIDS = (
    "the case looks at row numbers of a GeoPackage, which are not those of the fields of a result"
)
SEVERAL = "a file of several layers is refused where one layer is needed"
TIMES = "a GeoPackage has no fields of times: they are texts"

KNOWN: Mapping[str, str] = {
    "gdal_algorithm_raster: Tile index (gdaltindex)": PATHS,
    "gdal_algorithm_vector: Execute SQL": SQL,
    "tests1: Dissolve with geometries reported as valid but as invalid with isGeosValid": INVALID,
    "tests1: Dissolve with invalid geometries": INVALID,
    "tests2: Geometry by expression (point)": OTHER_GEOMETRY,
    "tests2: Delete columns (multiple)": NO_SUCH_FIELD,
    "tests2: Create attribute index": IN_PLACE,
    "tests2: Create spatial index": IN_PLACE,
    "tests2: Truncate table": IN_PLACE,
    "tests3: Zonal statistics": IN_PLACE,
    "tests3: Test advanced python calculator": CODE,
    "tests3: Build virtual vector": PATHS,
    "tests4: Import photos": PATHS,
    "tests4: Merge vector layers with conflicting feature ids": FIDS,
    "tests4: Generate XYZ tiles (Directory)": PROJECT,
    "tests4: Delete three columns": NO_SUCH_FIELD,
    "tests4: Retain three fields": NO_SUCH_FIELD,
}
"""Case → reason, on every version of QGIS that has the case."""

ONLY: Mapping[str, Mapping[str, str]] = {
    "3.22": {
        "tests4: Surface volume below (meters)": DIGITS,
        "tests4: Surface volume subtract below (meters)": DIGITS,
        "tests4: Surface volume add below (meters)": DIGITS,
    },
    "3.40": {
        "gdal_algorithm_vector: Buffer lines": GML_IDS,
        "gdal_algorithm_vector: Offset curve (right-sided) (GEOS >= 3.11)": GEOJSON_DIGITS,
        "gdal_algorithm_vector: ogrinfo all layers": SEVERAL,
        "gdal_algorithm_vector: ogrinfo (json) all layers": SEVERAL,
        "gdal_algorithm_vector: One-sided buffer (left-handed)": GML_IDS,
        "gdal_algorithm_vector: Points along lines": GML_IDS,
        "tests1: Dissolve separate disjoint with geopackage input and output": FIDS,
        "tests2: Basic stats time": TIMES,
    },
}
"""Version of QGIS, as 3.22 → case → reason, on that version alone."""


def of_version(version: str) -> Mapping[str, str]:
    """The list for a version of QGIS, such as 3.22.16."""
    short = ".".join(version.split(".")[:2])
    return {**KNOWN, **ONLY.get(short, {})}
