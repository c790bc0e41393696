"""What belongs to one job: its folders, its project and context, and the layers of its inputs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsReferencedRectangle,
)

from qanat_worker.engine import contents
from qanat_worker.engine.policy import RASTER_PIXELS

DEFAULT_CRS = "EPSG:4326"
"""The CRS of a job without a project, whose inputs have none."""


class Workspace:
    """One job's place to work. Its project is the one of the process: many algorithms use that."""

    def __init__(
        self,
        folder: Path,
        feedback: QgsProcessingFeedback,
        published: QgsProject | None = None,
        raster_pixels: int = RASTER_PIXELS,
    ) -> None:
        """Make the folders, and an empty project where none is `published`: that ends what was there.

        `raster_pixels` is how many pixels a raster may have that a client gives.
        """
        self.raster_pixels = raster_pixels
        self.folder = folder
        self.inputs = folder / "inputs"
        self.outputs = folder / "outputs"
        for made in (self.inputs, self.outputs):
            made.mkdir(exist_ok=True)
        self.published = published is not None
        self.project = published or empty_project()
        self.named = contents.named(self.project)
        self.hidden = [f"{folder}/", *sorted(_folders(self.named.values()), key=len, reverse=True)]
        self.addresses = _addresses(self.named)
        self.context = QgsProcessingContext()
        self.context.setProject(self.project)
        self.context.setFeedback(feedback)
        self.context.setInvalidGeometryCheck(QgsFeatureRequest.GeometryAbortOnInvalid)
        self.layers: dict[str, list[QgsMapLayer]] = {}
        self._known: dict[object, list[QgsMapLayer]] = {}
        self._count = 0

    def settle(self, values: Iterable[Any]) -> None:
        """Give the project its CRS, ellipsoid and units, once the inputs are known.

        Those of a published project are its own. Else it is as a new one of QGIS Desktop: the CRS is
        that of the first layer, else of the first box; the ellipsoid is the one of that CRS.
        """
        if not self.published:
            layers = [layer for several in self.layers.values() for layer in several]
            boxes = [each for each in values if isinstance(each, QgsReferencedRectangle)]
            # Layers that all lack a CRS are measured as they are.
            found = [each.crs() for each in layers or boxes] or [
                QgsCoordinateReferenceSystem(DEFAULT_CRS)
            ]
            crs = next((each for each in found if each.isValid()), QgsCoordinateReferenceSystem())
            self.project.setCrs(crs)
            self.project.setEllipsoid(crs.ellipsoidAcronym() or "NONE")
        # Variables of the project, and none of the server's or its user's.
        variables = QgsExpressionContext()
        variables.appendScope(QgsExpressionContextUtils.projectScope(self.project))
        self.context.setExpressionContext(variables)
        self.context.setProject(self.project)
        self.context.setEllipsoid(self.project.ellipsoid())
        self.context.setDistanceUnit(self.project.distanceUnits())
        self.context.setAreaUnit(self.project.areaUnits())

    def path(self, stem: str, suffix: str) -> Path:
        """A path for a file of an input, in a folder of its own: nothing lies beside it.

        Some algorithms go by the file's name: a name that ends with the suffix has it once.
        """
        self._count += 1
        place = self.inputs / str(self._count)
        place.mkdir()
        safe = "".join(char if char.isalnum() or char in "-_." else "_" for char in stem)[:100]
        # A tool of QGIS's takes the word layername anywhere in an address for the start of a name.
        safe = safe.removesuffix(suffix).replace("layername", "layer")
        return place / f"{safe.lstrip('-.') or 'layer'}{suffix}"

    def known(self, key: object) -> list[QgsMapLayer] | None:
        """The layers of content that was given before: equal inputs are one layer."""
        return self._known.get(key)

    def add(self, parameter: str, layers: list[QgsMapLayer], key: object = None) -> None:
        """Make layers of a parameter's value part of the project."""
        if key is not None:
            self._known[key] = layers
        for layer in layers:
            if self.project.mapLayer(layer.id()) is None:
                self.project.addMapLayer(layer, False)
        self.layers.setdefault(parameter, []).extend(layers)


def empty_project() -> QgsProject:
    """The project of the process, as a new one. One that is new already is left: to clear takes a millisecond."""
    project = QgsProject.instance()
    assert project is not None  # noqa: S101 - QGIS has started
    if project.isDirty() or project.count() or project.fileName():
        project.clear()
        project.setDirty(False)
    return project


def _folders(layers: Iterable[QgsMapLayer]) -> set[str]:
    """The folders of files of the server that layers are read from."""
    return {f"{path.parent}/" for layer in layers if (path := contents.file_of(layer))}


def _addresses(named: Mapping[str, QgsMapLayer]) -> dict[str, str]:
    """Address of a layer that lies in no file of the server, as QGIS may write it → its name."""
    return {
        text: called
        for called, layer in named.items()
        if contents.file_of(layer) is None
        for text in (layer.source(), layer.publicSource())
        if text
    }
