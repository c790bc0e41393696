"""Each converter both ways: the schema of a parameter, and QGIS's value of a client's."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingFeedback,
    QgsProcessingParameterAggregate,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterColor,
    QgsProcessingParameterCoordinateOperation,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDistance,
    QgsProcessingParameterDuration,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExpression,
    QgsProcessingParameterExtent,
    QgsProcessingParameterField,
    QgsProcessingParameterFieldMapping,
    QgsProcessingParameterGeometry,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterMeshDatasetGroups,
    QgsProcessingParameterMeshDatasetTime,
    QgsProcessingParameterNumber,
    QgsProcessingParameterPoint,
    QgsProcessingParameterRange,
    QgsProcessingParameterScale,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QDate, QDateTime
from qgis.PyQt.QtGui import QColor

from qanat_common.errors import InputRejected
from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine.describe import describe_input
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Engine

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
WHOLE = QgsProcessingParameterNumber.Integer
REAL = QgsProcessingParameterNumber.Double
OPTIONS = ["Red", "Green", "Red"]
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}


@pytest.fixture
def job(engine: Engine, tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, QgsProcessingFeedback(False))


def schema_of(param: Any) -> dict[str, Any]:
    """Without the title, which every schema has."""
    found = dict(describe_input(param).schema_)
    assert found.pop("title")
    return found


def convert(param: Any, value: Any, job: Workspace) -> Any:
    given = value if isinstance(value, LocalFile) else Inline(value=value)
    return CONVERTERS[param.type()].convert(param, given, job)


def boolean(default: Any = None) -> Any:
    return QgsProcessingParameterBoolean("X", "x", default)


def whole(least: float = 0, most: float = 10) -> Any:
    return QgsProcessingParameterNumber("X", "x", WHOLE, None, False, least, most)


def real() -> Any:
    return QgsProcessingParameterNumber("X", "x", REAL)


def text(default: Any = None) -> Any:
    return QgsProcessingParameterString("X", "x", default)


def enum(default: Any = None, several: bool = False, static: bool = False) -> Any:
    options = OPTIONS if not static else ["A", "B"]
    return QgsProcessingParameterEnum("X", "x", options, several, default, False, static)


@pytest.mark.parametrize(
    ("make", "schema"),
    [
        (lambda: boolean(False), {"type": "boolean", "default": False}),
        (lambda: boolean("true"), {"type": "boolean", "default": True}),
        (lambda: boolean(), {"type": "boolean"}),
        (whole, {"type": "integer", "minimum": 0, "maximum": 10}),
        (real, {"type": "number"}),
        (
            lambda: QgsProcessingParameterNumber("X", "x", REAL, 0),
            {"type": "number", "default": 0.0},
        ),
        (lambda: text(""), {"type": "string", "default": ""}),
        (lambda: enum(2), {"type": "string", "enum": ["Red", "Green", "Red (2)"], "default": "Red (2)"}),
        (
            lambda: enum([0, 1], several=True),
            {
                "type": "array",
                "items": {"type": "string", "enum": ["Red", "Green", "Red (2)"]},
                "uniqueItems": True,
                "default": ["Red", "Green"],
            },
        ),
        (lambda: enum([1]), {"type": "string", "enum": ["Red", "Green", "Red (2)"], "default": "Green"}),
        (lambda: enum("B", static=True), {"type": "string", "enum": ["A", "B"], "default": "B"}),
        (
            lambda: QgsProcessingParameterColor("X", "x", QColor(255, 0, 0, 128)),
            {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$", "default": "#ff000080"},
        ),
        (
            lambda: QgsProcessingParameterBand("X", "x", 1, "R"),
            {"type": "integer", "minimum": 1, "default": 1},
        ),
        (
            lambda: QgsProcessingParameterMeshDatasetGroups("X", "x", "M"),
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "uniqueItems": True,
                "default": [0],
            },
        ),
    ],
)  # fmt: skip
def test_a_parameter_has_its_schema(engine: Engine, make: Any, schema: Any) -> None:
    assert schema_of(make()) == schema


@pytest.mark.parametrize(
    ("default", "published"),
    [
        ("ProjectCrs", None),
        ("EPSG:3857", "EPSG:3857"),
        (QgsCoordinateReferenceSystem("EPSG:3857"), "EPSG:3857"),
        (None, None),
    ],
)
def test_a_crs_is_published_by_its_code(engine: Engine, default: Any, published: Any) -> None:
    if isinstance(default, QgsCoordinateReferenceSystem):
        default = QgsCoordinateReferenceSystem("EPSG:3857")
    assert schema_of(QgsProcessingParameterCrs("X", "x", default)).get("default") == published


@pytest.mark.parametrize(
    ("make", "value", "expected"),
    [
        (boolean, False, False),
        (boolean, True, True),
        (whole, 0, 0),
        (whole, 10, 10),
        (real, 0, 0),
        (real, -1.5, -1.5),
        (lambda: QgsProcessingParameterDistance("X", "x"), 0, 0),
        (lambda: QgsProcessingParameterDuration("X", "x"), 0, 0),
        (lambda: QgsProcessingParameterScale("X", "x"), 1000, 1000),
        (text, "", ""),
        (text, "ä", "ä"),
        (enum, "Red", 0),
        (enum, "Red (2)", 2),
        (enum, 0, 0),
        (lambda: enum(several=True), [], []),
        (lambda: enum(several=True), ["Green", "Red"], [1, 0]),
        (lambda: enum(static=True), "B", "B"),
        (lambda: QgsProcessingParameterRange("X", "x"), [0, 0], [0, 0]),
        (lambda: QgsProcessingParameterExpression("X", "x"), "1 + 1", "1 + 1"),
        (lambda: QgsProcessingParameterMatrix("X", "x", 1, False, ["a", "b"]), [1, "x"], [1, "x"]),
        (
            lambda: QgsProcessingParameterMatrix("X", "x", 1, False, ["a", "b"]),
            [[0, ""], [1, "y"]],
            [0, "", 1, "y"],
        ),
        (lambda: QgsProcessingParameterPoint("X", "x"), "1,2", "1.0,2.0"),
        (lambda: QgsProcessingParameterPoint("X", "x"), "0, 0 [EPSG:3857]", "0.0,0.0 [EPSG:3857]"),
        (lambda: QgsProcessingParameterPoint("X", "x"), "POINT(1 2)", "1.0,2.0"),
        (
            lambda: QgsProcessingParameterPoint("X", "x"),
            {"type": "Point", "coordinates": [0, 0]},
            "0.0,0.0 [EPSG:4326]",
        ),
        (
            lambda: QgsProcessingParameterCoordinateOperation("X", "x"),
            "+proj=pipeline +step +proj=noop",
            "+proj=pipeline +step +proj=noop",
        ),
        (lambda: QgsProcessingParameterField("X", "x"), "name", "name"),
        (
            lambda: QgsProcessingParameterField("X", "x", None, "L", allowMultiple=True),
            ["a", "b"],
            ["a", "b"],
        ),
        (lambda: QgsProcessingParameterBand("X", "x"), 1, 1),
        (lambda: QgsProcessingParameterMeshDatasetGroups("X", "x"), [0, 2], [0, 2]),
        (lambda: QgsProcessingParameterMeshDatasetTime("X", "x", "M"), "static", {"type": "static"}),
        (
            lambda: QgsProcessingParameterFieldMapping("X", "x"),
            [{"name": "n", "type": "real", "expression": "0"}],
            [{"name": "n", "type": 6, "length": 0, "precision": 0, "expression": "0"}],
        ),
        (
            lambda: QgsProcessingParameterAggregate("X", "x"),
            [{"name": "n", "type": "text", "input": "name", "aggregate": "concatenate", "delimiter": ""}],
            [
                {
                    "name": "n", "type": 10, "length": 0, "precision": 0,
                    "input": "name", "aggregate": "concatenate", "delimiter": "",
                }
            ],
        ),
    ],
)  # fmt: skip
def test_a_value_that_is_right_is_taken(
    engine: Engine, job: Workspace, make: Any, value: Any, expected: Any
) -> None:
    param = make()
    made = convert(param, value, job)
    assert made == expected
    assert type(made) is type(expected)
    if not (param.type() == "enum" and isinstance(value, int)):
        assert Draft4Validator(describe_input(param).schema_).is_valid(value)


@pytest.mark.parametrize(
    ("make", "value", "words"),
    [
        (boolean, "false", "true or false, not 'false'"),
        (boolean, 0, "true or false, not 0"),
        (whole, 11, "between 0 and 10, not 11"),
        (whole, 1.5, "whole number, not 1.5"),
        (whole, True, "number, not True"),
        (real, "1", "number, not '1'"),
        (text, 1, "text, not 1"),
        (enum, "Blue", "one of Red, Green, Red \\(2\\), not 'Blue'"),
        (enum, 3, "one of Red"),
        (enum, -1, "one of Red"),
        (enum, True, "one of Red"),
        (lambda: QgsProcessingParameterRange("X", "x"), [2, 1], "the smaller one first"),
        (lambda: QgsProcessingParameterRange("X", "x"), [2], "two numbers"),
        (lambda: QgsProcessingParameterExpression("X", "x"), "1 +", "is no expression"),
        (lambda: QgsProcessingParameterExpression("X", "x"), "env('HOME')", "calls env"),
        (lambda: QgsProcessingParameterColor("X", "x"), "red", "#rrggbb"),
        (lambda: QgsProcessingParameterMatrix("X", "x", 1, False, ["a", "b"]), [1], "2 columns"),
        (lambda: QgsProcessingParameterPoint("X", "x"), "here", "Point|geometry"),
        (lambda: QgsProcessingParameterPoint("X", "x"), SQUARE, "must be a Point"),
        (lambda: QgsProcessingParameterGeometry("X", "x"), "POINT(", "geometry or WKT"),
        (lambda: QgsProcessingParameterGeometry("X", "x"), {"type": "Thing"}, "geometry or WKT"),
        (lambda: QgsProcessingParameterCrs("X", "x"), "EPSG:1", "must be a CRS"),
        (lambda: QgsProcessingParameterCrs("X", "x"), "/etc/passwd", "must be a CRS"),
        (lambda: QgsProcessingParameterCrs("X", "x"), "", "must be a CRS"),
        (lambda: QgsProcessingParameterCrs("X", "x"), "+proj=no", "must be a CRS"),
        (
            lambda: QgsProcessingParameterCrs("X", "x"),
            "+proj=longlat +nadgrids=/etc/passwd",
            "must be a CRS: AUTHORITY:CODE such as EPSG:4326",
        ),
        (lambda: QgsProcessingParameterCrs("X", "x"), "+init=epsg:4326", "must be a CRS"),
        (
            lambda: QgsProcessingParameterCrs("X", "x"),
            'GEOGCS["x",EXTENSION["PROJ4","+proj=longlat +nadgrids=/etc/passwd"]]',
            "must be a CRS",
        ),
        (lambda: QgsProcessingParameterExtent("X", "x"), {"bbox": [1, 2, 3]}, "4 or 6 numbers"),
        (lambda: QgsProcessingParameterExtent("X", "x"), {"bbox": [2, 0, 1, 1]}, "wrong order"),
        (lambda: QgsProcessingParameterExtent("X", "x"), "0,1,0,1", "must be an object"),
        (
            lambda: QgsProcessingParameterCoordinateOperation("X", "x"),
            "+proj=hgridshift +grids=/etc/passwd",
            "names neither",
        ),
        (lambda: QgsProcessingParameterMeshDatasetTime("X", "x", "M"), "now", "static or a date"),
        (lambda: QgsProcessingParameterDateTime("X", "x"), "today", "ISO 8601"),
        (
            lambda: QgsProcessingParameterFieldMapping("X", "x"),
            [{"name": "n", "type": "number", "expression": "1"}],
            "one of text, integer",
        ),
        (
            lambda: QgsProcessingParameterFieldMapping("X", "x"),
            [{"name": "n", "type": "text", "expression": "env('HOME')"}],
            "calls env",
        ),
    ],
)
def test_a_value_that_is_wrong_is_refused_in_words(
    engine: Engine, job: Workspace, make: Any, value: Any, words: str
) -> None:
    with pytest.raises(InputRejected, match=words) as caught:
        convert(make(), value, job)
    assert caught.value.faults[0].pointer == "/inputs/X"
    assert caught.value.detail.startswith("X ")


GEOGCS = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)
MERCATOR = (
    f'PROJCS["WGS 84 / Pseudo-Mercator",{GEOGCS},PROJECTION["Mercator_1SP"],'
    'PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],'
    'PARAMETER["false_northing",0],UNIT["metre",1],EXTENSION["PROJ4","+proj=merc +a=6378137'
    ' +b=6378137 +lat_ts=0 +lon_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs"],'
    'AUTHORITY["EPSG","3857"]]'
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EPSG:4326", "EPSG:4326"),
        ("epsg:4326", "EPSG:4326"),
        ("4326", "EPSG:4326"),
        (EPSG4326, "EPSG:4326"),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", "EPSG:4326"),
        ("urn:ogc:def:crs:EPSG::4326", "EPSG:4326"),
        ("urn:ogc:def:crs:EPSG:6.6:4326", "EPSG:4326"),
        (CRS84, "OGC:CRS84"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84"),
        ("OGC:CRS84", "OGC:CRS84"),
        ("CRS:84", "OGC:CRS84"),
        ("ESRI:54009", "ESRI:54009"),
        ("IGNF:LAMB93", "IGNF:LAMB93"),
        (GEOGCS, "EPSG:4326"),
        (f"WKT:{GEOGCS}", "EPSG:4326"),
        (MERCATOR, "EPSG:3857"),
        ("+proj=utm +zone=32 +datum=WGS84 +units=m +no_defs", "EPSG:32632"),
        ("PROJ:+proj=utm +zone=32 +datum=WGS84 +units=m +no_defs", "EPSG:32632"),
    ],
)
def test_a_crs_may_be_named_in_many_ways(
    engine: Engine, job: Workspace, name: str, code: str
) -> None:
    assert convert(QgsProcessingParameterCrs("X", "x"), name, job).authid() == code


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ({"bbox": [1, 2, 3, 4]}, (1, 2, 3, 4, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": CRS84}, (1, 2, 3, 4, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": EPSG4326}, (2, 1, 4, 3, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": "EPSG:4326"}, (1, 2, 3, 4, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": "OGC:CRS84"}, (1, 2, 3, 4, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::4326"}, (2, 1, 4, 3, "EPSG:4326")),
        ({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::3035"}, (2, 1, 4, 3, "EPSG:3035")),
        ({"bbox": [1, 2, 3, 4], "crs": "EPSG:3035"}, (1, 2, 3, 4, "EPSG:3035")),
        ({"bbox": [1, 2, 9, 3, 4, 9], "crs": "EPSG:3857"}, (1, 2, 3, 4, "EPSG:3857")),
        # Both axes of the first point north, those of the second south: the names say which is y.
        ({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::3031"}, (1, 2, 3, 4, "EPSG:3031")),
        ({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::32661"}, (2, 1, 4, 3, "EPSG:32661")),
        ({"bbox": [1, 2, 3, 4], "crs": "urn:ogc:def:crs:EPSG::25832"}, (1, 2, 3, 4, "EPSG:25832")),
        (
            {"bbox": [1, 2, 9, 3, 4, 9], "crs": "urn:ogc:def:crs:EPSG::4979"},
            (2, 1, 4, 3, "EPSG:4979"),
        ),
        (
            {"bbox": [1, 2, 9, 3, 4, 9], "crs": "urn:ogc:def:crs:EPSG::5498"},
            (2, 1, 4, 3, "EPSG:5498"),
        ),
        ({"bbox": [0, 0, 0, 0]}, (0, 0, 0, 0, "EPSG:4326")),
    ],
)
def test_a_box_has_the_axes_of_its_crs(
    engine: Engine, job: Workspace, box: Any, expected: Any
) -> None:
    param = QgsProcessingParameterExtent("X", "x")
    made = convert(param, box, job)
    corners = (made.xMinimum(), made.yMinimum(), made.xMaximum(), made.yMaximum())
    assert (*corners, made.crs().authid()) == expected
    assert Draft4Validator(describe_input(param).schema_).is_valid(box)


def test_geometries_are_geojson_or_wkt(engine: Engine, job: Workspace) -> None:
    param = QgsProcessingParameterGeometry("X", "x")
    assert convert(param, SQUARE, job).area() == 0.5
    assert convert(param, "POINT Z (1 2 3)", job).asWkt().replace(" Z", "Z") == "PointZ (1 2 3)"


def test_times_are_of_their_type(engine: Engine, job: Workspace) -> None:
    moment = QgsProcessingParameterDateTime("X", "x")
    made = convert(moment, "2024-02-29T12:00:00", job)
    assert isinstance(made, QDateTime)
    assert made.isValid()
    day = QgsProcessingParameterDateTime("X", "x", QgsProcessingParameterDateTime.Date)
    assert convert(day, "2024-02-29", job) == QDate(2024, 2, 29)
    assert schema_of(day) == {"type": "string", "format": "date", "description": "A date"}
    with_zone = convert(moment, "2024-02-29T12:00:00Z", job)
    assert (with_zone.isValid(), with_zone.offsetFromUtc()) == (True, 0)


def test_times_have_bounds_and_a_default(engine: Engine, job: Workspace) -> None:
    bounds = (QDateTime(2024, 1, 1, 0, 0), QDateTime(2024, 12, 31, 0, 0))
    kind = QgsProcessingParameterDateTime.Date
    param = QgsProcessingParameterDateTime("X", "x", kind, QDate(2024, 5, 1), False, *bounds)
    assert schema_of(param)["default"] == "2024-05-01"
    told = {each.role: each.title for each in describe_input(param).metadata or []}
    assert (told["minimum"], told["maximum"]) == ("2024-01-01", "2024-12-31")
    with pytest.raises(InputRejected, match=r"within its bounds \(minimum 2024-01-01"):
        convert(param, "2025-01-01", job)


def test_colours_have_their_opacity(engine: Engine, job: Workspace) -> None:
    param = QgsProcessingParameterColor("X", "x")
    assert convert(param, "#0000ff", job) == QColor(0, 0, 255)
    assert convert(param, "#0000ff00", job).alpha() == 0
    opaque = QgsProcessingParameterColor("X", "x", "red", False)
    assert schema_of(opaque) == {
        "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$", "default": "#ff0000",
    }  # fmt: skip
    with pytest.raises(InputRejected, match="without an opacity"):
        convert(opaque, "#0000ff00", job)


def test_an_empty_text_is_no_expression_unless_none_is_needed(
    engine: Engine, job: Workspace
) -> None:
    needed = QgsProcessingParameterExpression("X", "x")
    with pytest.raises(InputRejected, match="is no expression"):
        convert(needed, "", job)
    optional = QgsProcessingParameterExpression("X", "x", None, "", True)
    assert convert(optional, "", job) == ""


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: QgsProcessingParameterDistance("X", "x", None, "L"),
            {"unit": "unit of the CRS of L", "parent": "L"},
        ),
        (lambda: QgsProcessingParameterDuration("X", "x"), {"unit": "milliseconds"}),
        (lambda: QgsProcessingParameterField("X", "x", None, "L"), {"parent": "L"}),
        (lambda: QgsProcessingParameterBand("X", "x", None, "L"), {"parent": "L"}),
        (lambda: QgsProcessingParameterExpression("X", "x", None, "L"), {"parent": "L"}),
        (lambda: QgsProcessingParameterMeshDatasetGroups("X", "x", "M"), {"parent": "M"}),
        (lambda: QgsProcessingParameterMeshDatasetTime("X", "x", "M", "G"), {"parent": "M, G"}),
        (
            lambda: QgsProcessingParameterCoordinateOperation("X", "x", None, "A", "B"),
            {"parent": "A, B"},
        ),
        (
            lambda: QgsProcessingParameterMatrix("X", "x", 1, False, ["a", "b"]),
            {"columns": "a, b"},
        ),
    ],
)
def test_the_metadata_say_the_unit_and_the_parent(
    engine: Engine, make: Any, told: dict[str, str]
) -> None:
    found = {each.role: each.title for each in describe_input(make()).metadata or []}
    assert {role: found.get(role) for role in told} == told


@pytest.mark.parametrize(
    ("make", "content", "media_type", "expected"),
    [
        (whole, "0", "application/json", 0),
        (whole, "3", None, 3),
        (text, "3\n", "text/plain", "3"),
        (text, '"3"', "application/json", "3"),
        (boolean, "false", None, False),
        (lambda: enum(several=True), '["Red"]', None, [0]),
    ],
)
def test_a_value_may_stand_in_a_fetched_file(
    job: Workspace, tmp_path: Path, make: Any, content: str, media_type: Any, expected: Any
) -> None:
    path = tmp_path / "value"
    path.write_text(content)
    assert convert(make(), LocalFile(path=str(path), media_type=media_type), job) == expected


def test_a_file_without_a_value_is_refused(job: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"\xff\xfe")
    for make in (whole, text):
        with pytest.raises(InputRejected, match="holds no value"):
            convert(make(), LocalFile(path=str(path)), job)
