"""Types that name something within a layer: fields, bands, and definitions of new fields."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from pydantic import JsonValue
from qgis.core import (
    Qgis,
    QgsPointCloudLayer,
    QgsProcessingParameterBand,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterField,
    QgsRasterLayer,
    QgsVectorLayer,
)

from qanat_common.ogc import JsonSchema
from qanat_worker.engine.expressions import wrong_expression
from qanat_worker.engine.numbers import FIELD_TYPES, number
from qanat_worker.engine.parameters.base import (
    LiteralConverter,
    choice,
    expect_list,
    expect_object,
    expect_text,
    expect_whole,
    split,
)
from qanat_worker.engine.values import SHOWN, Unusable, shown
from qanat_worker.engine.workspace import Workspace

_KINDS = {0: "number", 1: "text", 2: "date or time", 3: "binary", 4: "boolean"}

_LIST, _TEXTS = 9, 11
LIST_TYPES = {
    "text-list": (_TEXTS, FIELD_TYPES["text"]),
    "integer-list": (_LIST, FIELD_TYPES["integer"]),
    "bigint-list": (_LIST, FIELD_TYPES["bigint"]),
    "real-list": (_LIST, FIELD_TYPES["real"]),
}
"""Name → the type of a field of lists, and of what is in them; QGIS 3.22 makes no such fields."""

_MAKES_LISTS = Qgis.versionInt() >= 3_40_00
_OFFERED_TYPES = {
    **{name: {"type": kind} for name, kind in FIELD_TYPES.items()},
    **{
        name: {"type": kind, "sub_type": inner}
        for name, (kind, inner) in LIST_TYPES.items()
        if _MAKES_LISTS
    },
}


PASSED_OVER = (("*:deletecolumn", "COLUMN"), ("native:retainfields", "FIELDS"))
"""(Pattern of ids, name) of parameters whose algorithms pass over fields that the layer lacks, with a warning."""


def _may_lack(param: QgsProcessingParameterField) -> bool:
    algorithm = param.algorithm()
    return algorithm is not None and any(
        param.name() == name and fnmatchcase(algorithm.id(), ids) for ids, name in PASSED_OVER
    )


class Field(LiteralConverter[QgsProcessingParameterField]):
    """The name of a field of a layer; an array of them where several may be given."""

    types = ("field",)

    def schema(self, param: QgsProcessingParameterField) -> JsonSchema:
        """Names."""
        if not param.allowMultiple():
            return {"type": "string"}
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

    def to_qgis(self, param: QgsProcessingParameterField, value: JsonValue, job: Workspace) -> Any:
        """The names, once it is known that the layer has them."""
        several = value if isinstance(value, list) else [value]
        names = [expect_text(each) for each in several]
        self._check(param, names, job)
        if param.allowMultiple():
            return names
        if len(names) != 1:
            raise Unusable(f"must be one field, not {len(names)}")
        return names[0]

    def _check(self, param: QgsProcessingParameterField, names: list[str], job: Workspace) -> None:
        if _may_lack(param):
            return
        for layer in job.layers.get(param.parentLayerParameterName(), [])[:1]:
            known = layer.fields().names() if isinstance(layer, QgsVectorLayer) else names
            missing = [name for name in names if name not in known]
            if missing:
                had = ", ".join(known) or "none"
                raise Unusable(
                    f"names no field of {param.parentLayerParameterName()}:"
                    f" {', '.join(missing)[:SHOWN]}; it has: {had}"
                )

    def default(self, param: QgsProcessingParameterField) -> JsonValue:
        """Only what is a name, or names."""
        found = param.defaultValue()
        if isinstance(found, str) and found:
            return list[JsonValue](split(found)) if param.allowMultiple() else found
        return found if isinstance(found, list) and found and param.allowMultiple() else None

    def notes(self, param: QgsProcessingParameterField) -> Mapping[str, str]:
        """The layer that has it, and of what type it is."""
        made = {"parent": param.parentLayerParameterName()}
        kind = _KINDS.get(number(param.dataType()))
        return made | {"field-type": kind} if kind else made


class Band(LiteralConverter[QgsProcessingParameterBand]):
    """The number of a band of a raster, counted from 1; an array where several may be given."""

    types = ("band",)

    def schema(self, param: QgsProcessingParameterBand) -> JsonSchema:
        """Whole numbers."""
        item: JsonSchema = {"type": "integer", "minimum": 1}
        return {"type": "array", "items": item} if param.allowMultiple() else item

    def to_qgis(self, param: QgsProcessingParameterBand, value: JsonValue, job: Workspace) -> Any:
        """The numbers, once it is known that the raster has them."""
        several = value if isinstance(value, list) else [value]
        bands = [expect_whole(each) for each in several]
        if any(band < 1 for band in bands):
            raise Unusable(f"must be counted from 1, not {min(bands)}")
        for layer in job.layers.get(param.parentLayerParameterName(), [])[:1]:
            count = layer.bandCount() if isinstance(layer, QgsRasterLayer) else max(bands)
            wrong = [band for band in bands if band > count]
            if wrong:
                raise Unusable(f"must lie between 1 and {count}, not {wrong[0]}")
        if param.allowMultiple():
            return bands
        if len(bands) != 1:
            raise Unusable(f"must be one band, not {len(bands)}")
        return bands[0]

    def default(self, param: QgsProcessingParameterBand) -> JsonValue:
        """Only what is a number."""
        found = param.defaultValue()
        if param.allowMultiple():
            return found if isinstance(found, list) and found else None
        return found if isinstance(found, int) else None

    def notes(self, param: QgsProcessingParameterBand) -> Mapping[str, str]:
        """The layer that has it."""
        return {"parent": param.parentLayerParameterName()}


class CloudAttribute(LiteralConverter[QgsProcessingParameterDefinition]):
    """The name of an attribute of a point cloud; an array of them where several may be given."""

    types = ("attribute",)

    def schema(self, param: QgsProcessingParameterDefinition) -> JsonSchema:
        """Names."""
        if not param.toVariantMap().get("allow_multiple"):
            return {"type": "string"}
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

    def to_qgis(
        self, param: QgsProcessingParameterDefinition, value: JsonValue, job: Workspace
    ) -> Any:
        """The names, once it is known that the point cloud has them."""
        names = [expect_text(each) for each in (value if isinstance(value, list) else [value])]
        several = bool(param.toVariantMap().get("allow_multiple"))
        if not several and len(names) != 1:
            raise Unusable(f"must be one attribute, not {len(names)}")
        for layer in job.layers.get(self._parent(param), [])[:1]:
            if not isinstance(layer, QgsPointCloudLayer):
                continue
            known = [each.name() for each in layer.attributes().attributes()]
            missing = [name for name in names if name not in known]
            if missing:
                raise Unusable(
                    f"names no attribute: {', '.join(missing)[:SHOWN]}; there are: {', '.join(known)}"
                )
        return names if several else names[0]

    def notes(self, param: QgsProcessingParameterDefinition) -> Mapping[str, str]:
        """The layer that has it."""
        return {"parent": self._parent(param)}

    def _parent(self, param: QgsProcessingParameterDefinition) -> str:
        return str(param.toVariantMap().get("parent_layer") or "")


_FIELD_PROPERTIES: dict[str, JsonSchema] = {
    "name": {"type": "string"},
    "type": {"type": "string", "enum": [*_OFFERED_TYPES]},
    "length": {"type": "integer", "minimum": 0, "default": 0},
    "precision": {"type": "integer", "minimum": 0, "default": 0},
}


def _new_field(each: Mapping[str, JsonValue]) -> dict[str, Any]:
    return {
        "name": expect_text(each.get("name")),
        **choice(each.get("type"), _OFFERED_TYPES),
        "length": expect_whole(each.get("length", 0)),
        "precision": expect_whole(each.get("precision", 0)),
    }


def _harmless(value: JsonValue, *, or_none: bool = False) -> str:
    """An expression; `or_none` takes an empty text, which makes a field of nulls."""
    text = expect_text(value)
    if not text and or_none:
        return text
    if wrong := wrong_expression(text):
        raise Unusable(f"expression {shown(text)} {wrong}")
    return text


class FieldsMapping(LiteralConverter[QgsProcessingParameterDefinition]):
    """The fields of the result, as objects with name, type and the expression that makes it."""

    types = ("fields_mapping",)

    def schema(self, param: QgsProcessingParameterDefinition) -> JsonSchema:
        """An object for each field."""
        expression = {"type": "string", "format": "qgis-expression"}
        item = {
            "type": "object",
            "required": ["name", "type", "expression"],
            "properties": {**_FIELD_PROPERTIES, "expression": expression},
        }
        return {"type": "array", "items": item}

    def to_qgis(
        self, param: QgsProcessingParameterDefinition, value: JsonValue, job: Workspace
    ) -> list[dict[str, Any]]:
        """In QGIS's words."""
        fields = [expect_object(each) for each in expect_list(value)]
        return [
            {**_new_field(each), "expression": _harmless(each.get("expression"), or_none=True)}
            for each in fields
        ]


