"""Types whose values are numbers, texts, choices and tables: JSON as it stands."""

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterColor,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExpression,
    QgsProcessingParameterMatrix,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRange,
    QgsProcessingParameterString,
    QgsUnitTypes,
)
from qgis.PyQt.QtGui import QColor

from qanat_common.ogc import NUMBERED, JsonSchema
from qanat_worker.engine.expressions import wrong_expression, wrong_sql
from qanat_worker.engine.numbers import number
from qanat_worker.engine.parameters.base import (
    OPTIONAL,
    LiteralConverter,
    choice,
    expect_list,
    expect_number,
    expect_object,
    expect_text,
    expect_whole,
    flag,
)
from qanat_worker.engine.values import Unusable, shown
from qanat_worker.engine.workspace import Workspace

NO_BOUND = 1e300
"""QGIS writes "no bound" as the largest double."""

NO_WHOLE_BOUND = (1 << 31) - 1

_UNITS = {"distance": "unit", "area": "squared unit", "volume": "cubed unit"}
"""Type → the unit of a value that depends on a layer or CRS."""


class Boolean(LiteralConverter[QgsProcessingParameterBoolean]):
    """`true` or `false`."""

    types = ("boolean",)

    def schema(self, param: QgsProcessingParameterBoolean) -> JsonSchema:
        """True or false."""
        return {"type": "boolean"}

    def to_qgis(
        self, param: QgsProcessingParameterBoolean, value: JsonValue, job: Workspace
    ) -> bool:
        """As it is."""
        if isinstance(value, bool):
            return value
        raise Unusable(f"must be true or false, not {shown(value)}")

    def default(self, param: QgsProcessingParameterBoolean) -> JsonValue:
        """QGIS may write it as a text or a number."""
        found = param.defaultValue()
        if isinstance(found, str):
            return found.strip().lower() in ("true", "1", "yes")
        return bool(found) if isinstance(found, bool | int | float) else None


class Number(LiteralConverter[QgsProcessingParameterNumber]):
    """A number within bounds, whole or not; the unit stands in the metadata where there is one."""

    types = ("number", "distance", "area", "volume", "scale", "duration")

    def schema(self, param: QgsProcessingParameterNumber) -> JsonSchema:
        """With QGIS's bounds, where there are any."""
        whole = self._whole(param)
        limit = NO_WHOLE_BOUND if whole else NO_BOUND
        made: JsonSchema = {"type": "integer" if whole else "number"}
        for keyword, bound in (("minimum", param.minimum()), ("maximum", param.maximum())):
            if math.isfinite(bound) and abs(bound) < limit:
                made[keyword] = int(bound) if whole else bound
        return made

    def to_qgis(
        self, param: QgsProcessingParameterNumber, value: JsonValue, job: Workspace
    ) -> float:
        """As it is, within the bounds."""
        found = expect_whole(value) if self._whole(param) else expect_number(value)
        if not param.minimum() <= found <= param.maximum():
            raise Unusable(
                f"must lie between {param.minimum():g} and {param.maximum():g}, not {value}"
            )
        return found

    def default(self, param: QgsProcessingParameterNumber) -> JsonValue:
        """Only what is a number within the bounds: QGIS has one that is not."""
        found = param.defaultValue()
        try:
            value = float(found)
        except (TypeError, ValueError):
            return None
        if not param.minimum() <= value <= param.maximum():
            return None
        return int(value) if self._whole(param) else value

    def notes(self, param: QgsProcessingParameterNumber) -> Mapping[str, str]:
        """The unit: fixed, or that of a layer or CRS."""
        parent = getattr(param, "parentParameterName", str)()
        if parent:
            return {"unit": f"{_UNITS[param.type()]} of the CRS of {parent}", "parent": parent}
        found = getattr(param, "defaultUnit", None)
        named = QgsUnitTypes.toString(found()) if found else ""
        return {"unit": named} if named and not named.startswith("<") else {}

    def _whole(self, param: QgsProcessingParameterNumber) -> bool:
        return number(param.dataType()) == 0


class Range(LiteralConverter[QgsProcessingParameterRange]):
    """Two numbers, the smaller one first."""

    types = ("range",)

    def schema(self, param: QgsProcessingParameterRange) -> JsonSchema:
        """An array of two."""
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}

    def to_qgis(
        self, param: QgsProcessingParameterRange, value: JsonValue, job: Workspace
    ) -> list[float]:
        """As it is."""
        numbers = [expect_number(each) for each in expect_list(value)]
        if len(numbers) != 2 or numbers[0] > numbers[1]:
            raise Unusable(f"must be two numbers, the smaller one first, not {shown(value)}")
        return numbers


