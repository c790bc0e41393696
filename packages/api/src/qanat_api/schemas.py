"""JSON Schema in the dialect of OpenAPI 3.0, compiled: is a value right, and if not, where; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from jsonschema_rs import Draft4Validator, ValidationError, ValidationErrorKind
from pydantic import JsonValue

from qanat_common.errors import Fault
from qanat_common.ogc import JsonSchema

LONGEST_MESSAGE = 300
"""So much of a message is told; values stand in messages, and may be whole layers."""

MOST_FAULTS = 20
"""So many faults of one value are told."""

PROJECT_LAYER = "project-layer"
"""Format of a text that names a layer of a published project."""

_ALTERNATIVES = ("allOf", "oneOf", "anyOf")
_INNER = frozenset({"items", "not", "additionalProperties", *_ALTERNATIVES})
BOX = '; a box is {"bbox": [10, 45, 14, 48]}, with its "crs" where that is not CRS84'
"""How a box is given, for those who have sent its numbers or QGIS's text."""

_TEXT = Draft4Validator({"type": "string"})
_NOTES = frozenset({"title", "description", "default", "example", "deprecated"})


@dataclass(frozen=True)
class Branch:
    """A schema without alternatives, ready to check values.

    `types` are the JSON types that it takes, empty when it does not say; `base64` says that its
    value is bytes in text, `bbox` that it is a bounding box.
    """

    validator: Draft4Validator
    types: frozenset[str]
    media_type: str | None
    base64: bool
    bbox: bool = False

    def as_bytes(self) -> "Branch":
        """The same content as bytes in text: what they hold is seen by whoever opens them."""
        return replace(self, validator=_TEXT, types=frozenset({"string"}), base64=True)

    def fits(self, value: JsonValue) -> bool:
        """Whether the JSON type of a value is one that this branch takes."""
        return not self.types or bool(self.types & _types_of(value))

    def faults(self, value: JsonValue, pointer: str) -> list[Fault]:
        """What is wrong with a value that stands at `pointer`."""
        found = []
        for error in self.validator.iter_errors(value):
            where = pointer + "".join(f"/{escape(part)}" for part in error.instance_path)
            hint = BOX if self.bbox and not isinstance(value, dict) else ""
            found.append(Fault(where, shortened(_told(error)) + hint))
            if len(found) == MOST_FAULTS:
                break
        return found


def _told(error: ValidationError) -> str:
    """What is wrong, in words; of a choice, all that may be chosen."""
    if isinstance(error.kind, ValidationErrorKind.Enum):
        options = ", ".join(orjson.dumps(each).decode() for each in error.kind.options)
        return f"{orjson.dumps(error.instance).decode()} is not one of: {options}"
    return error.message


def branches(schema: JsonSchema) -> list[Branch]:
    """The alternatives of a schema, its first the default; a schema without any is one itself."""
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    if not alternatives:
        return [_branch(schema)]
    common = {
        name: value
        for name, value in schema.items()
        if name not in _NOTES and name not in ("oneOf", "anyOf")
    }
    return [_branch({**common, **alternative}) for alternative in alternatives]


def numbered(schema: JsonSchema) -> JsonSchema:
    """The same choice, of one option or several, that takes the number of an option as well."""
    if "items" in schema:
        return {**schema, "items": numbered(schema["items"])}
    options = schema.get("enum", [])
    free = {name: value for name, value in schema.items() if name != "type"}
    return {**free, "enum": [*options, *range(len(options))]} if options else schema


def escape(part: str | int) -> str:
    """A member's name as it stands in a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def shortened(message: str) -> str:
    """A message that fits on a screen: its beginning and its end."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    half = LONGEST_MESSAGE // 2
    return f"{message[:half]} … {message[-half:]}"


def media_types(schema: Mapping[str, Any]) -> list[str]:
    """Every media type that a schema names, its default first."""
    found = [schema["contentMediaType"]] if "contentMediaType" in schema else []
    for name in _ALTERNATIVES:
        for alternative in schema.get(name, ()):
            found.extend(media_types(alternative))
    return found


def _branch(schema: JsonSchema) -> Branch:
    named = media_types(schema)
    return Branch(
        validator=Draft4Validator(_draft4(schema), validate_formats=True),
        types=frozenset(_declared_types(schema)),
        media_type=named[0] if named else None,
        base64=schema.get("contentEncoding") == "base64" or schema.get("format") == "byte",
        bbox="ogc-bbox" in _formats(schema),
    )


def _declared_types(schema: Mapping[str, Any]) -> Iterator[str]:
    """The types of a schema; those of an allOf count too."""
    if "type" in schema:
        yield schema["type"]
        return
    for part in schema.get("allOf", ()):
        yield from _declared_types(part)


def _formats(schema: Mapping[str, Any]) -> Iterator[str]:
    """The meanings of a schema by the key `format`, as short codes; those of an allOf count too."""
    if "format" in schema:
        yield str(schema["format"]).rpartition("/")[2]
    for part in schema.get("allOf", ()):
        yield from _formats(part)


def _types_of(value: JsonValue) -> frozenset[str]:
    return _JSON_TYPES.get(type(value), frozenset())


_JSON_TYPES: Mapping[type, frozenset[str]] = {
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number", "integer"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}


def _draft4(schema: Any) -> Any:
    """The same schema in Draft 4, which knows no `nullable`: null becomes one of its types."""
    if isinstance(schema, list):
        return [_draft4(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _draft4(value) if name in _INNER else value for name, value in schema.items()}
    if "properties" in made:
        made["properties"] = {name: _draft4(inner) for name, inner in made["properties"].items()}
    return _with_null(made) if made.pop("nullable", False) else made


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    made = dict(schema)
    if "type" in made:
        made["type"] = [made["type"], "null"]
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return made