_AGGREGATES = [
    "first_value",
    "last_value",
    "count",
    "count_distinct",
    "count_missing",
    "sum",
    "mean",
    "median",
    "stdev",
    "minimum",
    "maximum",
    "range",
    "q1",
    "q3",
    "iqr",
    "minority",
    "majority",
    "min_length",
    "max_length",
    "concatenate",
    "concatenate_unique",
    "array_agg",
]


class Aggregates(LiteralConverter[QgsProcessingParameterDefinition]):
    """The fields of the result, as objects with name, type, the expression and its aggregate."""

    types = ("aggregates",)

    def schema(self, param: QgsProcessingParameterDefinition) -> JsonSchema:
        """An object for each field."""
        properties = {
            **_FIELD_PROPERTIES,
            "input": {"type": "string", "format": "qgis-expression"},
            "aggregate": {"type": "string", "enum": _AGGREGATES},
            "delimiter": {"type": "string", "default": ","},
        }
        required = ["name", "type", "input", "aggregate"]
        item = {"type": "object", "required": required, "properties": properties}
        return {"type": "array", "items": item}

    def to_qgis(
        self, param: QgsProcessingParameterDefinition, value: JsonValue, job: Workspace
    ) -> list[dict[str, Any]]:
        """In QGIS's words."""
        return [
            {
                **_new_field(each),
                "input": _harmless(each.get("input")),
                "aggregate": choice(each.get("aggregate"), {name: name for name in _AGGREGATES}),
                "delimiter": expect_text(each.get("delimiter", ",")),
            }
            for each in map(expect_object, expect_list(value))
        ]
