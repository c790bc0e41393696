"""Types that take several layers, each with settings of its own beside it."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from qgis.core import QgsMapLayer, QgsProcessingParameterDefinition, QgsVectorLayer, QgsWkbTypes

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import Inline, Named
from qanat_worker.engine.parameters.base import (
    Converter,
    Occurs,
    Values,
    choice,
    expect_object,
    expect_text,
    expect_whole,
    rejected,
)
from qanat_worker.engine.parameters.layers import open_one
from qanat_worker.engine.sources import RASTER, VECTOR, Kind
from qanat_worker.engine.values import Given, Unusable, shown
from qanat_worker.engine.workspace import Workspace

Param = QgsProcessingParameterDefinition
Settings = Mapping[str, JsonValue]


class LayerSet(Converter[Param]):
    """Several layers: each alone, or as an object whose member `layer` it is, bare or qualified.

    `settings` are the schemas of that object's other members.
    """

    files = True
    kind: Kind = VECTOR
    settings: Mapping[str, JsonSchema] = {}

    def schema(self, param: Param) -> JsonSchema:
        """Of one of them."""
        plain = self.kind.schema()
        alternatives = plain.get("oneOf", [plain])
        if not self.settings:
            return plain
        within = {"layer": {"oneOf": [{"type": "object"}, {"type": "string"}]}, **self.settings}
        whole = {
            "type": "object",
            "title": "Layer with settings",
            "required": ["layer"],
            "properties": within,
        }
        return {"oneOf": [*alternatives, whole]}

    def occurs(self, param: Param) -> Occurs:
        """Any number."""
        return "unbounded"

    def notes(self, param: Param) -> Mapping[str, str]:
        """Of what kind they are."""
        return {"layers": self.kind.names}

    def convert(self, param: Param, given: Values, job: Workspace) -> Any:
        """What QGIS wants of them all."""
        several = given if isinstance(given, list) else [given]
        items: list[Any] = []
        for at, each in enumerate(several):
            try:
                layer, settings = _taken_apart(each, job)
                _check_members(settings, self.settings)
                items.extend(
                    self.item(opened, settings, job)
                    for opened in open_one(param, layer, self.kind, job, at)
                )
            except Unusable as error:
                raise rejected(param.name(), str(error), at) from error
        return self.joined(items)

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> Any:
        """What QGIS wants of one of them."""
        return layer.id()

    def joined(self, items: list[Any]) -> Any:
        """What QGIS wants of them all."""
        return items


def _check_members(given: Settings, known: Settings) -> None:
    """A word that is written wrong would change what is computed, and say nothing."""
    names = ["layer", *known]
    odd = [name for name in given if name not in names]
    if odd:
        raise Unusable(
            f"has a member {shown(odd[0])} beside its layer, which has: {', '.join(known)}"
        )


def _taken_apart(given: Given, job: Workspace) -> tuple[Given, Settings]:
    if not isinstance(given, Inline):
        return given, {}
    value = given.value
    if not isinstance(value, dict) or "layer" not in value:
        return given, {}
    inner = expect_object(value)
    layer = inner["layer"]
    if job.published and isinstance(layer, str) and layer in job.named:
        return Named(name=layer), inner
    if isinstance(layer, dict) and "value" in layer:
        return _qualified(layer, given.title), inner
    encoding = "base64" if isinstance(layer, str) else None
    return Inline(value=layer, encoding=encoding, title=given.title), inner


def _qualified(layer: Mapping[str, JsonValue], title: str | None) -> Inline:
    """A layer with its media type and encoding beside it, as they stand anywhere else."""
    named = {name: expect_text(layer[name]) for name in ("mediaType", "encoding") if name in layer}
    return Inline(
        value=layer["value"],
        media_type=named.get("mediaType"),
        encoding="base64" if named.get("encoding", "").lower() == "base64" else None,
        title=title,
    )


def _field_index(layer: QgsMapLayer, settings: Settings) -> int:
    """The number of the field that `field` names; -1 when it names none."""
    if settings.get("field") is None or not isinstance(layer, QgsVectorLayer):
        return -1
    name = expect_text(settings["field"])
    index = layer.fields().lookupField(name)
    if index < 0:
        raise Unusable(f"has no field {shown(name)}; it has: {', '.join(layer.fields().names())}")
    return index


_FIELD: JsonSchema = {"type": "string", "title": "Field with the value; else Z of the geometry"}
_LINES = {"points": 0, "structure lines": 1, "break lines": 2}


class Interpolation(LayerSet):
    """Layers whose values are interpolated: of a field, or the Z of the geometries."""

    types = ("idw_interpolation_data",)
    settings = {  # noqa: RUF012 - of the class, and never changed
        "field": _FIELD,
        "type": {"type": "string", "enum": [*_LINES], "default": "points"},
    }

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> str:
        """The algorithm's own text."""
        index = _field_index(layer, settings)
        has_z = isinstance(layer, QgsVectorLayer) and QgsWkbTypes.hasZ(layer.wkbType())
        if index < 0 and not has_z:
            raise Unusable('has no Z: give {"layer": …, "field": NAME}')
        kind = choice(settings.get("type", "points"), _LINES)
        return f"{layer.id()}::~::{int(index < 0)}::~::{index}::~::{kind}"

    def joined(self, items: list[Any]) -> str:
        """Its own separators."""
        return "::|::".join(items)


_TIN = {"vertices": 0, "break lines": 1}


class TinInput(LayerSet):
    """Layers from which a triangulated mesh is made."""

    types = ("tininputlayers",)
    settings = {  # noqa: RUF012 - of the class, and never changed
        "field": _FIELD,
        "type": {"type": "string", "enum": [*_TIN], "default": "vertices"},
    }

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> dict[str, Any]:
        """In QGIS's words."""
        return {
            "source": layer.id(),
            "type": choice(settings.get("type", "vertices"), _TIN),
            "attributeIndex": _field_index(layer, settings),
        }


class TileLayers(LayerSet):
    """Layers of vector tiles."""

    types = ("vectortilewriterlayers",)
    settings = {  # noqa: RUF012 - of the class, and never changed
        "name": {"type": "string", "title": "Name of the layer in the tiles"},
        "minZoom": {"type": "integer", "minimum": 0},
        "maxZoom": {"type": "integer", "minimum": 0},
    }

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> dict[str, Any]:
        """In QGIS's words."""
        made: dict[str, Any] = {"layer": layer.id()}
        if "name" in settings:
            made["layerName"] = expect_text(settings["name"])
            # What QGIS writes of the tiles beside them has the layer's own name.
            layer.setName(made["layerName"])
        for name in ("minZoom", "maxZoom"):
            if name in settings:
                made[name] = expect_whole(settings[name])
        return made


class DxfLayers(LayerSet):
    """Layers of a drawing; `field` has the name of the drawing's layer of each feature."""

    types = ("dxflayers",)
    settings = {"field": {"type": "string"}}  # noqa: RUF012 - of the class, and never changed

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> dict[str, Any]:
        """In QGIS's words."""
        return {"layer": layer.id(), "attributeIndex": _field_index(layer, settings)}


class AlignRasters(LayerSet):
    """Rasters that are brought onto one grid."""

    types = ("alignrasterlayers",)
    kind = RASTER

    def item(self, layer: QgsMapLayer, settings: Settings, job: Workspace) -> dict[str, Any]:
        """In QGIS's words; the results go to the folder of the outputs."""
        return {
            "inputFile": layer.id(),
            "outputFile": str(job.outputs / f"{layer.name()}.tif"),
            "resampleMethod": 0,
            "rescale": False,
        }
