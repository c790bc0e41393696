"""Types of times: dates, times of the day, and both."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from pydantic import JsonValue
from qgis.core import QgsProcessingParameterDateTime
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

from qanat_common.ogc import JsonSchema
from qanat_worker.engine.numbers import number
from qanat_worker.engine.parameters.base import LiteralConverter, expect_text
from qanat_worker.engine.values import Unusable, shown
from qanat_worker.engine.workspace import Workspace

_READERS = ((datetime, QDateTime), (date, QDate), (time, QTime))
"""By QGIS's number of the type of a time: who reads ISO 8601, and what QGIS wants."""


class DateTime(LiteralConverter[QgsProcessingParameterDateTime]):
    """A date, a time, or both, by ISO 8601; a date and time may have a zone, and needs none."""

    types = ("datetime",)

    def schema(self, param: QgsProcessingParameterDateTime) -> JsonSchema:
        """A date has its format; RFC 3339's of a date and time would ask for a zone."""
        told = ("A date and time by ISO 8601", "A date", "A time by ISO 8601")
        kind = number(param.dataType())
        made = {"type": "string", "description": told[kind]}
        return made | {"format": "date"} if kind == 1 else made

    def to_qgis(
        self, param: QgsProcessingParameterDateTime, value: JsonValue, job: Workspace
    ) -> Any:
        """As QGIS's own, within the bounds."""
        text = expect_text(value)
        ours, theirs = _READERS[number(param.dataType())]
        try:
            ours.fromisoformat(text)
        except ValueError as error:
            raise Unusable(f"must be a {ours.__name__} by ISO 8601, not {shown(value)}") from error
        found = theirs.fromString(text, Qt.DateFormat.ISODate)
        bounds = self.notes(param)
        least, most = self._bounds(param)
        if (least and found < least) or (most and found > most):
            told = ", ".join(f"{role} {bound}" for role, bound in bounds.items())
            raise Unusable(f"must lie within its bounds ({told}), not {text}")
        return found

    def default(self, param: QgsProcessingParameterDateTime) -> JsonValue:
        """By ISO 8601, of a time or a text."""
        found = param.defaultValue()
        if isinstance(found, QDateTime | QDate | QTime) and found.isValid():
            return str(found.toString(Qt.DateFormat.ISODate))
        return found if isinstance(found, str) and found else None

    def notes(self, param: QgsProcessingParameterDateTime) -> Mapping[str, str]:
        """The earliest and the latest."""
        named = zip(("minimum", "maximum"), self._bounds(param), strict=True)
        return {role: bound.toString(Qt.DateFormat.ISODate) for role, bound in named if bound}

    def _bounds(self, param: QgsProcessingParameterDateTime) -> tuple[Any, Any]:
        kind = number(param.dataType())
        whole = (param.minimum(), param.maximum())
        able = [bound if bound.isValid() else None for bound in whole]
        least, most = (_part(bound, kind) if bound else None for bound in able)
        return least, most


def _part(bound: QDateTime, kind: int) -> Any:
    return (bound, bound.date(), bound.time())[kind]
