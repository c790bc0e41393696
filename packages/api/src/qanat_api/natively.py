"""The values of a form as QGIS itself takes them, for those who run the algorithm on their own machine; pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qanat_api import axes
from qanat_api.fields import Field, value_text
from qanat_api.layers import SUFFIXES
from qanat_api.negotiation import media_range
from qanat_api.quoting import FromFile, Term, json
from qanat_common.ogc import CRS84, OutputDescription, Process

SEPARATORS: Mapping[str, str] = {
    "enum": ",",
    "matrix": ",",
    "range": ",",
    "field": ";",
    "band": ";",
}
"""QGIS's type → what stands between several values in one text; other types take a list."""

REMOTE = "/vsicurl/"
"""So begins an address that GDAL reads from."""

_CODE = re.compile(
    r"https?://www\.opengis\.net/def/crs/([A-Za-z]+)/[^/]+/(\w+)/?|"
    r"https?://www\.opengis\.net/gml/srs/([A-Za-z]+)\.xml#(\w+)|"
    r"urn:(?:ogc|x-ogc):def:crs:([A-Za-z]+):[^:]*:(\w+)",
    re.ASCII,
)
_ENDINGS: Mapping[str, str] = {media_type: suffix for suffix, media_type in SUFFIXES.items()} | {
    "application/geo+json": ".geojson",
    "application/gml+xml": ".gml",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
}


@dataclass
class Native:
    """Parameters of an algorithm as QGIS takes them, and files that are to be written before."""

    values: dict[str, Term] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def texts(self) -> list[tuple[str, str]] | None:
        """Name and text of each; several of one name are a list. None where a text cannot say it."""
        found: list[tuple[str, str]] = []
        for name, value in self.values.items():
            several = value if isinstance(value, list) else [value]
            if any(isinstance(each, Mapping | list) for each in several):
                return None
            found += [(name, value_text(each)) for each in several]
        return found


def native(
    process: Process,
    shown: Sequence[Field],
    inputs: Mapping[str, Term],
    outputs: Mapping[str, Any],
) -> Native:
    """Inputs of an execute request as QGIS takes them, and a file for each output that is one."""
    made = Native()
    for each in shown:
        if each.name in inputs:
            convert = _CONVERSIONS.get(each.kind.macro, _as_it_is)
            made.values[each.name] = convert(each, inputs[each.name], made)
    for name, about in process.outputs.items():
        wanted = outputs.get(name, {}) if outputs else {}
        if name in outputs or not outputs:
            suffix = _suffix(about, wanted)
            if suffix:
                made.values[name] = f"{name}{suffix}"
    return made


def _suffix(about: OutputDescription, wanted: Mapping[str, Any]) -> str | None:
    """How the file of an output ends; None for what is no file."""
    alternatives = about.schema_.get("oneOf") or about.schema_.get("anyOf") or [about.schema_]
    offered = [each["contentMediaType"] for each in alternatives if "contentMediaType" in each]
    asked = wanted.get("format", {}).get("mediaType") or (offered[0] if offered else None)
    return None if asked is None else _ENDINGS.get(media_range(asked), ".dat")


def _as_it_is(shown: Field, value: Term, made: Native) -> Term:
    separator = SEPARATORS.get(shown.roles.get("type", ""))
    if separator is None or not isinstance(value, list):
        return value
    texts = [value_text(each) for each in value]
    return separator.join(texts) if not any(separator in text for text in texts) else texts


def _choice(shown: Field, value: Term, made: Native) -> Term:
    """QGIS takes the number of an option; a choice that is none of its enumerations stays."""
    if shown.roles.get("type") != "enum":
        return _as_it_is(shown, value, made)
    values = shown.schema.get("enum") or shown.schema.get("items", {}).get("enum") or []
    several = value if isinstance(value, list) else [value]
    return ",".join(str(values.index(each)) if each in values else str(each) for each in several)


def _extent(shown: Field, value: Term, made: Native) -> Term:
    """Least and greatest x, least and greatest y, and their CRS."""
    box = value.get("bbox") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(box, list):
        return value
    crs = str(value.get("crs", CRS84))
    found = axes.sides(box, crs)
    if found is None:
        return value
    west, south, east, north = (value_text(each) for each in found)
    return f"{west},{east},{south},{north} [{_crs(crs)}]"


def _crs(name: str) -> str:
    """A CRS by its code."""
    if name == CRS84:
        return "EPSG:4326"
    found = _CODE.fullmatch(name)
    if found is None:
        return name
    authority, code = (part for part in found.groups() if part is not None)
    return f"{authority.upper()}:{code}"


def _layer(shown: Field, value: Term, made: Native) -> Term:
    """The path of a file, an address that GDAL reads, or the name of a layer of the project."""
    if not isinstance(value, Mapping):
        return value
    if "href" in value:
        return f"{REMOTE}{value['href']}"
    content = value.get("value")
    if isinstance(content, FromFile):
        return content.name
    ending = _ENDINGS.get(media_range(str(value.get("mediaType", ""))), ".dat")
    number = f"-{len(made.files) + 1}" if made.files else ""
    name = f"{shown.name}{number}{ending}"
    made.files[name] = content if isinstance(content, str) else json(content)
    return name


def _layers(shown: Field, value: Term, made: Native) -> Term:
    several = value if isinstance(value, list) else [value]
    return [_layer(shown, each, made) for each in several]


def _geometry(shown: Field, value: Term, made: Native) -> Term:
    """QGIS takes WKT."""
    found = value.get("value") if isinstance(value, Mapping) else value
    return wkt(found) if isinstance(found, Mapping) else found


def _other(shown: Field, value: Term, made: Native) -> Term:
    """A qualified value is what it qualifies."""
    inner = value.get("value", value) if isinstance(value, Mapping) else value
    return _as_it_is(shown, inner, made)


_CONVERSIONS: Mapping[str, Callable[[Field, Term, Native], Term]] = {
    "choice": _choice,
    "choices": _choice,
    "extent": _extent,
    "geometry": _geometry,
    "json": _other,
    "layer": _layer,
    "layers": _layers,
}
"""Macro of a kind of fields → how its value is given to QGIS; others as they are."""


def wkt(geometry: Mapping[str, Any]) -> str:
    """A geometry of GeoJSON as WKT."""
    kind = str(geometry.get("type", ""))
    if kind == "GeometryCollection":
        inner = ", ".join(wkt(each) for each in geometry.get("geometries") or [])
        return f"GEOMETRYCOLLECTION ({inner})" if inner else "GEOMETRYCOLLECTION EMPTY"
    coordinates = geometry.get("coordinates") or []
    if not coordinates:
        return f"{kind.upper()} EMPTY"
    written = _coordinates(coordinates)
    return f"{kind.upper()} {f'({written})' if kind == 'Point' else written}"


def _coordinates(of: Sequence[Any]) -> str:
    if of and isinstance(of[0], int | float):
        return " ".join(value_text(each) for each in of)
    return f"({', '.join(_coordinates(each) for each in of)})"
