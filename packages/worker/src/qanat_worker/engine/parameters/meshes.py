"""Types that name something within a mesh: groups of datasets, and a time of them."""

from datetime import datetime
from typing import Any

from pydantic import JsonValue
from qgis.core import (
    QgsProcessingParameterMeshDatasetGroups,
    QgsProcessingParameterMeshDatasetTime,
)
from qgis.PyQt.QtCore import QDateTime, Qt

from qanat_common.ogc import JsonSchema
from qanat_worker.engine.parameters.base import (
    LiteralConverter,
    expect_list,
    expect_text,
    expect_whole,
)
from qanat_worker.engine.sources import Unusable
from qanat_worker.engine.workspace import Workspace


class DatasetGroups(LiteralConverter[QgsProcessingParameterMeshDatasetGroups]):
    """Groups of datasets by their numbers, counted from 0."""

    types = ("meshdatasetgroups",)

    def schema(self, param: QgsProcessingParameterMeshDatasetGroups) -> JsonSchema:
        """Whole numbers; the first is the elevation of the mesh."""
        return {"type": "array", "items": {"type": "integer", "minimum": 0}, "uniqueItems": True}

    def to_qgis(
        self, param: QgsProcessingParameterMeshDatasetGroups, value: JsonValue, job: Workspace
    ) -> list[int]:
        """As they are."""
        return [expect_whole(each) for each in expect_list(value)]

    def default(self, param: QgsProcessingParameterMeshDatasetGroups) -> JsonValue:
        """The first group: QGIS's own default is the choice of a person."""
        return [0]


class DatasetTime(LiteralConverter[QgsProcessingParameterMeshDatasetTime]):
    """A time of the datasets by ISO 8601, or the word static."""

    types = ("meshdatasettime",)

    def schema(self, param: QgsProcessingParameterMeshDatasetTime) -> JsonSchema:
        """The word `static`, or a time."""
        return {"type": "string", "description": "static, or a date and time by ISO 8601"}

    def to_qgis(
        self, param: QgsProcessingParameterMeshDatasetTime, value: JsonValue, job: Workspace
    ) -> dict[str, Any]:
        """In QGIS's words."""
        text = expect_text(value)
        if text == "static":
            return {"type": "static"}
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise Unusable(f"must be static or a date and time, not {value!r}") from error
        moment = QDateTime.fromString(text, Qt.DateFormat.ISODate)
        return {"type": "defined-date-time", "value": moment}

    def default(self, param: QgsProcessingParameterMeshDatasetTime) -> JsonValue:
        """Most meshes have no times."""
        return "static"
