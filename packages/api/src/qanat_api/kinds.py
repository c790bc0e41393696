"""The table of the kinds of fields: how each is recognised, filled in at first, and read; pure."""

import re
from abc import ABC, abstractmethod
from typing import ClassVar

import orjson
from pydantic import JsonValue

from qanat_api import axes
from qanat_api.fields import Field, Filled, Kind, Unreadable, as_json, roles, value_text
from qanat_api.layers import Layer, Layers
from qanat_api.readings import formats, is_list, item_schema, json_of, number_of, option_value
from qanat_api.tables import Colour, Matrix
from qanat_common.ogc import InputDescription

MULTILINE = frozenset({"expression", "execute_sql", "raster_calc_expression"})
"""QGIS's types of texts that are long."""

SCALARS = frozenset({"string", "number", "integer"})


class Plain(ABC):
    """A field that is one control with one text."""

    macro: ClassVar[str]

    @abstractmethod
    def fits(self, about: InputDescription) -> bool:
        """Whether an input is of this kind."""

    @abstractmethod
    def value(self, shown: Field, text: str) -> JsonValue:
        """The value of a text that is not empty. Raises Unreadable."""

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default as a text."""
        return {} if shown.default is None else {shown.key: [value_text(shown.default)]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """An empty control gives nothing."""
        text = filled.text(shown.key).strip()
        return self.value(shown, text) if text else None


class Text(Plain):
    """A text; emptied where its default was not, it is the empty text."""

    macro = "text"

    def fits(self, about: InputDescription) -> bool:
        """A string of whatever kind."""
        return about.schema_.get("type") == "string"

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """As it was written."""
        text = filled.text(shown.key)
        if text:
            return text
        return "" if shown.default and shown.key in filled.texts else None

    def value(self, shown: Field, text: str) -> JsonValue:
        """As it is."""
        return text


class LongText(Text):
    """An expression, or a query."""

    macro = "long_text"

    def fits(self, about: InputDescription) -> bool:
        """By QGIS's type."""
        return super().fits(about) and roles(about).get("type") in MULTILINE


class Crs(Text):
    """A coordinate reference system, with some to choose from."""

    macro = "crs"

    def fits(self, about: InputDescription) -> bool:
        """By QGIS's type."""
        return super().fits(about) and roles(about).get("type") == "crs"


class Date(Text):
    """A date without a time."""

    macro = "date"

    def fits(self, about: InputDescription) -> bool:
        """By the format."""
        return super().fits(about) and about.schema_.get("format") == "date"


class Number(Plain):
    """A number, whole or not."""

    macro = "number"

    def fits(self, about: InputDescription) -> bool:
        """One number."""
        return about.schema_.get("type") in ("number", "integer")

    def value(self, shown: Field, text: str) -> JsonValue:
        """As a number of JSON."""
        return number_of(shown.schema, text)


