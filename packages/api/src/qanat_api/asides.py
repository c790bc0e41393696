"""What may stand beside a layer's value or address: its name, which one of its file, invalid geometries; pure."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import JsonValue

from qanat_common.errors import Fault
from qanat_common.protocol import InvalidGeometries

NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
"""What a layer may be called."""

CHOICES = get_args(InvalidGeometries)


class Wrong(Exception):
    """A value is wrong: the faults that are told."""

    def __init__(self, *faults: Fault) -> None:
        """At least one fault."""
        super().__init__()
        self.faults = faults


def read(value: Mapping[str, JsonValue], pointer: str) -> dict[str, Any]:
    """The members of an input that stand beside a value or an address, by their names in the message."""
    return {
        "title": _name(value, "title", pointer),
        "layer": _name(value, "layer", pointer),
        "invalid_geometries": _choice(value, "invalidGeometries", pointer),
    }


def _name(value: Mapping[str, JsonValue], member: str, pointer: str) -> str | None:
    found = value.get(member)
    if found is None or (isinstance(found, str) and NAME.fullmatch(found)):
        return found
    raise Wrong(Fault(f"{pointer}/{member}", "is not a text of 1 to 100 characters in one line"))


def _choice(value: Mapping[str, JsonValue], member: str, pointer: str) -> str | None:
    found = value.get(member)
    if found is None or (isinstance(found, str) and found in CHOICES):
        return found
    raise Wrong(Fault(f"{pointer}/{member}", f"{found!r} is not one of: {', '.join(CHOICES)}"))
