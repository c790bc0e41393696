"""The fields that take a table or a colour; pure."""

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import JsonValue

from qanat_api.fields import Field, Filled, Unreadable, roles, value_text
from qanat_api.readings import NUMBER, number_of
from qanat_common.ogc import InputDescription


class Matrix:
    """A table: a row on each line, its cells between commas, semicolons or tabs."""

    macro: ClassVar[str] = "matrix"

    def fits(self, about: InputDescription) -> bool:
        """By QGIS's type."""
        return not about.repeated and roles(about).get("type") == "matrix"

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default, of all cells in one array or of an array for each row."""
        default = shown.default if isinstance(shown.default, list) else []
        rows = list(_rows(default, len(columns(shown)) or 1))
        lines = [", ".join(value_text(cell) for cell in row) for row in rows]
        return {shown.key: ["\n".join(lines)]} if lines else {}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """An array for each row. Raises Unreadable where a row has more or fewer cells than columns."""
        wanted = len(columns(shown))
        table: list[JsonValue] = []
        for number, line in enumerate(filled.text(shown.key).split("\n"), 1):
            cells = [_cell(text.strip()) for text in re.split(r"[,;\t]", line)]
            if not line.strip():
                continue
            if wanted and len(cells) != wanted:
                raise Unreadable(f"has {len(cells)} cells in line {number}, not {wanted}")
            table.append(cells)
        return table or None


def columns(shown: Field) -> list[str]:
    """What the columns are called; none where nobody says."""
    told = shown.roles.get("columns")
    return told.split(", ") if told else []


def _rows(cells: Sequence[JsonValue], width: int) -> Sequence[Sequence[JsonValue]]:
    if cells and isinstance(cells[0], list):
        return [each if isinstance(each, list) else [each] for each in cells]
    return [cells[at : at + width] for at in range(0, len(cells), width)]


def _cell(text: str) -> JsonValue:
    return number_of({}, text) if NUMBER.fullmatch(text) else text


class Colour:
    """A colour as #rrggbb: a text, beside which a script puts what a browser has to choose one."""

    macro: ClassVar[str] = "colour"

    def fits(self, about: InputDescription) -> bool:
        """By QGIS's type."""
        return about.schema_.get("type") == "string" and roles(about).get("type") == "color"

    def initial(self, shown: Field) -> dict[str, list[str]]:
        """The default."""
        return {} if shown.default is None else {shown.key: [value_text(shown.default)]}

    def read(self, shown: Field, filled: Filled) -> JsonValue:
        """As it was written."""
        return filled.text(shown.key).strip() or None
