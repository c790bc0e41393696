"""Outputs of a job as the request asked for them: the table of the standard (digest, section 7); pure.

raw or document, by value or by reference or both, one or several. What is made here is a
description: bytes, and files of the storage that are to be put between them.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson
from pydantic import JsonValue

from qanat_api.links import header, text_parameter
from qanat_api.negotiation import media_range
from qanat_common.ogc import GEOJSON, JSON, PROFILE, REL, Link, Response, Return, Transmission
from qanat_common.protocol import OutputValue, RunJob, StoredFile, Value

TEXT = "text/plain; charset=utf-8"

URI = re.compile(r"[!#-;=?-~]{1,200}")
"""What may stand between < and > in a header."""

SHA256 = re.compile("[0-9a-f]{64}")

LARGE = 64 * 1024
"""Files of more bytes are given by a link to those who prefer small answers."""

GEOJSON_TYPES = frozenset(
    {"FeatureCollection", "Feature", "GeometryCollection", "Point", "MultiPoint"}
    | {"LineString", "MultiLineString", "Polygon", "MultiPolygon"}
)


class Form(StrEnum):
    """How the bytes of a file are put into an answer."""

    PLAIN = "plain"
    BASE64 = "base64"
    JSON_TEXT = "json-text"


@dataclass(frozen=True)
class Embedded:
    """A file of the storage, at its place in an answer's body."""

    file: StoredFile
    form: Form = Form.PLAIN

    @property
    def size(self) -> int | None:
        """How many bytes it takes in the answer; None when only its content tells."""
        sizes = {Form.PLAIN: self.file.size, Form.BASE64: (self.file.size + 2) // 3 * 4}
        return sizes.get(self.form)


Piece = bytes | Embedded


@dataclass(frozen=True)
class Answer:
    """A response to be: `headers` in order, some several times."""

    status: int
    media_type: str | None = None
    body: tuple[Piece, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def size(self) -> int | None:
        """The length of the body, where it is known beforehand."""
        sizes = [len(p) if isinstance(p, bytes) else p.size for p in self.body]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


@dataclass(frozen=True)
class Item:
    """One output that is to be handed out."""

    name: str
    value: OutputValue
    href: str
    by_reference: bool
    media_type: str


def answer(
    outputs: Mapping[str, OutputValue],
    request: RunJob,
    href: Callable[[str], str],
    boundary: str,
) -> Answer:
    """The answer to an execution, or to a request for the results of its job.

    `href` is the address of an output; `boundary` a text that occurs in none of them. Outputs that
    were not made (optional ones) are left out.
    """
    if request.returns is not None:
        document = request.response is Response.DOCUMENT
        return negotiated(outputs, request, href, request.returns, document=document)
    items = list(_items(outputs, request, href))
    if request.response is Response.DOCUMENT:
        return Answer(200, JSON, tuple(_merged(_document(items))))
    several = len(request.outputs) > 1 if request.outputs else len(items) > 1
    if all(item.by_reference for item in items):
        return Answer(204, headers=tuple(("Link", _link(item)) for item in items))
    return _multipart(items, boundary) if several else single(items[0].value, items[0].media_type)


def negotiated(
    outputs: Mapping[str, OutputValue],
    request: RunJob,
    href: Callable[[str], str],
    returns: Return,
    *,
    document: bool,
) -> Answer:
    """The answer by the 2.0 draft (digest, section 16.3): one output as it is, several as a document.

    `document` asks for the document in every case.
    """
    if request.outputs is not None and not request.outputs:
        return Answer(204)
    items = [
        replace(item, by_reference=returns is Return.MINIMAL and _large(item.value))
        for item in _items(outputs, request, href)
    ]
    asked = len(request.outputs) if request.outputs else len(items)
    if document or asked != 1:
        profile = header(PROFILE + "ogc-results", "profile")
        return Answer(200, JSON, tuple(_merged(_document(items))), (("Link", profile),))
    return single(items[0].value, items[0].media_type) if items else Answer(204)


def single(value: OutputValue, media_type: str) -> Answer:
    """One output as it is."""
    if isinstance(value, StoredFile):
        return Answer(200, media_type, (Embedded(value),), tuple(file_headers(value).items()))
    return Answer(200, media_type, (_raw(value.value, media_type),))


def media_type_of(value: OutputValue, asked: str | None = None) -> str:
    """The media type in which an output is handed out raw."""
    if isinstance(value, StoredFile):
        return value.media_type
    plain = value.value
    if isinstance(plain, dict) and plain.get("type") in GEOJSON_TYPES:
        return GEOJSON
    if isinstance(plain, (dict, list)) or (asked and media_range(asked) == JSON):
        return JSON
    return TEXT


def file_headers(file: StoredFile) -> dict[str, str]:
    """What is told of a file beside its media type: its CRS (Features, Part 2), its checksum (RFC 9530)."""
    told = {"Content-Disposition": saved(file)}
    if file.crs and URI.fullmatch(file.crs):
        told["Content-Crs"] = f"<{file.crs}>"
    if file.sha256 and SHA256.fullmatch(file.sha256):
        told["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(file.sha256)).decode()}:"
    return told


def saved(file: StoredFile) -> str:
    """The Content-Disposition of a file: to be saved, never shown within our own origin."""
    return f"attachment; {text_parameter('filename', file.name)}"


def _items(
    outputs: Mapping[str, OutputValue], request: RunJob, href: Callable[[str], str]
) -> Iterator[Item]:
    """The outputs asked for that there are, in the order in which they were asked for."""
    for name in request.outputs or outputs:
        value = outputs.get(name)
        if value is None or (isinstance(value, Value) and value.value is None):
            continue
        asked = (request.outputs or {}).get(name)
        form = asked.format.media_type if asked and asked.format else None
        yield Item(
            name,
            value,
            href(name),
            bool(asked and asked.transmission_mode is Transmission.REFERENCE),
            media_type_of(value, form),
        )


def _large(value: OutputValue) -> bool:
    return isinstance(value, StoredFile) and value.size > LARGE


def _raw(value: JsonValue, media_type: str) -> bytes:
    return value.encode() if media_type == TEXT and isinstance(value, str) else orjson.dumps(value)


def _link(item: Item) -> str:
    return header(item.href, REL + "results", media_type=item.media_type, title=item.name)


def _multipart(items: list[Item], boundary: str) -> Answer:
    """multipart/related (RFC 2387): a part for each output, empty where it is by reference."""
    pieces: list[Piece] = []
    for item in items:
        lines = [f"--{boundary}", f"Content-Type: {item.media_type}", f"Content-ID: {item.name}"]
        lines += [f"Content-Location: {item.href}"] if item.by_reference else []
        told = file_headers(item.value) if isinstance(item.value, StoredFile) else {}
        lines += [f"Content-Crs: {told['Content-Crs']}"] if "Content-Crs" in told else []
        pieces.append("\r\n".join([*lines, "", ""]).encode())
        if not item.by_reference:
            pieces.extend(single(item.value, item.media_type).body)
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    kind = f'multipart/related; boundary="{boundary}"; type="{items[0].media_type}"'
    return Answer(200, kind, tuple(_merged(pieces)))


def _document(items: list[Item]) -> Iterator[Piece]:
    """The results document (results.yaml)."""
    yield b"{"
    for at, item in enumerate(items):
        yield (b"," if at else b"") + orjson.dumps(item.name) + b":"
        yield from _member(item)
    yield b"}"


def _member(item: Item) -> Iterator[Piece]:
    if item.by_reference:
        link = Link(href=item.href, rel=REL + "results", type=item.media_type, title=item.name)
        yield orjson.dumps(link.document())
    elif isinstance(item.value, StoredFile):
        yield from _qualified_file(item.value)
    else:
        yield orjson.dumps(_inline(item.value.value, item.media_type))


def _inline(value: JsonValue, media_type: str) -> Any:
    """Objects are qualified, so that none is taken for a link or a bounding box; others are bare."""
    if isinstance(value, dict) and ("bbox" not in value or media_type == GEOJSON):
        return {"value": value, "mediaType": media_type}
    return value


def _qualified_file(file: StoredFile) -> Iterator[Piece]:
    """A file within a document: JSON as JSON, text as text, everything else as base64."""
    kind = orjson.dumps(file.media_type)
    form = _form(file.media_type)
    if form is Form.PLAIN:
        yield from (b'{"value":', Embedded(file), b',"mediaType":' + kind + b"}")
    elif form is Form.JSON_TEXT:
        yield from (b'{"value":"', Embedded(file, form), b'","mediaType":' + kind + b"}")
    else:
        yield from (b'{"value":"', Embedded(file, form), b'","encoding":"base64","mediaType":')
        yield kind + b"}"


def _form(media_type: str) -> Form:
    kind = media_range(media_type)
    if kind == JSON or kind.endswith("+json"):
        return Form.PLAIN
    if kind.startswith("text/") or kind.endswith(("/xml", "+xml")):
        return Form.JSON_TEXT
    return Form.BASE64


def _merged(pieces: Iterator[Piece] | list[Piece]) -> Iterator[Piece]:
    """The same pieces, bytes beside bytes put together."""
    held = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            held += piece
            continue
        if held:
            yield held
        held = b""
        yield piece
    if held:
        yield held
