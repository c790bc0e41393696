"""Types of places: reference systems, points, boxes, geometries."""

import json
import re
from collections.abc import Mapping
from typing import Any

from osgeo import ogr
from pydantic import JsonValue
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingParameterCoordinateOperation,
    QgsProcessingParameterCrs,
    QgsProcessingParameterExtent,
    QgsProcessingParameterGeometry,
    QgsProcessingParameterPoint,
    QgsRectangle,
    QgsReferencedRectangle,
)

from qanat_common.ogc import CRS84, JsonSchema
from qanat_worker.engine import crs
from qanat_worker.engine.datasets import tried
from qanat_worker.engine.expressions import wrong_pipeline
from qanat_worker.engine.numbers import number
from qanat_worker.engine.parameters.base import (
    LiteralConverter,
    expect_list,
    expect_number,
    expect_object,
    expect_text,
)
from qanat_worker.engine.values import Unusable, shown
from qanat_worker.engine.workspace import Workspace

PROJECT_CRS = "ProjectCrs"
"""QGIS's word for the CRS of the project, as a default."""

JOB_CRS = (
    "the CRS of the project; without one that of the first layer, or of the first box, or EPSG:4326"
)

_POINT = re.compile(
    r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*,\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*"
    r"(?:\[\s*([A-Za-z0-9_:.-]+)\s*\]\s*)?"
)

AXIS_RULE = (
    "a URI or URN has the axis order of the CRS, AUTHORITY:CODE always has x (or longitude) first"
)


def crs_of(text: str) -> QgsCoordinateReferenceSystem:
    """The CRS that a text names, or a sentence about what would name one."""
    return _valid(crs.named(text), text)


def _valid(found: QgsCoordinateReferenceSystem, text: str) -> QgsCoordinateReferenceSystem:
    if not found.isValid():
        raise Unusable(f"must be a CRS: {crs.FORMS}; not {shown(text)}")
    return found


class Crs(LiteralConverter[QgsProcessingParameterCrs]):
    """A coordinate reference system: its code, URI, URN, WKT or PROJ string."""

    types = ("crs",)

    def schema(self, param: QgsProcessingParameterCrs) -> JsonSchema:
        """A text; what it may be, says the description."""
        return {"type": "string", "description": crs.FORMS}

    def to_qgis(
        self, param: QgsProcessingParameterCrs, value: JsonValue, job: Workspace
    ) -> QgsCoordinateReferenceSystem:
        """As QGIS's own."""
        return crs_of(expect_text(value))

    def default(self, param: QgsProcessingParameterCrs) -> JsonValue:
        """Its code."""
        found = param.defaultValue()
        if isinstance(found, QgsCoordinateReferenceSystem):
            return found.authid() or None
        return found if isinstance(found, str) and found not in ("", PROJECT_CRS) else None

    def implied(self, param: QgsProcessingParameterCrs) -> str | None:
        """The CRS of the job."""
        return JOB_CRS if param.defaultValue() == PROJECT_CRS else None


class CoordinateOperation(LiteralConverter[QgsProcessingParameterCoordinateOperation]):
    """How to get from one CRS to another: a pipeline of PROJ."""

    types = ("coordinateoperation",)

    def schema(self, param: QgsProcessingParameterCoordinateOperation) -> JsonSchema:
        """A text."""
        return {"type": "string", "description": "A pipeline of PROJ, such as +proj=pipeline …"}

    def to_qgis(
        self, param: QgsProcessingParameterCoordinateOperation, value: JsonValue, job: Workspace
    ) -> str:
        """As it is, once it is known to name no files."""
        text = expect_text(value)
        if wrong := wrong_pipeline(text):
            raise Unusable(wrong)
        return text

    def notes(self, param: QgsProcessingParameterCoordinateOperation) -> Mapping[str, str]:
        """The layers or CRSs between which it leads."""
        told = param.toVariantMap()
        names = ("source_crs_parameter_name", "dest_crs_parameter_name")
        found = [str(told[name]) for name in names if told.get(name)]
        return {"parent": ", ".join(found)} if found else {}


