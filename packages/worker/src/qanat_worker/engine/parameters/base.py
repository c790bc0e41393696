"""What a converter is: from a QGIS parameter to a schema, and from a client's value to QGIS's."""

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import orjson
from pydantic import JsonValue
from qgis.core import QgsProcessingParameterDefinition

from qanat_common.errors import Fault, InputRejected
from qanat_common.ogc import JsonSchema
from qanat_common.protocol import LocalFile, Named
from qanat_worker.engine.numbers import number
from qanat_worker.engine.values import Given, Unusable, content_of, shown
from qanat_worker.engine.workspace import Workspace

P = TypeVar("P", bound=QgsProcessingParameterDefinition)
Values = Given | list[Given]
Occurs = int | Literal["unbounded"]

LARGEST = sys.float_info.max
LARGEST_WHOLE = (1 << 31) - 1
"""A number that QGIS has, and a whole one: it has them in 32 bits."""

OPTIONAL = 1 << 3
HIDDEN = 1 << 2
ADVANCED = 1 << 1


def flag(param: QgsProcessingParameterDefinition, bit: int) -> bool:
    """Whether a parameter has a flag."""
    return bool(number(param.flags()) & bit)


def rejected(name: str, problem: str, at: int | None = None) -> InputRejected:
    """An input cannot be used: `problem` follows its name in the sentence."""
    pointer = f"/inputs/{name.replace('~', '~0').replace('/', '~1')}"
    where = pointer if at is None else f"{pointer}/{at}"
    return InputRejected(f"{name} {problem}", Fault(where, problem))


class Converter(ABC, Generic[P]):
    """One type of parameters, or several that are alike to a client.

    `files` says that the values are opened before those of other types, which may refer to them;
    `in_projects` that there are no values but in a project.
    """

    types: ClassVar[tuple[str, ...]]
    files: ClassVar[bool] = False
    in_projects: ClassVar[bool] = False

    @abstractmethod
    def schema(self, param: P) -> JsonSchema:
        """What a value must be, without its default and title."""

    @abstractmethod
    def convert(self, param: P, given: Values, job: Workspace) -> Any:
        """QGIS's value of a client's; raises InputRejected."""

    def occurs(self, param: P) -> Occurs:
        """How many values may be given."""
        return 1

    def least(self, param: P) -> int:
        """How many values must be given, of a parameter that is not optional."""
        return 1

    def default(self, param: P) -> JsonValue:
        """QGIS's default as a client would write it; None when there is none that can be written."""
        return None

    def implied(self, param: P) -> str | None:
        """What is taken without a value, in words, where that is no value that could be written."""
        return None

    def notes(self, param: P) -> Mapping[str, str]:
        """Role → text, of what a schema cannot say."""
        return {}


class LiteralConverter(Converter[P]):
    """A type whose values stand within JSON: a subclass says what one of them becomes."""

    @abstractmethod
    def to_qgis(self, param: P, value: JsonValue, job: Workspace) -> Any:
        """QGIS's value of one JSON value; raises Unusable with what is wrong."""

    def convert(self, param: P, given: Values, job: Workspace) -> Any:
        """One value, inline or in a file."""
        try:
            value = literal(given, "string" in self.plain_types(param))
            return self.to_qgis(param, value, job)
        except Unusable as error:
            raise rejected(param.name(), str(error)) from error

    def plain_types(self, param: P) -> set[str]:
        """The JSON types that a value may have."""
        schema = self.schema(param)
        return {each.get("type", "") for each in schema.get("oneOf", [schema])}


def literal(given: Values, text: bool) -> JsonValue:
    """The JSON value of what is given; a file's content is one, or a `text`."""
    if isinstance(given, list):
        return [literal(each, text) for each in given]
    if isinstance(given, Named):
        raise Unusable(f"takes no layer of the project, such as {given.name!r}")
    if isinstance(given, LocalFile):
        return _read(Path(given.path).read_bytes(), given.media_type, text)
    if given.encoding == "base64":
        return _read(content_of(given), given.media_type, text)
    return given.value


def _read(content: bytes, media_type: str | None, text: bool) -> JsonValue:
    try:
        if not text or "json" in (media_type or ""):
            value: JsonValue = orjson.loads(content)
            return value
        return content.decode().strip()
    except ValueError as error:
        raise Unusable("is a file that holds no value") from error


def expect_text(value: JsonValue) -> str:
    """A text, or a sentence about what is there instead."""
    if isinstance(value, str):
        return value
    raise Unusable(f"must be a text, not {shown(value)}")


def expect_number(value: JsonValue) -> float:
    """A number; true and false are none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value if abs(value) <= LARGEST_WHOLE else float(value)
    raise Unusable(f"must be a number, not {shown(value)}")


def expect_whole(value: JsonValue) -> int:
    """A whole number."""
    found = expect_number(value)
    if found != int(found):
        raise Unusable(f"must be a whole number, not {shown(value)}")
    if abs(found) > LARGEST_WHOLE:
        raise Unusable(f"must lie between -{LARGEST_WHOLE} and {LARGEST_WHOLE}, not {shown(value)}")
    return int(found)


def expect_list(value: JsonValue) -> list[JsonValue]:
    """An array."""
    if isinstance(value, list):
        return value
    raise Unusable(f"must be an array, not {shown(value)}")


def expect_object(value: JsonValue) -> dict[str, JsonValue]:
    """An object."""
    if isinstance(value, dict):
        return value
    raise Unusable(f"must be an object, not {shown(value)}")


def choice(value: JsonValue, options: Mapping[str, Any]) -> Any:
    """What one of the options stands for."""
    if isinstance(value, str) and value in options:
        return options[value]
    raise Unusable(f"must be one of {', '.join(options)}, not {shown(value)}")


_LIST = re.compile(r"\s*[;,]\s*")


def split(text: str) -> list[str]:
    """The parts of one of QGIS's lists in a text."""
    return [part for part in _LIST.split(text.strip()) if part]
