"""What belongs to one job: its folders, its project and context, and the layers of its inputs."""

from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)

PROJECT_CRS = "EPSG:4326"
"""The CRS of the empty project in which a job runs: what `ProjectCrs` means to a parameter."""


class Workspace:
    """One job's place to work. Its project is the one of the process: many algorithms use that."""

    def __init__(self, folder: Path, feedback: QgsProcessingFeedback) -> None:
        """Make the folders and an empty project; ends what a job before has left."""
        self.folder = folder
        self.inputs = folder / "inputs"
        self.outputs = folder / "outputs"
        for made in (self.inputs, self.outputs):
            made.mkdir(exist_ok=True)
        self.project = _empty_project()
        self.context = QgsProcessingContext()
        self.context.setProject(self.project)
        self.context.setFeedback(feedback)
        self.context.setInvalidGeometryCheck(QgsFeatureRequest.GeometryAbortOnInvalid)
        self.layers: dict[str, list[QgsMapLayer]] = {}
        self._known: dict[object, list[QgsMapLayer]] = {}
        self._count = 0

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


def _empty_project() -> QgsProject:
    project = QgsProject.instance()
    assert project is not None  # noqa: S101 - QGIS has started
    project.clear()
    project.setCrs(QgsCoordinateReferenceSystem(PROJECT_CRS))
    return project