class Extent(LiteralConverter[QgsProcessingParameterExtent]):
    """A bounding box, as the standard has it."""

    types = ("extent",)

    def schema(self, param: QgsProcessingParameterExtent) -> JsonSchema:
        """The bounding box of the standard; `format` stands first, as the OGC suite wants it."""
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
        box = {
            "type": "object",
            "required": ["bbox"],
            "properties": {
                "bbox": numbers,
                "crs": {"type": "string", "format": "uri", "default": CRS84},
            },
        }
        return {"allOf": [{"format": "ogc-bbox"}, box], "description": f"crs: {AXIS_RULE}"}

    def to_qgis(
        self, param: QgsProcessingParameterExtent, value: JsonValue, job: Workspace
    ) -> QgsReferencedRectangle:
        """x first, heights left out."""
        box = expect_object(value)
        numbers = [float(expect_number(each)) for each in expect_list(box.get("bbox"))]
        if len(numbers) not in (4, 6):
            raise Unusable(f"bbox must have 4 or 6 numbers, not {len(numbers)}")
        half = len(numbers) // 2
        x_min, y_min = numbers[0], numbers[1]
        x_max, y_max = numbers[half], numbers[half + 1]
        name = expect_text(box.get("crs", CRS84))
        system = _valid(crs.of_coordinates(name), name)
        if crs.has_latitude_first(name, system):
            x_min, y_min, x_max, y_max = y_min, x_min, y_max, x_max
        if x_min > x_max or y_min > y_max:
            raise Unusable(f"bbox {numbers} has its corners in a wrong order (or crosses 180°)")
        return QgsReferencedRectangle(QgsRectangle(x_min, y_min, x_max, y_max), system)

    def plain_types(self, param: QgsProcessingParameterExtent) -> set[str]:
        """An object only."""
        return {"object"}


_GEOJSON_GEOMETRY: JsonSchema = {
    "type": "object",
    "format": "geojson-geometry",
    "contentMediaType": "application/geo+json",
    "required": ["type"],
    "properties": {"type": {"type": "string"}},
}


def geometry_of(value: JsonValue) -> QgsGeometry:
    """A GeoJSON geometry or WKT."""
    if isinstance(value, dict):
        read = tried(ogr.CreateGeometryFromJson, json.dumps(value))
        made = QgsGeometry()
        if read is not None:
            made.fromWkb(bytes(read.ExportToIsoWkb()))
    else:
        made = QgsGeometry.fromWkt(expect_text(value))
    if made.isNull() or (made.isEmpty() and "EMPTY" not in str(value).upper()):
        raise Unusable(f"must be a GeoJSON geometry or WKT, not {shown(value)}")
    return made


class Point(LiteralConverter[QgsProcessingParameterPoint]):
    """A GeoJSON Point, or a text: x,y or x,y [EPSG:4326] or WKT."""

    types = ("point",)

    def schema(self, param: QgsProcessingParameterPoint) -> JsonSchema:
        """A geometry, or a text."""
        point = {**_GEOJSON_GEOMETRY, "required": ["type", "coordinates"]}
        point["properties"] = {
            "type": {"type": "string", "enum": ["Point"]},
            "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2},
        }
        text = {"type": "string", "description": "x,y or x,y [EPSG:4326] or WKT"}
        return {"oneOf": [point, text]}

    def to_qgis(self, param: QgsProcessingParameterPoint, value: JsonValue, job: Workspace) -> Any:
        """In QGIS's words: GeoJSON is in CRS84; a text that names no CRS is in that of the layers."""
        if isinstance(value, dict):
            return _point_text(_as_point(value), crs.LONGITUDE_LATITUDE)
        text = _POINT.fullmatch(expect_text(value))
        if text is None:
            return _point_text(_as_point(value), None)
        x, y, name = text.groups()
        system = _valid(crs.of_coordinates(name), name).authid() if name else None
        return _point_text(QgsPointXY(float(x), float(y)), system)


def _point_text(point: QgsPointXY, crs: str | None) -> str:
    return f"{point.x()!r},{point.y()!r}" + (f" [{crs}]" if crs else "")


def _as_point(value: JsonValue) -> QgsPointXY:
    found = geometry_of(value)
    if found.isEmpty() or found.isMultipart() or number(found.wkbType()) % 1000 != 1:
        raise Unusable(f"must be a Point, not {shown(value)}")
    return found.asPoint()


class Geometry(LiteralConverter[QgsProcessingParameterGeometry]):
    """A GeoJSON geometry, or WKT."""

    types = ("geometry",)

    def schema(self, param: QgsProcessingParameterGeometry) -> JsonSchema:
        """A geometry of GeoJSON, or WKT."""
        return {"oneOf": [_GEOJSON_GEOMETRY, {"type": "string", "description": "WKT"}]}

    def to_qgis(
        self, param: QgsProcessingParameterGeometry, value: JsonValue, job: Workspace
    ) -> QgsGeometry:
        """As QGIS's own."""
        return geometry_of(value)
