"""What format a file has: told by its first bytes, never by its name alone."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from qanat_worker.engine import formats
from qanat_worker.engine.formats import Format

HEAD = 4096

_SIGNS: tuple[tuple[re.Pattern[bytes], tuple[Format, ...]], ...] = (
    (re.compile(rb"SQLite format 3\0"), (formats.GEOPACKAGE, formats.RASTER_PACKAGE)),
    (re.compile(rb"fgb.fgb", re.DOTALL), (formats.FLATGEOBUF,)),
    (re.compile(rb"PAR1"), (formats.PARQUET,)),
    (re.compile(rb"PK\x03\x04"), (formats.ZIP, formats.MESH_ZIP, formats.EPT)),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), (formats.GEOTIFF,)),
    (re.compile(rb"\x89PNG"), (formats.PNG,)),
    (re.compile(rb"\xff\xd8\xff"), (formats.JPEG,)),
    (re.compile(rb"\0\0\0\x0cjP  "), (formats.JPEG2000,)),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), (formats.WEBP,)),
    (re.compile(rb"GIF8[79]a"), (formats.GIF,)),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), (formats.BMP,)),
    (re.compile(rb"CDF[\x01\x02\x05]|\x89HDF\r\n"), (formats.NETCDF, formats.MESH_UGRID)),
    (re.compile(rb"GRIB"), (formats.GRIB, formats.MESH_GRIB)),
    (re.compile(rb"(\xef\xbb\xbf)?\s*\{"), (formats.GEOJSON,)),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(?s:.){0,2000}<(\w+:)?kml"), (formats.KML,)),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml(?s:.){0,1000}<)?kml"), (formats.KML,)),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml(?s:.){0,1000}<)?gpx"), (formats.GPX,)),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<"), (formats.GML,)),
    (re.compile(rb"\s*(ncols|nrows)\s", re.IGNORECASE), (formats.ASCII_GRID,)),
    (re.compile(rb"\s*0\r?\n\s*SECTION\r?\n|\s*999\r?\n"), (formats.DXF,)),
    (re.compile(rb"MESH2D"), (formats.MESH_2DM,)),
    (re.compile(rb"\0\0\0\x50.{80}\0\0\0\x50", re.DOTALL), (formats.MESH_SELAFIN,)),
    (re.compile(rb"LASF.{373}copc\0", re.DOTALL), (formats.COPC,)),
    (re.compile(rb"ply\r?\nformat ascii"), (formats.MESH_PLY,)),
)
"""How a file of each format begins; several are told apart by what is wanted. CSV has no sign."""

_ZIPPED: Mapping[str, Format] = {
    "content.xml": formats.ODS,
    "xl/workbook.xml": formats.XLSX,
    "doc.kml": formats.KMZ,
}
"""A member of a zip → the format that has zips with it as its files."""


def identify(path: Path, media_type: str | None, wanted: Sequence[Format]) -> Format | None:
    """The one of the wanted formats that a file has; its media type decides what bytes cannot."""
    with path.open("rb") as opened:
        head = opened.read(HEAD)
    found = next((forms for sign, forms in _SIGNS if sign.match(head)), None)
    if found is not None:
        alike = (_zipped(path), *found) if formats.ZIP in found else found
        return next((form for form in alike if form in wanted), None)
    if b"\0" in head or formats.CSV not in wanted:
        return None
    return formats.CSV if _perhaps_csv(media_type, path, wanted) else None


def _zipped(path: Path) -> Format | None:
    """The format that has zips as its files, if this is one."""
    try:
        with zipfile.ZipFile(path) as opened:
            members = set(opened.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return None
    return next((form for name, form in _ZIPPED.items() if name in members), None)


def _perhaps_csv(media_type: str | None, path: Path, wanted: Sequence[Format]) -> bool:
    base = formats.plain(media_type or "").partition(";")[0]
    claimed = formats.find(wanted, media_type) if media_type else None
    return formats.CSV in (claimed,) or path.suffix.lower() == ".csv" or base == "application/csv"
