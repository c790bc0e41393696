"""One value of an input as it comes to the engine: its bytes, and why it cannot be used."""

import binascii
from base64 import b64decode

import orjson
from pydantic import JsonValue

from qanat_common.protocol import Inline, LocalFile, Named

SHOWN = 200
"""How many characters of a value stand in a sentence about it."""

Given = Inline | LocalFile | Named
"""One value of an input."""


class Unusable(ValueError):
    """A value that cannot be used; the text says why, to follow the name of the input."""


def shown(value: JsonValue) -> str:
    """A value as it stands in a sentence about it; of a long one, the beginning."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def content_of(given: Inline) -> bytes:
    """The bytes of an inline value."""
    value = given.value
    if not isinstance(value, str):
        return _json(value)
    if given.encoding != "base64":
        return value.encode()
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unusable("is not base64") from error


def _json(value: JsonValue) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise Unusable(f"has a number that is too large: {shown(value)}") from error
