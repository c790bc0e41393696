"""From a value or file of a client to a layer: what it is, is decided by its content.

A client's text never becomes a data source: it is written to a file of the job's own, GDAL opens
that with the drivers of one format, and QGIS gets the layer.
"""

import binascii
import os
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from osgeo import gdal
from pydantic import JsonValue
from qgis.core import QgsMapLayer, QgsMeshLayer, QgsRasterLayer, QgsVectorLayer

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import Inline, LocalFile
from qanat_worker.engine import archives, formats
from qanat_worker.engine.datasets import tried
from qanat_worker.engine.formats import Format
from qanat_worker.engine.workspace import Workspace

Given = Inline | LocalFile
"""One value of an input."""


class Unusable(ValueError):
    """A value that cannot be used; the text says why, to follow the name of the input."""


@dataclass(frozen=True)
class Kind:
    """A kind of layers: how it may be given, and how QGIS opens it."""

    name: str
    inputs: tuple[Format, ...]

    def schema(self) -> JsonSchema:
        """How a client gives it."""
        return formats.one_of(self.inputs)

    @property
    def within_zip(self) -> tuple[Format, ...]:
        """What a zip may hold: a Shapefile comes in no other way."""
        return (
            (formats.SHAPEFILE, *self.inputs) if formats.GEOPACKAGE in self.inputs else self.inputs
        )


VECTOR = Kind("vector layer", formats.VECTOR_INPUTS)
RASTER = Kind("raster layer", formats.RASTER_INPUTS)
MESH = Kind("mesh layer", formats.MESH_INPUTS)
ANY = Kind("layer", tuple(dict.fromkeys(formats.VECTOR_INPUTS + formats.RASTER_INPUTS)))

INNER_NAME = "qanat/inner-name"
"""Custom property of a vector layer: its name within its file."""

_HEAD = 4096
_MAGIC: tuple[tuple[re.Pattern[bytes], Format], ...] = (
    (re.compile(rb"SQLite format 3\0"), formats.GEOPACKAGE),
    (re.compile(rb"fgb.fgb", re.DOTALL), formats.FLATGEOBUF),
    (re.compile(rb"PK\x03\x04"), formats.ZIP),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), formats.GEOTIFF),
    (re.compile(rb"\x89PNG"), formats.PNG),
    (re.compile(rb"\xff\xd8\xff"), formats.JPEG),
    (re.compile(rb"(\xef\xbb\xbf)?\s*\{"), formats.GEOJSON),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(?s:.){0,2000}<(\w+:)?kml"), formats.KML),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml(?s:.){0,1000}<)?kml"), formats.KML),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<"), formats.GML),
    (re.compile(rb"\s*(ncols|nrows)\s", re.IGNORECASE), formats.ASCII_GRID),
    (re.compile(rb"MESH2D"), formats.MESH_2DM),
)
"""How a file of each format begins; CSV has no sign of its own."""

_INNER_SUFFIXES = {
    ".shp": formats.SHAPEFILE,
    ".gpkg": formats.GEOPACKAGE,
    ".geojson": formats.GEOJSON,
    ".json": formats.GEOJSON,
    ".fgb": formats.FLATGEOBUF,
    ".gml": formats.GML,
    ".kml": formats.KML,
    ".csv": formats.CSV,
    ".tif": formats.GEOTIFF,
    ".tiff": formats.GEOTIFF,
    ".asc": formats.ASCII_GRID,
}
"""What a zip may hold as its one layer's file."""

_NAMES_FILES = (".aux.xml",)
"""How files end that GDAL reads beside a raster, and that may name other files of the server."""

_CSV_COLUMNS = (
    "|option:AUTODETECT_TYPE=YES|option:X_POSSIBLE_NAMES=x,lon,long,longitude,easting"
    "|option:Y_POSSIBLE_NAMES=y,lat,latitude,northing|option:GEOM_POSSIBLE_NAMES=wkt,geometry,geom"
    "|option:KEEP_GEOM_COLUMNS=NO"
)
"""Columns of a CSV file from which its geometries are read."""

_OPTIONS = {formats.CSV: _CSV_COLUMNS, formats.GML: "|option:FORCE_SRS_DETECTION=YES"}
"""Format → what QGIS is told when it opens a file; GML has its CRS at each geometry only."""

_TABLES_OF_QGIS = frozenset({"layer_styles", "qgis_projects"})
"""Tables that QGIS keeps beside layers."""

_GEOMETRIES = frozenset(
    [
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
    ]
)
_VECTOR_OPTIONS = QgsVectorLayer.LayerOptions(loadDefaultStyle=False)
_RASTER_OPTIONS = QgsRasterLayer.LayerOptions(loadDefaultStyle=False)


def layers_of(given: Given, kind: Kind, name: str, parameter: str, job: Workspace) -> None:
    """Open a value, and make its layers part of the job under the parameter's name."""
    key, path, form, title = _as_file(given, kind, name, job)
    found = job.known(key)
    if found is None:
        found = _open(path, form, title)
    job.add(parameter, found, key)


def file_of(given: Given, suffix: str, name: str, job: Workspace) -> Path:
    """A file that is no layer, with a suffix that QGIS expects."""
    if isinstance(given, LocalFile):
        return _linked(Path(given.path), job.path(Path(given.path).stem, suffix))
    path = job.path(name, suffix)
    path.write_bytes(content_of(given))
    return path


def content_of(given: Inline) -> bytes:
    """The bytes of an inline value."""
    value = given.value
    if not isinstance(value, str):
        return orjson.dumps(value)
    if given.encoding != "base64":
        return value.encode()
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unusable("is not base64") from error


