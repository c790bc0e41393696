"""Numbers that QGIS and Qt have for things, whatever enums their versions make of them."""

from typing import Any


def number(enum: Any) -> int:
    """The number of an enum or flag, whatever the version of QGIS made of it."""
    return int(getattr(enum, "value", enum))


FIELD_TYPES = {
    "text": 10,
    "integer": 2,
    "bigint": 4,
    "real": 6,
    "boolean": 1,
    "date": 14,
    "time": 15,
    "datetime": 16,
    "binary": 12,
}
"""Name → the type of a field by Qt's number, which Qt 5 and 6 have alike."""