class Text(LiteralConverter[QgsProcessingParameterString]):
    """A text; one that is evaluated or becomes an argument of a tool is checked first."""

    types = ("string", "raster_calc_expression")

    def schema(self, param: QgsProcessingParameterString) -> JsonSchema:
        """Any text."""
        return {"type": "string"}

    def to_qgis(self, param: QgsProcessingParameterString, value: JsonValue, job: Workspace) -> str:
        """As it is."""
        return expect_text(value)

    def default(self, param: QgsProcessingParameterString) -> JsonValue:
        """Only what is a text."""
        found = param.defaultValue()
        return found if isinstance(found, str) else None


class Expression(LiteralConverter[QgsProcessingParameterExpression]):
    """An expression of QGIS, without functions that reach files or the environment."""

    types = ("expression",)

    def schema(self, param: QgsProcessingParameterExpression) -> JsonSchema:
        """A text; whether it is an expression is seen by QGIS."""
        return {"type": "string", "format": "qgis-expression"}

    def to_qgis(
        self, param: QgsProcessingParameterExpression, value: JsonValue, job: Workspace
    ) -> str:
        """As it is, once it is known to be harmless; QGIS's raster syntax is not its own."""
        text = expect_text(value)
        if not text and flag(param, OPTIONAL):
            return text
        kind = getattr(param, "expressionType", None)
        wrong = None if kind is not None and number(kind()) else wrong_expression(text)
        if wrong:
            raise Unusable(wrong)
        return text

    def default(self, param: QgsProcessingParameterExpression) -> JsonValue:
        """Only what is a text."""
        found = param.defaultValue()
        return found if isinstance(found, str) and found else None

    def notes(self, param: QgsProcessingParameterExpression) -> Mapping[str, str]:
        """The layer whose fields it names."""
        parent = param.parentLayerParameterName()
        return {"parent": parent} if parent else {}


class Sql(LiteralConverter[QgsProcessingParameterDefinition]):
    """One SELECT over the input layers, which are called input1, input2, …"""

    types = ("execute_sql",)

    def schema(self, param: QgsProcessingParameterDefinition) -> JsonSchema:
        """A text."""
        return {"type": "string"}

    def to_qgis(
        self, param: QgsProcessingParameterDefinition, value: JsonValue, job: Workspace
    ) -> str:
        """As it is, once it is known to be one SELECT."""
        text = expect_text(value)
        if wrong := wrong_sql(text):
            raise Unusable(wrong)
        return text


def labels(param: QgsProcessingParameterEnum) -> list[str]:
    """The options as they are published: the first of equal ones keeps its text."""
    seen: dict[str, int] = {}
    made = []
    for option in param.options():
        seen[option] = seen.get(option, 0) + 1
        made.append(option if seen[option] == 1 else f"{option} ({seen[option]})")
    return made


class Enum(LiteralConverter[QgsProcessingParameterEnum]):
    """The text of one of the options, or its number; an array of them where several may be chosen."""

    types = ("enum",)

    def schema(self, param: QgsProcessingParameterEnum) -> JsonSchema:
        """One of the texts, or an array of them."""
        options = labels(param)
        item: JsonSchema = {"type": "string", "enum": options} if options else {"type": "string"}
        if not param.allowMultiple():
            return item
        return {"type": "array", "items": item, "uniqueItems": True}

    def notes(self, param: QgsProcessingParameterEnum) -> Mapping[str, str]:
        """Numbers are the same in every version of QGIS and in every language; texts may change."""
        told = "an option may be given by its number, counted from 0, too"
        return {NUMBERED: told} if param.options() else {}

    def to_qgis(self, param: QgsProcessingParameterEnum, value: JsonValue, job: Workspace) -> Any:
        """QGIS's number of the option; its text where QGIS wants that."""
        if param.allowMultiple():
            several = value if isinstance(value, list) else [value]
            return [self._one(param, each) for each in several]
        return self._one(param, value)

    def _one(self, param: QgsProcessingParameterEnum, value: JsonValue) -> Any:
        options = labels(param)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(options):
            index = value
        else:
            index = choice(value, {label: at for at, label in enumerate(options)})
        return param.options()[index] if param.usesStaticStrings() else index

    def default(self, param: QgsProcessingParameterEnum) -> JsonValue:
        """As texts, of whatever QGIS has: a number, a text, a list of them."""
        found = param.defaultValue()
        if found is None or found == "":
            return None
        if param.allowMultiple():
            several = found if isinstance(found, list) else [found]
            return [label for each in several if (label := self._label(param, each)) is not None]
        return self._label(param, found[0] if isinstance(found, list) and found else found)

    def _label(self, param: QgsProcessingParameterEnum, value: Any) -> str | None:
        options = labels(param)
        if isinstance(value, str) and value in options:
            return value
        try:
            return options[int(value)]
        except (TypeError, ValueError, IndexError):
            return None