def _as_file(
    given: Given, kind: Kind, name: str, job: Workspace
) -> tuple[object, Path, Format, str]:
    """A key of the content, its file, its format, and what the layer is called."""
    if isinstance(given, Inline) and isinstance(given.value, dict):
        return _geojson_file(given.value, kind, name, job)
    if isinstance(given, LocalFile):
        source, title = Path(given.path), Path(given.path).stem or name
        key: object = ("file", str(source))
    else:
        content = content_of(given)
        source, title, key = job.path(name, ".bin"), name, ("inline", content)
        source.write_bytes(content)
    form = identify(source, given.media_type, kind)
    if form is formats.ZIP:
        path, form = _unpacked(source, kind, job)
        return key, path, form, path.stem
    return key, _linked(source, job.path(title, form.suffix)), form, title


def _geojson_file(
    value: dict[str, JsonValue], kind: Kind, name: str, job: Workspace
) -> tuple[object, Path, Format, str]:
    if formats.GEOJSON not in kind.inputs:
        raise Unusable(f"is an object; a {kind.name} is a text or a file")
    collection = _collection(value)
    content = orjson.dumps(collection)
    title = collection.get("name")
    path = job.path(title if isinstance(title, str) else name, ".geojson")
    path.write_bytes(content)
    called = title if isinstance(title, str) and title else name
    return ("geojson", content), path, formats.GEOJSON, called


def _collection(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Any GeoJSON object as a FeatureCollection."""
    kind = value.get("type")
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        return value
    if kind == "Feature":
        return {"type": "FeatureCollection", "features": [value]}
    if kind in _GEOMETRIES:
        feature: JsonValue = {"type": "Feature", "properties": {}, "geometry": value}
        return {"type": "FeatureCollection", "features": [feature]}
    raise Unusable("is no GeoJSON FeatureCollection, Feature or geometry")


def identify(path: Path, media_type: str | None, kind: Kind) -> Format:
    """The format of a file by its first bytes; its media type decides only what they cannot."""
    with path.open("rb") as opened:
        head = opened.read(_HEAD)
    form = next((form for pattern, form in _MAGIC if pattern.match(head)), None)
    if form is None and b"\0" not in head:
        claimed = formats.find(kind.inputs, media_type) if media_type else None
        form = claimed if claimed in (formats.CSV, None) else None
        form = formats.CSV if form is None and _perhaps_csv(media_type, path) else form
    if form is None or form not in kind.inputs:
        known = ", ".join(each.title for each in kind.inputs)
        raise Unusable(f"is no {kind.name} in a format that is read here: {known}")
    return form


def _perhaps_csv(media_type: str | None, path: Path) -> bool:
    base = (media_type or "").partition(";")[0].strip().lower()
    return path.suffix.lower() == ".csv" or base in ("text/csv", "application/csv")


def _linked(source: Path, target: Path) -> Path:
    """The same file under a name of our own, without a copy where that can be."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        target.write_bytes(source.read_bytes())
    return target


def _unpacked(archive: Path, kind: Kind, job: Workspace) -> tuple[Path, Format]:
    """The one layer's file within a zip."""
    try:
        files = archives.unpack(archive, job.path("zip", "").parent)
    except archives.BadArchive as error:
        raise Unusable(f"is a zip, but {error}") from error
    for path in files:
        if path.name.lower().endswith(_NAMES_FILES):
            path.unlink()
    found = [
        (path, _INNER_SUFFIXES[path.suffix.lower()])
        for path in files
        if path.suffix.lower() in _INNER_SUFFIXES and not path.name.startswith(".")
    ]
    if len(found) != 1 or found[0][1] not in kind.within_zip:
        raise Unusable(f"is a zip with {len(found)} layers' files; one {kind.name} is needed")
    path, form = found[0]
    if form is not formats.SHAPEFILE and identify(path, form.media_type, kind) is not form:
        raise Unusable(f"is a zip whose {path.name!r} is no {form.title}")
    return path, form


def _open(path: Path, form: Format, title: str) -> list[QgsMapLayer]:
    if form in formats.MESH_INPUTS:
        return [_checked(QgsMeshLayer(str(path), title, "mdal"), form)]
    raster = form in formats.RASTER_INPUTS
    flags = gdal.OF_RASTER if raster else gdal.OF_VECTOR
    drivers = list(form.drivers)
    opened = tried(gdal.OpenEx, str(path), flags | gdal.OF_READONLY, allowed_drivers=drivers)
    if opened is None:
        raise Unusable(f"looks like {form.title}, but cannot be read as such")
    if raster:
        del opened
        return [_checked(QgsRasterLayer(str(path), title, "gdal", _RASTER_OPTIONS), form)]
    names = [opened.GetLayer(at).GetName() for at in range(opened.GetLayerCount())]
    names = [name for name in names if name not in _TABLES_OF_QGIS]
    del opened
    return _vector_layers(path, form, title, names)


def _vector_layers(path: Path, form: Format, title: str, names: Sequence[str]) -> list[QgsMapLayer]:
    if not names:
        raise Unusable(f"is {form.title} without a layer")
    if any("|" in name for name in names):
        raise Unusable(f"is {form.title} with a layer whose name holds '|'")
    told = _OPTIONS.get(form, "")
    if len(names) == 1:
        return [_vector_layer(f"{path}{told}", title, form, names[0])]
    return [_vector_layer(f"{path}|layername={name}{told}", name, form, name) for name in names]


def _vector_layer(uri: str, title: str, form: Format, inner: str) -> QgsMapLayer:
    layer = _checked(QgsVectorLayer(uri, title, "ogr", _VECTOR_OPTIONS), form)
    layer.setCustomProperty(INNER_NAME, inner)
    return layer


def _checked(layer: QgsMapLayer, form: Format) -> QgsMapLayer:
    if not layer.isValid():
        raise Unusable(f"looks like {form.title}, but QGIS cannot open it")
    return layer
