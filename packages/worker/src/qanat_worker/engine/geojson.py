"""GeoJSON as clients write it: any object of it as a collection, in a CRS that is known here.

To GDAL a `crs` member that it does not understand is none, and the layer in CRS84: what was meant
as metres would become degrees. So such a member is refused.
"""

import re
from pathlib import Path

import orjson
from pydantic import JsonValue

from qanat_worker.engine import crs
from qanat_worker.engine.formats import GEOJSON_GEOMETRIES
from qanat_worker.engine.values import Unusable

FORM = '{"type": "name", "properties": {"name": "EPSG:…"}}'
"""How a collection names its CRS (GeoJSON of 2008)."""

DEPTHS = {
    "Point": 1,
    "MultiPoint": 2,
    "LineString": 2,
    "MultiLineString": 3,
    "Polygon": 3,
    "MultiPolygon": 4,
}
"""Type of a geometry → how many arrays stand around a number of its coordinates."""

HEAD = 1 << 16
_NAMED = re.compile(
    rb'"crs"\s*:\s*(\{\s*"type"\s*:\s*"name"\s*,\s*"properties"\s*:\s*\{\s*"name"\s*:\s*'
    rb'"(?:[^"\\]|\\.)*"\s*\}\s*\})'
)


def collection_of(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Any GeoJSON object as a FeatureCollection, its CRS by a code that GDAL knows."""
    collection = _collected(value)
    _check_geometries(collection["features"])
    member = value.get("crs")
    if member is None:
        return collection
    return {**collection, "crs": _known(member)}


def check_file(path: Path) -> None:
    """The `crs` member of a file, where it stands in its first or last bytes."""
    with path.open("rb") as opened:
        head = opened.read(HEAD)
        opened.seek(max(0, path.stat().st_size - HEAD))
        tail = opened.read(HEAD)
    for found in (*_NAMED.findall(head), *_NAMED.findall(tail)):
        _known(orjson.loads(found))


def _collected(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    kind = value.get("type")
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        return value
    if kind == "Feature":
        return {"type": "FeatureCollection", "features": [value]}
    if kind in GEOJSON_GEOMETRIES:
        feature: JsonValue = {"type": "Feature", "properties": {}, "geometry": value}
        return {"type": "FeatureCollection", "features": [feature]}
    raise Unusable("is no GeoJSON FeatureCollection, Feature or geometry")


def _check_geometries(features: JsonValue) -> None:
    """To GDAL a geometry that it cannot read is none: it would be lost without a word."""
    for at, feature in enumerate(features if isinstance(features, list) else ()):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if geometry is not None and not _is_geometry(geometry):
            shown = orjson.dumps(geometry).decode()[:200]
            raise Unusable(f"has a feature (number {at}) whose geometry is none: {shown}")


def _is_geometry(value: JsonValue) -> bool:
    """Whether a value has the form of a geometry, as far as its first position."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        return False
    if kind == "GeometryCollection":
        within = value.get("geometries")
        return isinstance(within, list) and all(map(_is_geometry, within))
    found = value.get("coordinates")
    for _ in range(DEPTHS.get(kind, 0)):
        if not isinstance(found, list):
            return False
        if not found:
            return True
        whole, found = found, found[0]
    return kind in DEPTHS and len(whole) > 1 and all(map(_is_number, whole[:3]))


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _known(member: JsonValue) -> JsonValue:
    name = _name(member)
    found = crs.named(name) if name is not None else None
    if found is None or not found.isValid():
        shown = orjson.dumps(member).decode()[:200]
        raise Unusable(f"has a crs that is not known here: {shown}; it must be {FORM}, or absent")
    return {"type": "name", "properties": {"name": found.authid() or name}}


def _name(member: JsonValue) -> str | None:
    properties = member.get("properties") if isinstance(member, dict) else None
    if not isinstance(member, dict) or not isinstance(properties, dict):
        return None
    code = properties.get("code")
    if member.get("type") == "EPSG" and isinstance(code, int | str):
        return f"EPSG:{code}"
    name = properties.get("name")
    return name if member.get("type") == "name" and isinstance(name, str) else None