_OPAQUE = r"^#[0-9A-Fa-f]{6}$"
_COLOR = r"^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$"


class Color(LiteralConverter[QgsProcessingParameterColor]):
    """A colour as #rrggbb, or #rrggbbaa with its opacity where it may have one."""

    types = ("color",)

    def schema(self, param: QgsProcessingParameterColor) -> JsonSchema:
        """As in CSS."""
        return {"type": "string", "pattern": _COLOR if param.opacityEnabled() else _OPAQUE}

    def to_qgis(
        self, param: QgsProcessingParameterColor, value: JsonValue, job: Workspace
    ) -> QColor:
        """As QGIS's own."""
        found = color_of(value)
        if not param.opacityEnabled() and len(str(value)) > len("#rrggbb"):
            raise Unusable(f"must be #rrggbb, without an opacity, not {shown(value)}")
        return found

    def default(self, param: QgsProcessingParameterColor) -> JsonValue:
        """With its opacity where it has one."""
        found = param.defaultValue()
        found = QColor(found) if isinstance(found, str) else found
        if not isinstance(found, QColor) or not found.isValid():
            return None
        opaque = found.alpha() == 255 or not param.opacityEnabled()
        opacity = "" if opaque else f"{found.alpha():02x}"
        return f"{found.name()}{opacity}"


def color_of(value: JsonValue) -> QColor:
    """The colour that #rrggbb or #rrggbbaa says."""
    text = expect_text(value)
    if not re.fullmatch(_COLOR, text):
        raise Unusable(f"must be #rrggbb or #rrggbbaa, not {shown(value)}")
    red, green, blue, alpha = (int(f"{text[1:]:f<8}"[at : at + 2], 16) for at in (0, 2, 4, 6))
    return QColor(red, green, blue, alpha)


class Matrix(LiteralConverter[QgsProcessingParameterMatrix]):
    """A table: all its cells, row by row, in one array; or an array for each row."""

    types = ("matrix",)

    def schema(self, param: QgsProcessingParameterMatrix) -> JsonSchema:
        """Cells are numbers or texts."""
        cell: JsonSchema = {"oneOf": [{"type": "number"}, {"type": "string"}]}
        columns = len(param.headers())
        row: JsonSchema = {"type": "array", "items": cell}
        if columns:
            row = {**row, "minItems": columns, "maxItems": columns}
        return {"type": "array", "items": {"oneOf": [*cell["oneOf"], row]}}

    def to_qgis(
        self, param: QgsProcessingParameterMatrix, value: JsonValue, job: Workspace
    ) -> list[JsonValue]:
        """In one list."""
        cells: list[JsonValue] = []
        for each in expect_list(value):
            cells.extend(each if isinstance(each, list) else [each])
        odd = [cell for cell in cells if not isinstance(cell, str | int | float)]
        if odd:
            raise Unusable(f"must have numbers or texts as its cells, not {shown(odd[0])}")
        columns = len(param.headers())
        if columns and len(cells) % columns:
            raise Unusable(f"has {len(cells)} cells, which is no multiple of {columns} columns")
        return cells

    def notes(self, param: QgsProcessingParameterMatrix) -> Mapping[str, str]:
        """What the columns are."""
        return {"columns": ", ".join(param.headers())} if param.headers() else {}


class ReliefColors(LiteralConverter[QgsProcessingParameterDefinition]):
    """Classes of elevation, as objects with minimum, maximum and color."""

    types = ("relief_colors",)

    def schema(self, param: QgsProcessingParameterDefinition) -> JsonSchema:
        """An object for each class."""
        properties = {
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "color": {"type": "string", "pattern": _COLOR},
        }
        item = {"type": "object", "required": [*properties], "properties": properties}
        return {"type": "array", "items": item}

    def to_qgis(
        self, param: QgsProcessingParameterDefinition, value: JsonValue, job: Workspace
    ) -> str:
        """As the algorithm's own text."""
        return ";".join(self._class(expect_object(each)) for each in expect_list(value))

    def _class(self, each: Mapping[str, JsonValue]) -> str:
        low, high = expect_number(each.get("minimum")), expect_number(each.get("maximum"))
        color = color_of(each.get("color"))
        return f"{low}, {high}, {color.red()}, {color.green()}, {color.blue()}"
