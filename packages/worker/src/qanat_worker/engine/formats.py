"""The file formats that layers come and go in: media type, suffix and GDAL driver of each; data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qanat_common.ogc import GEOJSON as GEOJSON_TYPE
from qanat_common.ogc import OTHER_NAMES, JsonSchema


@dataclass(frozen=True)
class Format:
    """A format of a layer's file; `drivers` are all that GDAL may open or write it with.

    `provider` is QGIS's own for it, where GDAL has none.
    """

    title: str
    media_type: str
    suffix: str
    drivers: tuple[str, ...]
    binary: bool = True
    dataset_options: tuple[str, ...] = ()
    layer_options: tuple[str, ...] = ()
    provider: str | None = None

    def schema(self) -> JsonSchema:
        """How a client gives it, or gets it, within JSON."""
        made = {"type": "string", "title": self.title, "contentMediaType": self.media_type}
        return made | {"contentEncoding": "base64"} if self.binary else made


GEOJSON_GEOMETRIES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
GEOJSON_OBJECTS = ("FeatureCollection", "Feature", *GEOJSON_GEOMETRIES)
"""Every type of a GeoJSON object (RFC 7946)."""


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
            "required": ["type"],
            "properties": {
                "type": {"type": "string", "enum": list(GEOJSON_OBJECTS)},
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
SHAPEFILE_WITHIN = Format("Shapefile", "application/x-shapefile", ".shp", ("ESRI Shapefile",))
MAPINFO = Format("MapInfo", "application/x-mapinfo", ".tab", ("MapInfo File",))
GML = Format(
    "GML", "application/gml+xml; version=3.2", ".gml", ("GML",), binary=False,
    dataset_options=("FORMAT=GML3.2",),
)  # fmt: skip
KML = Format("KML", "application/vnd.google-earth.kml+xml", ".kml", ("LIBKML", "KML"), binary=False)
KMZ = Format("KMZ", "application/vnd.google-earth.kmz", ".kmz", ("LIBKML",))
CSV = Format(
    "CSV",
    "text/csv",
    ".csv",
    ("CSV",),
    binary=False,
    layer_options=("GEOMETRY=AS_WKT", "STRING_QUOTING=IF_NEEDED"),
)
PARQUET = Format("GeoParquet", "application/vnd.apache.parquet", ".parquet", ("Parquet",))
GPX = Format("GPX", "application/gpx+xml", ".gpx", ("GPX",), binary=False)
XLSX = Format(
    "Spreadsheet of Excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsx",
    ("XLSX",),
)
ODS = Format(
    "Spreadsheet of OpenDocument",
    "application/vnd.oasis.opendocument.spreadsheet",
    ".ods",
    ("ODS",),
)
DXF = Format("DXF", "image/vnd.dxf", ".dxf", ("DXF",), binary=False)

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
RASTER_PACKAGE = Format(
    "GeoPackage of rasters", "application/geopackage+sqlite3", ".gpkg", ("GPKG",)
)
JPEG2000 = Format("JPEG 2000", "image/jp2", ".jp2", ("JP2OpenJPEG",))
WEBP = Format("WebP", "image/webp", ".webp", ("WEBP",))
GIF = Format("GIF", "image/gif", ".gif", ("GIF",))
BMP = Format("BMP", "image/bmp", ".bmp", ("BMP",))
NETCDF = Format("netCDF", "application/netcdf", ".nc", ("netCDF",))
GRIB = Format("GRIB", "application/wmo-grib", ".grb", ("GRIB",))

MESH_2DM = Format("2DM mesh", "application/x-2dm", ".2dm", (), binary=False)
MESH_UGRID = Format("UGRID mesh (netCDF)", "application/netcdf", ".nc", ())
MESH_GRIB = Format("GRIB mesh", "application/wmo-grib", ".grb", ())
MESH_SELAFIN = Format("Selafin mesh", "application/x-selafin", ".slf", ())
MESH_PLY = Format("PLY mesh", "application/ply", ".ply", (), binary=False)
MESH_ZIP = Format(
    "Zip of a mesh's file, its .prj, and datasets beside it (.dat, .xmdf)",
    "application/zip",
    ".zip",
    (),
)

EPT = Format(
    "Zip of an Entwine point cloud: ept.json and what belongs to it",
    "application/zip",
    ".zip",
    (),
    provider="ept",
)
COPC = Format(
    "Cloud-optimised point cloud (COPC)",
    "application/vnd.laszip+copc",
    ".copc.laz",
    (),
    provider="copc",
)
"""QGIS reads it since 3.26; other LAS and LAZ it reads with PDAL only, which Debian's has not."""

