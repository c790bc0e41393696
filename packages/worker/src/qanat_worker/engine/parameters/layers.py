"""Types that take layers: each is opened by the worker, and given to QGIS by its id."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from qgis.core import (
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMeshLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorLayer,
    QgsVectorLayer,
)

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import InvalidGeometries, OfLayer
from qanat_worker.engine import formats
from qanat_worker.engine.numbers import number
from qanat_worker.engine.parameters.base import (
    Converter,
    Occurs,
    P,
    Values,
    rejected,
)
from qanat_worker.engine.sources import (
    ANY,
    CLOUD,
    MESH,
    OF_ALL_KINDS,
    RASTER,
    VECTOR,
    Kind,
    file_of,
    layers_of,
)
from qanat_worker.engine.values import Given, Unusable
from qanat_worker.engine.workspace import Workspace

GEOMETRIES = {0: "points", 1: "lines", 2: "polygons"}
"""QGIS's number of a data type → the geometries that a layer must have; others have no say here."""

_KINDS = {3: RASTER, 6: MESH, 8: CLOUD, -2: ANY}
"""QGIS's number of a data type → kind of layers; all others are vector layers."""

ANY_GEOMETRY = -1
"""QGIS's number of the data type of vector layers that have geometries."""

FILES = 4


NO_CHECK = "takes no invalidGeometries: QGIS does not check the geometries of this input"

_CHECKS = {
    "stop": QgsFeatureRequest.GeometryAbortOnInvalid,
    "skip": QgsFeatureRequest.GeometrySkipInvalid,
    "keep": QgsFeatureRequest.GeometryNoCheck,
}
"""What becomes of features with invalid geometries → QGIS's check."""

OF_FILES = ("gdal:ogrinfo*",)
"""Patterns of ids of algorithms that look at a file, whatever number of layers it has."""


def _is_of_files(param: QgsProcessingParameterDefinition) -> bool:
    algorithm = param.algorithm()
    return algorithm is not None and any(fnmatchcase(algorithm.id(), each) for each in OF_FILES)


def invalid_geometries(given: Given) -> InvalidGeometries | None:
    """What a client wants to become of features with invalid geometries; None as the job has it."""
    return given.invalid_geometries if isinstance(given, OfLayer) else None


def kind_of(data_type: int) -> Kind:
    """The kind of layers that a data type of QGIS stands for."""
    return _KINDS.get(data_type, VECTOR)


def kind_of_any(data_types: Iterable[int]) -> Kind:
    """The kind of layers that one of several data types stands for; all kinds when there is none."""
    kinds = {kind_of(data_type) for data_type in data_types}
    if len(kinds) == 1:
        return kinds.pop()
    return ANY if kinds and kinds <= {VECTOR, RASTER} else OF_ALL_KINDS


def open_one(
    param: QgsProcessingParameterDefinition,
    given: Given,
    kind: Kind,
    job: Workspace,
    at: int | None = None,
) -> list[QgsMapLayer]:
    """The layers of one value: several when it is a container of several."""
    name = param.name() if at is None else f"{param.name()}_{at + 1}"
    before = len(job.layers.get(param.name(), []))
    try:
        layers_of(given, kind, name, param.name(), job)
    except Unusable as error:
        raise rejected(param.name(), str(error), at) from error
    return job.layers[param.name()][before:]


def _file(param: QgsProcessingParameterDefinition, given: Given, job: Workspace, at: int) -> str:
    """The path of one of several files that are no layers."""
    try:
        return str(file_of(given, ".txt", f"{param.name()}_{at}", job))
    except Unusable as error:
        raise rejected(param.name(), str(error), at) from error


class LayerConverter(Converter[P]):
    """One layer."""

    files = True

    def kind(self, param: P) -> Kind:
        """What kind it must be."""
        return VECTOR

    def data_types(self, param: P) -> list[int]:
        """What it must hold, in QGIS's numbers."""
        found = getattr(param, "dataTypes", None)
        return [number(each) for each in found()] if found else []

    def schema(self, param: P) -> JsonSchema:
        """All formats of the kind."""
        return self.kind(param).schema()

    def convert(self, param: P, given: Values, job: Workspace) -> Any:
        """The id of the layer."""
        if isinstance(given, list):
            raise rejected(param.name(), "must be one layer, not several")
        layers = open_one(param, given, self.kind(param), job)
        if len(layers) > 1 and not _is_of_files(param):
            names = ", ".join(layer.name() for layer in layers)
            told = f"holds several layers, one is needed, which `layer` may name: {names}"
            raise rejected(param.name(), told)
        self._check_geometry(param, layers[0])
        return self.handed(param, layers[0], invalid_geometries(given))

    def handed(
        self, param: P, layer: QgsMapLayer, invalid: InvalidGeometries | None
    ) -> str | QgsProcessingFeatureSourceDefinition:
        """The id of a layer as QGIS takes it."""
        if invalid is not None:
            raise rejected(param.name(), NO_CHECK)
        return layer.id()

    def _check_geometry(self, param: P, layer: QgsMapLayer) -> None:
        wanted = self.data_types(param)
        if (
            not wanted
            or not set(wanted) <= set(GEOMETRIES)
            or not isinstance(layer, QgsVectorLayer)
        ):
            return
        has = number(layer.geometryType())
        if has in GEOMETRIES and has not in wanted:
            needed = " or ".join(GEOMETRIES[each] for each in wanted)
            raise rejected(param.name(), f"must hold {needed}; it holds {GEOMETRIES[has]}")

    def notes(self, param: P) -> Mapping[str, str]:
        """Of what kind it is, and the geometries that it must have."""
        wanted = self.data_types(param)
        named = [GEOMETRIES[each] for each in wanted if each in GEOMETRIES]
        if wanted == [ANY_GEOMETRY]:
            named = ["any geometry"]
        kinds = {"layers": self.kind(param).names}
        return kinds | ({"geometry": ", ".join(named)} if named else {})


