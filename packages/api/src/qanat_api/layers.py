"""The fields that take a layer, or another file: uploaded, pasted, by its address, or made before; pure."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import ClassVar, TypeVar

import orjson
from pydantic import JsonValue

from qanat_api.fields import Field, Filled, Medium, Unreadable, Upload
from qanat_api.negotiation import media_range
from qanat_api.quoting import FromFile, Term
from qanat_api.schemas import media_types
from qanat_common.ogc import GEOJSON, InputDescription

T = TypeVar("T")

SUFFIXES: Mapping[str, str] = {
    ".asc": "text/x-asc-grid",
    ".bmp": "image/bmp",
    ".csv": "text/csv",
    ".dxf": "image/vnd.dxf",
    ".fgb": "application/flatgeobuf",
    ".geojson": GEOJSON,
    ".gif": "image/gif",
    ".gml": "application/gml+xml",
    ".gpkg": "application/geopackage+sqlite3",
    ".gpx": "application/gpx+xml",
    ".grb": "application/wmo-grib",
    ".grb2": "application/wmo-grib",
    ".grib": "application/wmo-grib",
    ".jp2": "image/jp2",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": GEOJSON,
    ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz",
    ".nc": "application/netcdf",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".parquet": "application/vnd.apache.parquet",
    ".ply": "application/ply",
    ".png": "image/png",
    ".slf": "application/x-selafin",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/gml+xml",
    ".zip": "application/zip",
    ".2dm": "application/x-2dm",
}
"""Suffix of a file's name → its media type."""


class Layer:
    """One layer or file, by exactly one of the ways."""

    macro: ClassVar[str] = "layer"

    def fits(self, about: InputDescription) -> bool:
        """What has a media type."""
        return not about.repeated and bool(media_types(about.schema_))

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """No layer is a default; of one that was given before, all but a file can be filled in."""
        return {} if shown.default is None else _again(shown, [shown.default])

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """The value as the execute request has it."""
        given = list(_given(shown, filled, _uploaded))
        return _only(given)

    def sketch(self, shown: Field, filled: Filled) -> Term:
        """The same, of files whose names alone are known."""
        return _only(list(_given(shown, filled, _named)))


class Layers(Layer):
    """Any number of layers or files, by all of the ways."""

    macro: ClassVar[str] = "layers"

    def fits(self, about: InputDescription) -> bool:
        """What has a media type, and may occur several times."""
        return about.repeated and bool(media_types(about.schema_))

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """All that can be filled in of those that were given before."""
        given = shown.default if isinstance(shown.default, list) else []
        return _again(shown, given)

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """The values, in the order of the ways."""
        return list(_given(shown, filled, _uploaded)) or None

    def sketch(self, shown: Field, filled: Filled) -> Term:
        """The same, of files whose names alone are known."""
        return list(_given(shown, filled, _named)) or None


def _again(shown: Field, given: Sequence[JsonValue]) -> dict[str, list[str]]:
    """What is filled in where these values were given; a file must be chosen again."""
    named = [each for each in given if isinstance(each, str)]
    objects = [each for each in given if isinstance(each, dict)]
    addresses = [str(each["href"]) for each in objects if "href" in each]
    texts = [each for each in objects if "value" in each and not each.get("encoding")]
    found = {
        f"{shown.key}/layer": named,
        f"{shown.key}/url": ["\n".join(addresses)] if addresses else [],
        f"{shown.key}/text": [_as_text(texts)] if texts else [],
    }
    return {key: several for key, several in found.items() if several}


def _as_text(values: Sequence[Mapping[str, JsonValue]]) -> str:
    """One text as it is; several values as an array of JSON."""
    content = values[0]["value"] if len(values) == 1 else list(values)
    return content if isinstance(content, str) else orjson.dumps(content).decode()


def _only(given: list[T]) -> T | None:
    if len(given) > 1:
        raise Unreadable("is given several times; a layer, result, file, text or address is enough")
    return given[0] if given else None


def _given(
    shown: Field, filled: Filled, of_upload: Callable[[Medium, Upload], T]
) -> Iterator[T | JsonValue]:
    yield from (name for name in filled.all(f"{shown.key}/layer") if name)
    for address in filled.all(f"{shown.key}/result"):
        if address:
            yield {"href": address}
    chosen = _chosen(shown, filled.text(f"{shown.key}/format"))
    for upload in filled.uploads(f"{shown.key}/file"):
        yield of_upload(chosen or _by_name(shown, upload), upload)
    text = filled.text(f"{shown.key}/text")
    if text.strip():
        yield from _pasted(shown, chosen, text)
    for address in filled.text(f"{shown.key}/url").split():
        yield {"href": address, **({"type": chosen.media_type} if chosen else {})}


def _pasted(shown: Field, chosen: Medium | None, text: str) -> Iterator[JsonValue]:
    """A layer; or, as an array of JSON, values as the execute request has them."""
    if shown.about.repeated and text.lstrip().startswith("["):
        several = _json(text.encode(), "the text")
        yield from several if isinstance(several, list) else [several]
        return
    yield _value(chosen or _by_beginning(shown, text), text.encode(), "the text")


def _uploaded(medium: Medium, upload: Upload) -> JsonValue:
    return _value(medium, upload.content, upload.name)


def _named(medium: Medium, upload: Upload) -> Term:
    """A file of any format may be given as base64."""
    return {
        "value": FromFile(upload.name),
        "encoding": "base64",
        "mediaType": medium.media_type,
    }


def _chosen(shown: Field, media_type: str) -> Medium | None:
    return next((each for each in shown.media if each.media_type == media_type), None)


def _by_name(shown: Field, upload: Upload) -> Medium:
    """The media type of a file by its name, where the input takes it; else of unknown bytes."""
    suffix = PurePath(upload.name).suffix.lower()
    found = _of(shown, SUFFIXES.get(suffix, ""))
    if found:
        return found
    return next((each for each in shown.media if each.branch.base64), shown.media[0])


def _by_beginning(shown: Field, text: str) -> Medium:
    """The media type of a text by how it begins, where the input takes it."""
    start = text.lstrip()[:2000]
    if start.startswith("{"):
        wanted = GEOJSON
    elif start.startswith("<"):
        wanted = SUFFIXES[".kml"] if "<kml" in start else SUFFIXES[".gml"]
    else:
        wanted = SUFFIXES[".csv"]
    as_text = (each for each in shown.media if not each.branch.base64)
    found = _of(shown, wanted) or next(as_text, None)
    if found is None:
        raise Unreadable("is taken as a file or by its address, not as a text")
    return found


def _of(shown: Field, media_type: str) -> Medium | None:
    same = (each for each in shown.media if media_range(each.media_type) == media_type)
    return next(same, None)


def _value(medium: Medium, content: bytes, name: str) -> JsonValue:
    """Bytes as a qualified value."""
    form: dict[str, JsonValue] = {"mediaType": medium.media_type}
    if medium.branch.base64:
        return {"value": b64encode(content).decode(), "encoding": "base64", **form}
    if "object" in medium.branch.types:
        return {"value": _json(content, name), **form}
    try:
        return {"value": content.decode("utf-8-sig"), **form}
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not text in UTF-8, as {medium.title} is here") from None


def _json(content: bytes, name: str) -> JsonValue:
    try:
        value: JsonValue = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{name} is not JSON: {error}") from None
    return value
