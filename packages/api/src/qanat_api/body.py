"""The body of a request: of a bounded size, and JSON in the strict sense."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from pydantic import JsonValue

from qanat_api.negotiation import media_range
from qanat_common.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from qanat_common.ogc import JSON

DEEPEST = 64
"""How deep arrays and objects may be nested; a GeoJSON multipolygon needs ten."""


def check_headers(headers: Mapping[str, str], limit: int) -> None:
    """Refuse, before it is read, a body that is not JSON, or says that it is too large.

    A missing Content-Type is read as JSON: clients exist that send none.
    """
    media_type = headers.get("content-type", JSON)
    if media_range(media_type) != JSON:
        raise UnsupportedMediaType(f"Content-Type: {media_type!r} is not {JSON}")
    charset = media_type.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"Content-Type: JSON is UTF-8, not {charset!r}")
    check_encoding(headers)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large(limit)


def check_encoding(headers: Mapping[str, str]) -> None:
    """Refuse a body that is compressed."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"Content-Encoding: {encoding!r} is not read here")


async def read(stream: AsyncIterator[bytes], limit: int) -> bytes:
    """The whole body; raises as soon as there is more than `limit` of it."""
    pieces: list[bytes] = []
    size = 0
    async for piece in stream:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


def parse(body: bytes) -> JsonValue:
    """The JSON value of a body.

    Refused are: NaN and infinite numbers, text that is not UTF-8, unpaired surrogates, members
    given twice, and what is nested deeper than DEEPEST.
    """
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}") from None
    if _deeper_than(value, DEEPEST):
        raise InvalidRequest(f"The body is nested deeper than {DEEPEST} arrays and objects")
    json.loads(body, object_pairs_hook=_once)
    return value


def too_large(limit: int) -> TooLarge:
    """The error of a body that is larger than `limit` bytes."""
    return TooLarge(f"The body is larger than {limit} bytes; give large inputs by reference.")


def _once(members: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"The body has an object that gives {twice[:100]!r} twice")


def _deeper_than(value: JsonValue, levels: int) -> bool:
    level: list[Any] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(levels):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
    return bool(level)