class Vector(LayerConverter[QgsProcessingParameterVectorLayer]):
    """A vector layer, or a table without geometries."""

    types = ("vector",)


class Source(LayerConverter[QgsProcessingParameterFeatureSource]):
    """A vector layer, or a table without geometries; `invalidGeometries` beside it may say skip or keep."""

    types = ("source",)

    def handed(
        self,
        param: QgsProcessingParameterFeatureSource,
        layer: QgsMapLayer,
        invalid: InvalidGeometries | None,
    ) -> str | QgsProcessingFeatureSourceDefinition:
        """With the check that is asked for in place of the job's, which stops."""
        if invalid is None:
            return layer.id()
        return QgsProcessingFeatureSourceDefinition(
            layer.id(),
            flags=QgsProcessingFeatureSourceDefinition.FlagOverrideDefaultGeometryCheck,
            geometryCheck=_CHECKS[invalid],
        )


class Raster(LayerConverter[QgsProcessingParameterRasterLayer]):
    """A raster layer."""

    types = ("raster",)

    def kind(self, param: QgsProcessingParameterRasterLayer) -> Kind:
        """Raster."""
        return RASTER

    def data_types(self, param: QgsProcessingParameterRasterLayer) -> list[int]:
        """Nothing more."""
        return []


class Mesh(LayerConverter[QgsProcessingParameterMeshLayer]):
    """A mesh layer."""

    types = ("mesh",)

    def kind(self, param: QgsProcessingParameterMeshLayer) -> Kind:
        """Mesh."""
        return MESH

    def data_types(self, param: QgsProcessingParameterMeshLayer) -> list[int]:
        """Nothing more."""
        return []


class PointCloud(LayerConverter[QgsProcessingParameterDefinition]):
    """A point cloud layer: Entwine's form in a zip, or COPC where QGIS reads it (3.26 and newer)."""

    types = ("pointcloud",)

    def kind(self, param: QgsProcessingParameterDefinition) -> Kind:
        """Point cloud."""
        return CLOUD

    def data_types(self, param: QgsProcessingParameterDefinition) -> list[int]:
        """Nothing more."""
        return []


class MapLayer(LayerConverter[QgsProcessingParameterMapLayer]):
    """A layer of any kind, or of those that the parameter lists."""

    types = ("layer",)

    def kind(self, param: QgsProcessingParameterMapLayer) -> Kind:
        """That of its data types."""
        return kind_of_any(self.data_types(param))


class MultipleLayers(Converter[QgsProcessingParameterMultipleLayers]):
    """Several layers of a kind, or several files. A container of several layers gives them all."""

    types = ("multilayer",)
    files = True

    def schema(self, param: QgsProcessingParameterMultipleLayers) -> JsonSchema:
        """Of one of them."""
        if number(param.layerType()) == FILES:
            able = [formats.file_schema(each) for each in ("text/plain", formats.BYTES)]
            return {"oneOf": able}
        return kind_of(number(param.layerType())).schema()

    def occurs(self, param: QgsProcessingParameterMultipleLayers) -> Occurs:
        """Any number."""
        return "unbounded"

    def least(self, param: QgsProcessingParameterMultipleLayers) -> int:
        """QGIS has 0 where it needs one."""
        return max(1, param.minimumNumberInputs())

    def convert(
        self, param: QgsProcessingParameterMultipleLayers, given: Values, job: Workspace
    ) -> list[str]:
        """Ids of the layers, or paths of the worker's own files."""
        several = given if isinstance(given, list) else [given]
        if number(param.layerType()) == FILES:
            return [_file(param, each, job, at) for at, each in enumerate(several)]
        if any(invalid_geometries(each) is not None for each in several):
            raise rejected(param.name(), NO_CHECK)
        kind = kind_of(number(param.layerType()))
        return [
            layer.id()
            for at, each in enumerate(several)
            for layer in open_one(param, each, kind, job, at)
        ]

    def notes(self, param: QgsProcessingParameterMultipleLayers) -> Mapping[str, str]:
        """Of what kind they are, and the geometries that they must have."""
        kind = number(param.layerType())
        if kind == FILES:
            return {}
        named = "any geometry" if kind == ANY_GEOMETRY else GEOMETRIES.get(kind)
        return {"layers": kind_of(kind).names} | ({"geometry": named} if named else {})
