"""The file formats that layers come and go in: media type, suffix and GDAL driver of each; data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qanat_common.ogc import GEOJSON as GEOJSON_TYPE
from qanat_common.ogc import JsonSchema


@dataclass(frozen=True)
class Format:
    """A format of a layer's file; `drivers` are all that GDAL may open or write it with."""

    title: str
    media_type: str
    suffix: str
    drivers: tuple[str, ...]
    binary: bool = True
    dataset_options: tuple[str, ...] = ()
    layer_options: tuple[str, ...] = ()

    def schema(self) -> JsonSchema:
        """How a client gives it, or gets it, within JSON."""
        made = {"type": "string", "title": self.title, "contentMediaType": self.media_type}
        return made | {"contentEncoding": "base64"} if self.binary else made


@dataclass(frozen=True)
class JsonFormat(Format):
    """GeoJSON: an object of its own within JSON."""

    def schema(self) -> JsonSchema:
        """Written out: `$ref` has no place in a description (digest, section 15)."""
        return {
            "type": "object",
            "title": self.title,
            "format": "geojson-feature-collection",
            "contentMediaType": self.media_type,
            "required": ["type", "features"],
            "properties": {
                "type": {"type": "string", "enum": ["FeatureCollection"]},
                "features": {"type": "array", "items": {"type": "object"}},
            },
        }


GEOJSON = JsonFormat("GeoJSON", GEOJSON_TYPE, ".geojson", ("GeoJSON",), binary=False)
GEOPACKAGE = Format("GeoPackage", "application/geopackage+sqlite3", ".gpkg", ("GPKG",))
FLATGEOBUF = Format(
    "FlatGeobuf",
    "application/flatgeobuf",
    ".fgb",
    ("FlatGeobuf",),
    # An index would change the order of the features.
    layer_options=("SPATIAL_INDEX=NO",),
)
SHAPEFILE = Format(
    "Zipped Shapefile",
    "application/zip",
    ".zip",
    ("ESRI Shapefile",),
    layer_options=("ENCODING=UTF-8",),
)
GML = Format(
    "GML", "application/gml+xml; version=3.2", ".gml", ("GML",), binary=False,
    dataset_options=("FORMAT=GML3.2",),
)  # fmt: skip
KML = Format("KML", "application/vnd.google-earth.kml+xml", ".kml", ("LIBKML", "KML"), binary=False)
CSV = Format("CSV", "text/csv", ".csv", ("CSV",), binary=False, layer_options=("GEOMETRY=AS_WKT",))

GEOTIFF = Format(
    "GeoTIFF",
    "image/tiff; application=geotiff",
    ".tif",
    ("GTiff",),
    dataset_options=("COMPRESS=DEFLATE",),
)
COG = Format(
    "Cloud-optimised GeoTIFF",
    "image/tiff; application=geotiff; profile=cloud-optimized",
    ".tif",
    ("COG",),
)
PNG = Format("PNG", "image/png", ".png", ("PNG",))
JPEG = Format("JPEG", "image/jpeg", ".jpg", ("JPEG",))
ASCII_GRID = Format("ASCII grid", "text/x-asc-grid", ".asc", ("AAIGrid",), binary=False)
MESH_2DM = Format("2DM mesh", "application/x-2dm", ".2dm", (), binary=False)

ZIP = Format(
    "Zip of a layer's file and those beside it, as of a Shapefile; the layer has its name",
    "application/zip",
    ".zip",
    (),
)
"""What a Shapefile comes as, a raster with a world file, or any layer whose name matters."""

VECTOR_INPUTS = (GEOJSON, GEOPACKAGE, FLATGEOBUF, ZIP, GML, KML, CSV)
"""What a vector layer may be given as; the first is what a value without media type is."""

RASTER_INPUTS = (GEOTIFF, PNG, JPEG, ASCII_GRID, ZIP)
MESH_INPUTS = (MESH_2DM,)

VECTOR_OUTPUTS = (GEOJSON, GEOPACKAGE, FLATGEOBUF, GML, CSV, SHAPEFILE)
"""What a vector layer may be asked as; the first is what is given unasked."""

RASTER_OUTPUTS = (GEOTIFF, COG, PNG)


def one_of(formats: Sequence[Format]) -> JsonSchema:
    """The schema of a value in any of the formats."""
    if len(formats) == 1:
        return formats[0].schema()
    return {"oneOf": [each.schema() for each in formats]}


def plain(media_type: str) -> str:
    """A media type as it is compared: lower case, without blanks."""
    return "".join(media_type.lower().split())


def find(formats: Sequence[Format], media_type: str) -> Format | None:
    """The format of a media type: the exact one, else the first without regard to parameters."""
    wanted = plain(media_type)
    exact = (each for each in formats if plain(each.media_type) == wanted)
    base = wanted.partition(";")[0]
    near = (each for each in formats if plain(each.media_type).partition(";")[0] == base)
    return next(exact, None) or next(near, None)


MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv",
    "dxf": "image/vnd.dxf",
    "fgb": FLATGEOBUF.media_type,
    "geojson": GEOJSON.media_type,
    "gml": GML.media_type,
    "gpkg": GEOPACKAGE.media_type,
    "gpx": "application/gpx+xml",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "kml": KML.media_type,
    "mbtiles": "application/vnd.mapbox-mbtiles",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "pdf": "application/pdf",
    "png": "image/png",
    "prj": "text/plain",
    "qml": "application/xml",
    "svg": "image/svg+xml",
    "tfw": "text/plain",
    "tif": GEOTIFF.media_type,
    "tiff": GEOTIFF.media_type,
    "txt": "text/plain",
    "vrt": "application/xml",
    "wld": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
    "2dm": MESH_2DM.media_type,
}
"""Suffix → media type, of files that are no layers."""

BYTES = "application/octet-stream"
TEXTUAL = ("text/", "application/json", "application/xml", "application/x-2dm")


def media_type_of(suffix: str) -> str:
    """The media type of a file by its suffix, with or without the dot."""
    return MEDIA_TYPES.get(suffix.lower().lstrip("."), BYTES)


def is_text(media_type: str) -> bool:
    """Whether a file of this type stands as text within JSON."""
    base = plain(media_type).partition(";")[0]
    return base.startswith(TEXTUAL) or base.endswith(("+xml", "+json"))


def file_schema(media_type: str) -> JsonSchema:
    """A file that is no layer, within JSON: text where it is text, else base64."""
    made: dict[str, Any] = {"type": "string", "contentMediaType": media_type}
    return made if is_text(media_type) else made | {"contentEncoding": "base64"}
