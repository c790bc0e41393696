"""Types that name something within a mesh: groups of datasets, and a time of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from qgis.core import (
    QgsMeshDatasetIndex,
    QgsMeshLayer,
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
from qanat_worker.engine.values import SHOWN, Unusable, shown
from qanat_worker.engine.workspace import Workspace


def _name(layer: Any, group: int) -> str:
    return str(layer.datasetGroupMetadata(QgsMeshDatasetIndex(group, 0)).name())


class DatasetGroups(LiteralConverter[QgsProcessingParameterMeshDatasetGroups]):
    """Groups of datasets by their numbers, counted from 0."""

    types = ("meshdatasetgroups",)

    def schema(self, param: QgsProcessingParameterMeshDatasetGroups) -> JsonSchema:
        """Whole numbers; the first is the elevation of the mesh."""
        return {"type": "array", "items": {"type": "integer", "minimum": 0}, "uniqueItems": True}

    def to_qgis(
        self, param: QgsProcessingParameterMeshDatasetGroups, value: JsonValue, job: Workspace
    ) -> list[int]:
        """As they are, once it is known that the mesh has them."""
        groups = [expect_whole(each) for each in expect_list(value)]
        for layer in job.layers.get(param.meshLayerParameterName(), [])[:1]:
            indexes = layer.datasetGroupsIndexes() if isinstance(layer, QgsMeshLayer) else groups
            known = {index: _name(layer, index) for index in indexes}
            missing = [str(group) for group in groups if group not in known]
            if missing:
                had = ", ".join(f"{index} ({name})" for index, name in known.items()) or "none"
                raise Unusable(
                    f"names no dataset group of {param.meshLayerParameterName()}:"
                    f" {', '.join(missing)[:SHOWN]}; it has: {had}"
                )
        return groups

    def notes(self, param: QgsProcessingParameterMeshDatasetGroups) -> Mapping[str, str]:
        """The mesh that has them."""
        return {"parent": param.meshLayerParameterName()}

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
            raise Unusable(f"must be static or a date and time, not {shown(value)}") from error
        moment = QDateTime.fromString(text, Qt.DateFormat.ISODate)
        return {"type": "defined-date-time", "value": moment}

    def notes(self, param: QgsProcessingParameterMeshDatasetTime) -> Mapping[str, str]:
        """The mesh and the dataset groups that have it."""
        return {"parent": f"{param.meshLayerParameterName()}, {param.datasetGroupParameterName()}"}

    def default(self, param: QgsProcessingParameterMeshDatasetTime) -> JsonValue:
        """Most meshes have no times."""
        return "static"
