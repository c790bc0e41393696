"""A case as QGIS's own runner runs it: in this process, from file to file."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from tests.e2e.qgis_suite import places
from tests.e2e.qgis_suite.cases import Case
from tests.e2e.qgis_suite.verdict import JobFailed

FILE_RESULTS = ("vector", "table", "file", "regex")


class LastWords(QgsProcessingFeedback):
    """Keeps what an algorithm says of its failure."""

    def __init__(self) -> None:
        super().__init__(False)
        self.errors: list[str] = []

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N802, N803 - QGIS's names
        self.errors.append(error)


class Baseline:
    """Runs one case; its project is the one of the process."""

    def __init__(self, data: Path, folder: Path) -> None:
        """`data`: the suite's; `folder`: this case's own."""
        self._data = data
        self._folder = folder
        self._layers: dict[str, QgsMapLayer] = {}
        self._in_place: dict[str, str] = {}
        self.context = QgsProcessingContext()

    def run(self, case: Case) -> dict[str, Any]:
        """The results, as the algorithm gives them."""
        self._prepare(case)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(case.algorithm)
        if algorithm is None:
            raise JobFailed(f"QGIS has no algorithm {case.algorithm}")
        values = {name: self._value(param, name) for name, param in named(case, algorithm).items()}
        # The context takes the ellipsoid of the project as it is now, with its layers.
        self.context.setProject(QgsProject.instance())
        if case.ellipsoid:
            self.context.setEllipsoid(case.ellipsoid)
        for name, expected in case.results.items():
            if not expected.get("in_place_result"):
                values[name] = str(self._destination(name, expected))
        fits, why = algorithm.checkParameterValues(values, self.context)
        if not fits:
            raise JobFailed(f"checkParameterValues: {why}")
        feedback = LastWords()
        results, fine = algorithm.run(values, self.context, feedback)
        if not fine:
            raise JobFailed(" ".join(feedback.errors)[-500:] or "no reason")
        return dict(results) | self._in_place

    def _prepare(self, case: Case) -> None:
        project = QgsProject.instance()
        project.clear()
        if case.project and not project.read(str(self._data / case.project)):
            raise JobFailed(f"the project {case.project} cannot be read")
        project.setCrs(QgsCoordinateReferenceSystem(case.project_crs or ""))
        project.setEllipsoid(case.ellipsoid or "")
        if case.skip_invalid:
            checks = getattr(Qgis, "InvalidGeometryCheck", None)
            skip = checks.SkipInvalid if checks else QgsFeatureRequest.GeometrySkipInvalid
            self.context.setInvalidGeometryCheck(skip)

    def _destination(self, name: str, expected: Mapping[str, Any]) -> Path:
        # Names of results may hold a colon, which QGIS takes for the end of a provider's name.
        folder = self._folder / f"out-{name.replace(':', '-')}"
        folder.mkdir()
        if expected["type"] in FILE_RESULTS:
            names = expected["name"]
            first = names if isinstance(names, str) else names[0]
            return folder / Path(first).name
        return folder / "raster.tif" if expected["type"] == "rasterhash" else folder

    def _value(self, param: Any, name: str) -> Any:
        if not isinstance(param, dict):
            return param
        return VALUES[param["type"]](self, param, name)

    def layer(self, param: Mapping[str, Any], name: str) -> str:
        """The id of a layer of the project; a file given twice is one layer."""
        address = places.located(self._data, param.get("uri") or param["name"])
        if param.get("in_place"):
            address = self._in_place[name] = self._copy(Path(address))
        if address not in self._layers:
            opening = places.raster_layer if param["type"] == "raster" else places.vector_layer
            layer = opening(address, param["name"])
            if not layer.isValid():
                raise JobFailed(f"the layer {param['name']} cannot be read")
            QgsProject.instance().addMapLayer(layer)
            self._layers[address] = layer
        return self._layers[address].id()

    def _copy(self, path: Path) -> str:
        for each in path.parent.glob(f"{path.stem}.*"):
            shutil.copy(each, self._folder)
        return str(self._folder / path.name)

    def several(self, param: Mapping[str, Any], name: str) -> list[Any]:
        """A list of values."""
        return [self._value(each, name) for each in param["params"]]

    def file(self, param: Mapping[str, Any], _: str) -> str:
        """A path."""
        return places.located(self._data, param["name"])

    def interpolation(self, param: Mapping[str, Any], _: str) -> str:
        """Layers with settings, as the algorithm writes them in one text."""
        parts = (part.split("::~::") for part in param["name"].split("::|::"))
        return ";".join("::~::".join([str(self._data / p[0]), *p[1:]]) for p in parts)

    def tile_layers(self, param: Mapping[str, Any], _: str) -> list[dict[str, Any]]:
        """Layers with settings."""
        return [{**each, "layer": self._tile_layer(each["layer"])} for each in param["params"]]

    def _tile_layer(self, name: str) -> QgsMapLayer:
        return QgsProject.instance().mapLayer(self.layer({"type": "vector", "name": name}, ""))


VALUES: Mapping[str, Callable[[Baseline, Mapping[str, Any], str], Any]] = {
    "vector": Baseline.layer,
    "table": Baseline.layer,
    "raster": Baseline.layer,
    "multi": Baseline.several,
    "file": Baseline.file,
    "interpolation": Baseline.interpolation,
    "vrtlayers": Baseline.tile_layers,
}


def named(case: Case, algorithm: QgsProcessingAlgorithm) -> dict[str, Any]:
    """The parameters by their names."""
    if isinstance(case.params, dict):
        return case.params
    names = [param.name() for param in algorithm.parameterDefinitions()]
    return dict(zip(names, case.params, strict=False))