class Boolean:
    """A box to tick; where nothing is the default, a choice of three."""

    macro: ClassVar[str] = "boolean"

    def fits(self, about: InputDescription) -> bool:
        """True or false."""
        return about.schema_.get("type") == "boolean"

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default."""
        return {} if shown.default is None else {shown.key: [as_json(shown.default)]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """The box comes after a hidden "false", which it overrides."""
        return {"true": True, "false": False}.get(filled.text(shown.key))


class Choice:
    """One of several values."""

    macro: ClassVar[str] = "choice"

    def fits(self, about: InputDescription) -> bool:
        """An enumeration."""
        return "enum" in about.schema_

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default."""
        return {} if shown.default is None else {shown.key: [as_json(shown.default)]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """The value of the option."""
        text = filled.text(shown.key)
        return option_value(text) if text else None


class Choices:
    """Several of several values; none ticked where some were the default is an empty array."""

    macro: ClassVar[str] = "choices"

    def fits(self, about: InputDescription) -> bool:
        """An array of an enumeration."""
        return "enum" in item_schema(about) and is_list(about)

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """Those of the default."""
        default = shown.default if isinstance(shown.default, list) else []
        return {shown.key: [as_json(value) for value in default]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """Those that are ticked."""
        ticked: list[JsonValue] = [option_value(text) for text in filled.all(shown.key)]
        return ticked if ticked or shown.default else None


class Items(Plain):
    """An array of texts or numbers: one on each line; numbers may stand side by side."""

    macro = "items"

    def fits(self, about: InputDescription) -> bool:
        """An array of plain values, or an input that may occur several times."""
        return is_list(about) and item_schema(about).get("type") in SCALARS

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default, a line each."""
        default = shown.default if isinstance(shown.default, list) else []
        return {shown.key: ["\n".join(value_text(value) for value in default)]} if default else {}

    def value(self, shown: Field, text: str) -> JsonValue:
        """By lines; numbers by commas and blanks too."""
        item = item_schema(shown.about)
        if item.get("type") == "string":
            return [line.strip() for line in text.split("\n") if line.strip()]
        return [number_of(item, part) for part in re.split(r"[\s,;]+", text) if part]


class Pair:
    """From a number to another."""

    macro: ClassVar[str] = "pair"

    def fits(self, about: InputDescription) -> bool:
        """An array of two numbers."""
        bounds = about.schema_.get("minItems"), about.schema_.get("maxItems")
        kind = item_schema(about).get("type")
        return not about.repeated and bounds == (2, 2) and kind in ("number", "integer")

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """Both of the default."""
        default = shown.default if isinstance(shown.default, list) else []
        ends = zip(("from", "to"), default, strict=False)
        return {f"{shown.key}/{end}": [value_text(value)] for end, value in ends}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """Both, or none."""
        ends = [filled.text(f"{shown.key}/{end}").strip() for end in ("from", "to")]
        if not any(ends):
            return None
        if not all(ends):
            raise Unreadable("needs both numbers")
        return [number_of(item_schema(shown.about), text) for text in ends]


class Extent:
    """A box: four numbers and their CRS. In the form x is always first, whatever the CRS says."""

    macro: ClassVar[str] = "extent"
    sides: ClassVar[tuple[str, ...]] = ("west", "south", "east", "north")

    def fits(self, about: InputDescription) -> bool:
        """By the format of the standard."""
        return not about.repeated and "ogc-bbox" in formats(about.schema_)

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default's numbers and CRS."""
        default = shown.default if isinstance(shown.default, dict) else {}
        numbers, crs = default.get("bbox"), value_text(default.get("crs", ""))
        box = axes.sides(numbers, crs) if isinstance(numbers, list) else None
        if box is None:
            return {}
        made = {
            f"{shown.key}/{side}": [value_text(value)]
            for side, value in zip(self.sides, box, strict=True)
        }
        return made | {f"{shown.key}/crs": [crs]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """All four, or none; without a CRS they are longitudes and latitudes."""
        texts = [filled.text(f"{shown.key}/{side}").strip() for side in self.sides]
        if not any(texts):
            return None
        if not all(texts):
            raise Unreadable("needs all four numbers")
        box: list[JsonValue] = [number_of({}, text) for text in texts]
        crs = filled.text(f"{shown.key}/crs").strip()
        if not crs:
            return {"bbox": box}
        return {"bbox": axes.swapped(box) if axes.has_y_first(crs) else box, "crs": crs}


class Point:
    """A point: two numbers and their CRS."""

    macro: ClassVar[str] = "point"

    def fits(self, about: InputDescription) -> bool:
        """A GeoJSON point, or a text."""
        return (
            not about.repeated
            and "geojson-geometry" in formats(about.schema_)
            and roles(about).get("type") == "point"
        )

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """A default is a text: x,y [CRS]."""
        default = shown.default if isinstance(shown.default, str) else ""
        found = re.fullmatch(r"\s*([^,\s]+)\s*,\s*([^,\s\[]+)\s*(?:\[\s*(.+?)\s*\])?\s*", default)
        parts = zip(("x", "y", "crs"), found.groups() if found else (), strict=False)
        return {f"{shown.key}/{part}": [text or ""] for part, text in parts}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """As QGIS writes it; without a CRS it is that of the layers."""
        x, y, crs = (filled.text(f"{shown.key}/{part}").strip() for part in ("x", "y", "crs"))
        if not x and not y:
            return None
        if not x or not y:
            raise Unreadable("needs both numbers")
        text = ",".join(value_text(number_of({}, part)) for part in (x, y))
        return f"{text} [{crs}]" if crs else text


class Geometry(Plain):
    """A geometry, as GeoJSON or WKT."""

    macro = "geometry"

    def fits(self, about: InputDescription) -> bool:
        """A GeoJSON geometry, or a text."""
        return not about.repeated and "geojson-geometry" in formats(about.schema_)

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """A text, or an object that may be qualified."""
        given = shown.default
        inner = given.get("value", given) if isinstance(given, dict) else given
        return {} if inner is None else {shown.key: [value_text(inner)]}

    def value(self, shown: Field, text: str) -> JsonValue:
        """An object is qualified, so that none is taken for a link."""
        return {"value": json_of(text)} if text.startswith("{") else text


class Json(Plain):
    """Whatever else there is, as JSON."""

    macro = "json"

    def fits(self, about: InputDescription) -> bool:
        """Everything."""
        return True

    def value(self, shown: Field, text: str) -> JsonValue:
        """An object is qualified, unless it is so already."""
        value = json_of(text)
        if isinstance(value, dict) and not value.keys() & {"value", "href", "bbox"}:
            return {"value": value}
        return value

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default, laid out."""
        if shown.default is None:
            return {}
        return {shown.key: [orjson.dumps(shown.default, option=orjson.OPT_INDENT_2).decode()]}


KINDS: tuple[Kind, ...] = (
    Extent(),
    Point(),
    Geometry(),
    Layers(),
    Layer(),
    Choices(),
    Matrix(),
    Pair(),
    Items(),
    Boolean(),
    Choice(),
    Number(),
    Crs(),
    Date(),
    Colour(),
    LongText(),
    Text(),
    Json(),
)
"""The first that fits is the kind of an input."""
