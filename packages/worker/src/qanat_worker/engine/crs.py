"""The coordinate reference system that a client's text names; nothing else is looked up by it."""

import re

from osgeo import osr
from qgis.core import QgsCoordinateReferenceSystem

from qanat_common.ogc import CRS84
from qanat_worker.engine.datasets import tried

LONGITUDE_LATITUDE = "EPSG:4326"
"""What CRS84 is to QGIS, which has x first in every CRS."""

_SAME = {"CRS:84": "OGC:CRS84", "OGC:84": "OGC:CRS84", "OGC:CRS84h": "OGC:CRS84"}
"""Other names of CRS84; heights have no part in it here."""

FORMS = (
    "AUTHORITY:CODE such as EPSG:4326, its URI http://www.opengis.net/def/crs/EPSG/0/4326 or URN,"
    " WKT, or a PROJ string such as +proj=utm +zone=32"
)

_CODE = re.compile(r"([A-Za-z][A-Za-z0-9_]*):([A-Za-z0-9_.-]+)")
_EPSG = re.compile(r"\d{4,6}")
_URI = re.compile(
    r"https?://www\.opengis\.net/def/crs/([A-Za-z0-9_]+)/[^/]+/([A-Za-z0-9_.-]+)/?|"
    r"https?://www\.opengis\.net/gml/srs/([A-Za-z0-9_]+)\.xml#([A-Za-z0-9_.-]+)|"
    r"urn:(?:ogc|x-ogc):def:crs:([A-Za-z0-9_]+):[^:]*:([A-Za-z0-9_.-]+)"
)
_WKT = re.compile(
    r"\s*(GEOG|GEOD|PROJ|VERT|COMPD?|COMPOUND|BOUND|LOCAL_|ENG)\w*\s*\[", re.IGNORECASE
)
_PROJ_TEXT = r"(?:\+nadgrids=@null|[\w+=.,\- ])*"
_PROJ = re.compile(rf"\s*\+{_PROJ_TEXT}")
_EXTENSION = re.compile(rf'EXTENSION\s*\[\s*"PROJ4"\s*,\s*"{_PROJ_TEXT}"\s*\]', re.IGNORECASE)
_WITH_FILES = re.compile(r"EXTENSION\s*\[|PARAMETERFILE\s*\[", re.IGNORECASE)
_SCHEMES = {"wkt": "", "proj": "", "proj4": ""}
"""What QGIS writes before a WKT or a PROJ string."""


def named(text: str) -> QgsCoordinateReferenceSystem:
    """The CRS of a code, URI, URN, WKT or PROJ string; an invalid one where the text names none."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        return _written_out(rest)
    uri = _URI.fullmatch(text)
    if uri:
        authority, code = (part for part in uri.groups() if part is not None)
        return _registered(authority, code)
    code_of = _CODE.fullmatch(text)
    if code_of and scheme.lower() != "internal":
        return _registered(*code_of.groups())
    return _registered("EPSG", text) if _EPSG.fullmatch(text) else _written_out(text)


def of_coordinates(text: str) -> QgsCoordinateReferenceSystem:
    """The same for coordinates beside the name, which layers in EPSG:4326 have as they are."""
    found = named(text)
    return QgsCoordinateReferenceSystem(
        LONGITUDE_LATITUDE if found.authid() == "OGC:CRS84" else found
    )


def has_latitude_first(text: str, crs: QgsCoordinateReferenceSystem) -> bool:
    """Whether coordinates beside this name have y (or latitude) first.

    A URI or URN has the axis order of the CRS itself; every other name has x first, as in QGIS.
    """
    uri = _URI.fullmatch(text)
    if uri is None or "CRS84" in text.upper():
        return False
    system = osr.SpatialReference()
    tried(system.ImportFromWkt, crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED))
    return swaps(system)


def swaps(system: osr.SpatialReference) -> bool:
    """Whether QGIS, as PROJ, swaps the axes of a CRS: those that are north, then east.

    QGIS's own hasAxisInverted looks at the first axis only: it takes both of a polar CRS for north.
    """
    system.StripVertical()
    directions = [system.GetAxisOrientation(None, at) for at in (0, 1)]
    names = [(system.GetAxisName(None, at) or "").lower() for at in (0, 1)]
    return directions == [osr.OAO_North, osr.OAO_East] or (
        names[0].startswith("northing") and names[1].startswith("easting")
    )


def uri_of(found: QgsCoordinateReferenceSystem, *, x_first: bool) -> str | None:
    """The URI of a CRS that has a code; `x_first` says that the coordinates are not in its order."""
    code_of = _CODE.fullmatch(found.authid())
    if code_of is None or code_of[1] == "USER":
        return None
    if found.authid() == "OGC:CRS84" or (found.authid() == LONGITUDE_LATITUDE and x_first):
        return CRS84
    return f"http://www.opengis.net/def/crs/{code_of[1]}/0/{code_of[2]}"


def _registered(authority: str, code: str) -> QgsCoordinateReferenceSystem:
    name = f"{authority.upper()}:{code}"
    return QgsCoordinateReferenceSystem(_SAME.get(name, name))


def _written_out(text: str) -> QgsCoordinateReferenceSystem:
    if _WKT.match(text) and not _WITH_FILES.search(_EXTENSION.sub("", text)):
        return QgsCoordinateReferenceSystem.fromWkt(text)
    if _PROJ.fullmatch(text):
        return QgsCoordinateReferenceSystem.fromProj(text.strip())
    return QgsCoordinateReferenceSystem()
