"""What a text that was filled in says, by the schema of its input; pure."""

import re
import sys
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import JsonValue

from qanat_api.fields import Unreadable
from qanat_common.ogc import InputDescription, JsonSchema

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)

LARGEST = sys.float_info.max
LARGEST_WHOLE = 2.0**63
"""From here on a whole number is none of 64 bits, and written as a float."""


def is_list(about: InputDescription) -> bool:
    """Whether a value is several: of an array, or of an input that may occur several times."""
    return about.repeated != (about.schema_.get("type") == "array")


def item_schema(about: InputDescription) -> JsonSchema:
    """The schema of one of several values."""
    if about.repeated:
        return about.schema_
    found: JsonSchema = about.schema_.get("items", {})
    return found


def number_of(schema: JsonSchema, text: str) -> int | float:
    """The number that a text says. Raises Unreadable."""
    whole = _WHOLE.fullmatch(text)
    if schema.get("type") == "integer" and not whole:
        raise Unreadable(f"{text[:50]!r} is not a whole number")
    if not NUMBER.fullmatch(text):
        raise Unreadable(f"{text[:50]!r} is not a number, such as 2.5")
    if abs(float(text)) > LARGEST:
        raise Unreadable(f"{text[:50]!r} is larger than numbers can be")
    return int(text) if whole and abs(float(text)) < LARGEST_WHOLE else float(text)


def option_value(text: str) -> JsonValue:
    """The value of an option: it stands there as JSON; what is none is taken for a text."""
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value


def json_of(text: str) -> JsonValue:
    """The value that a text says as JSON. Raises Unreadable."""
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error}") from None
    return value


def formats(schema: JsonSchema) -> set[str]:
    """The formats that a schema or its alternatives name, by their short names."""
    return {name.rpartition("/")[2] for name in _formats(schema)}


def _formats(schema: dict[str, Any]) -> Iterator[str]:
    if "format" in schema:
        yield schema["format"]
    for name in ("allOf", "oneOf", "anyOf"):
        for inner in schema.get(name, ()):
            yield from _formats(inner)