EPT_NAME = "ept.json"

ZIP = Format(
    "Zip of a layer's files, such as a Shapefile; the layer has their name",
    "application/zip",
    ".zip",
    (),
)
"""What a Shapefile comes as, a raster with a world file, or any layer whose name matters."""

VECTOR_INPUTS = (
    GEOJSON, GEOPACKAGE, FLATGEOBUF, ZIP, GML, KML, KMZ, CSV, PARQUET, GPX, XLSX, ODS, DXF,
)  # fmt: skip
"""What a vector layer may be given as; the first is what a value without media type is."""

RASTER_INPUTS = (
    GEOTIFF, PNG, JPEG, ASCII_GRID, ZIP, RASTER_PACKAGE, JPEG2000, WEBP, GIF, BMP, NETCDF, GRIB,
)  # fmt: skip
MESH_INPUTS = (MESH_2DM, MESH_UGRID, MESH_GRIB, MESH_SELAFIN, MESH_PLY, MESH_ZIP)
CLOUD_INPUTS = (EPT, COPC)

WITHIN_ZIP = (SHAPEFILE_WITHIN, MAPINFO)
"""Vector formats of several files, which come in a zip only."""

ZIPS = (ZIP, MESH_ZIP, EPT)
IN_ZIP = (*WITHIN_ZIP, *VECTOR_INPUTS, *RASTER_INPUTS, *MESH_INPUTS)
"""All that a zip may hold as its one layer's file."""

OTHER_SUFFIXES = {
    ".json": ".geojson",
    ".tiff": ".tif",
    ".jpeg": ".jpg",
    ".jp2000": ".jp2",
    ".grib": ".grb",
    ".grb2": ".grb",
    ".mif": ".tab",
}
"""Suffix → the one that the same format has here."""

VECTOR_OUTPUTS = (GEOJSON, GEOPACKAGE, FLATGEOBUF, GML, CSV, SHAPEFILE, PARQUET)
"""What a vector layer may be asked as; the first is what is given unasked."""

RASTER_OUTPUTS = (GEOTIFF, COG, PNG)


def one_of(formats: Sequence[Format]) -> JsonSchema:
    """The schema of a value in any of the formats; the first of those with one media type."""
    told = {each.media_type: each for each in reversed(formats)}
    schemas = [each.schema() for each in formats if told[each.media_type] is each]
    return schemas[0] if len(schemas) == 1 else {"oneOf": schemas}


def plain(media_type: str) -> str:
    """A media type as it is compared: lower case, without blanks."""
    return "".join(media_type.lower().split())


def find(formats: Sequence[Format], media_type: str) -> Format | None:
    """The format of a media type: the exact one, else the first without regard to parameters."""
    wanted = plain(media_type)
    exact = (each for each in formats if plain(each.media_type) == wanted)
    base = wanted.partition(";")[0]
    near = [
        each
        for name in (base, OTHER_NAMES.get(base))
        for each in formats
        if plain(each.media_type).partition(";")[0] == name
    ]
    return next(exact, None) or next(iter(near), None)


def of_suffix(name: str, able: Sequence[Format]) -> tuple[Format, ...]:
    """Those of the formats that a file of this name in a zip may have."""
    if name == EPT_NAME:
        return tuple(form for form in able if form is EPT)
    suffix = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    suffix = OTHER_SUFFIXES.get(suffix, suffix)
    return tuple(form for form in able if form.suffix == suffix and form not in ZIPS)


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
