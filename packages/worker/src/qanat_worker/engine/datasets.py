"""Calls of GDAL that may fail: with the same manners in every version."""

from collections.abc import Callable
from typing import Any


def tried(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a call of GDAL gives; None where it fails. The Processing of QGIS 3.40 has it raise."""
    try:
        return call(*args, **options)
    except RuntimeError:
        return None
