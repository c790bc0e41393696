"""The other table: a destination of an algorithm → its schema, and how its file is handed back.

A destination of QGIS's is no input here: the worker names the place, and hands back the file.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsProcessingDestinationParameter,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from qanat_common.errors import AlgorithmFailed
from qanat_common.ogc import CRS84, JsonSchema
from qanat_worker.engine import archives, crs, export, formats
from qanat_worker.engine.datasets import offered
from qanat_worker.engine.feedback import scrubbed, without_logins
from qanat_worker.engine.formats import Format
from qanat_worker.engine.parameters.base import P
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Produced, ProducedFile

CRS_RULE = (
    "GeoJSON is in CRS84 (longitude, latitude): a result in another CRS is reprojected. The other"
    " formats keep the CRS of the result, which the header Content-Crs says too."
)

SCRUBBED_BYTES = 16 << 20
"""Texts up to this size are freed of the server's paths."""

TELL_PATHS = ("native:mergevectorlayers", "native:importphotos", "gdal:tileindex")
"""Algorithms that write into fields of texts where their inputs lie."""


HEAD = 4096
_CRS_MEMBER = re.compile(rb'"crs"\s*:\s*\{')
"""What stands before the features of GeoJSON that names its CRS."""

_NO_CRS = re.compile(r"^(?!.*\bcrs=[^&])")
"""The source of a layer in memory that was made without a CRS: QGIS 3.22 takes it to be in EPSG:4326."""

HARMLESS = "too many attributes"
"""What a layer in memory says of values beyond its fields: the feature is taken without them."""


class Destination(ABC, Generic[P]):
    """A type of destination parameters: where the result goes, and what becomes of it."""

    types: ClassVar[tuple[str, ...]]
    note: ClassVar[str | None] = None

    @abstractmethod
    def formats(self, param: P) -> Sequence[Format]:
        """In what formats the result can be had; the first is given unasked."""

    @abstractmethod
    def place(self, param: P, form: Format, job: Workspace) -> str:
        """Where QGIS writes it."""

    @abstractmethod
    def produce(self, param: P, form: Format, result: Any, job: Workspace) -> Produced:
        """The file that a client gets, of what QGIS says it has made."""

    def schema(self, param: P) -> JsonSchema:
        """All formats."""
        return formats.one_of(self.formats(param))


def file_name(param: Any) -> str:
    """The name of an output as a part of a file name."""
    return re.sub(r"[^\w.-]", "_", param.name())


def _produced(path: Path, param: Any, form: Format, system: str | None = None) -> ProducedFile:
    if not path.is_file():
        raise AlgorithmFailed(f"{param.name()}: the algorithm ended without making its file")
    name = f"{file_name(param)}{form.suffix}"
    return ProducedFile(path=str(path), name=name, media_type=form.media_type, crs=system)


class Vector(
    Destination[QgsProcessingParameterFeatureSink | QgsProcessingParameterVectorDestination]
):
    """A vector layer: made in memory where the algorithm can, else as GeoJSON; then exported."""

    types = ("sink", "vectorDestination")
    note = CRS_RULE

    def formats(
        self, param: QgsProcessingParameterFeatureSink | QgsProcessingParameterVectorDestination
    ) -> Sequence[Format]:
        """Any that vector layers can be written in."""
        return offered(formats.VECTOR_OUTPUTS)

    def place(
        self,
        param: QgsProcessingParameterFeatureSink | QgsProcessingParameterVectorDestination,
        form: Format,
        job: Workspace,
    ) -> str:
        """In memory a field may have any name, and a geometry any type (trap T2)."""
        if param.type() == "sink" and param.supportsNonFileBasedOutput():
            return "memory:"
        return str(job.outputs / f"{file_name(param)}.made.geojson")

    def produce(
        self,
        param: QgsProcessingParameterFeatureSink | QgsProcessingParameterVectorDestination,
        form: Format,
        result: Any,
        job: Workspace,
    ) -> Produced:
        """As the format asked for."""
        layer = self._layer(str(result), job)
        if layer is None or not layer.isValid():
            raise AlgorithmFailed(f"{param.name()}: the algorithm made no layer that can be read")
        _check_whole(layer, param.name())
        layer = _without_paths(layer, param, job)
        path = export.vector(layer, form, job.outputs, file_name(param))
        return _produced(path, param, form, _crs_of(layer, form))

    def _layer(self, made: str, job: Workspace) -> QgsVectorLayer | None:
        path = Path(made)
        if path.is_absolute():
            return _of_tool(path)
        found = QgsProcessingUtils.mapLayerFromString(made, job.context, False)
        if not isinstance(found, QgsVectorLayer):
            return None
        if found.providerType() == "memory" and _NO_CRS.search(found.source()):
            found.setCrs(QgsCoordinateReferenceSystem())
        return found


def _of_tool(path: Path) -> QgsVectorLayer | None:
    """GeoJSON as a tool of GDAL or GRASS makes it: it names the CRS, even CRS84, unless there is none."""
    if not path.is_file():
        return None
    layer = QgsVectorLayer(str(path), path.stem, "ogr")
    with path.open("rb") as opened:
        if not _CRS_MEMBER.search(opened.read(HEAD)):
            layer.setCrs(QgsCoordinateReferenceSystem())
    return layer


def _crs_of(layer: QgsVectorLayer, form: Format) -> str | None:
    """The CRS of a layer's coordinates in a format: GML alone has the axis order of the CRS."""
    if not layer.isSpatial():
        return None
    if form is formats.GEOJSON:
        return CRS84 if layer.crs().isValid() else None
    return crs.uri_of(layer.crs(), x_first=form is not formats.GML)


def _check_whole(layer: QgsVectorLayer, name: str) -> None:
    """A layer in memory refuses what does not fit it, and some algorithms do not look whether it did."""
    rows = layer.dataProvider()
    lost = [] if rows is None else [each for each in rows.errors() if HARMLESS not in each]
    if lost:
        raise AlgorithmFailed(f"{name}: the result is not whole: {scrubbed(lost[0])}")


def _without_paths(layer: QgsVectorLayer, param: Any, job: Workspace) -> QgsVectorLayer:
    """The layer with names where an algorithm has written where its inputs lie.

    Those of files are as in a client's zip, if in one.
    """
    algorithm = param.algorithm()
    if algorithm is None or algorithm.id() not in TELL_PATHS:
        return layer
    # The fields of a file's layer may be read-only.
    made = layer if layer.providerType() == "memory" else layer.materialize(QgsFeatureRequest())
    rows = made.dataProvider() if made else None
    if made is None or rows is None:
        raise AlgorithmFailed(f"{param.name()}: the result does not fit into memory")
    fields = made.fields().toList()
    texts = [at for at, each in enumerate(fields) if each.type() == QVariant.String]
    folders = re.compile(f"({'|'.join(map(re.escape, job.hidden))})(inputs/\\d+(/|$))?")
    changes: dict[int, dict[int, str]] = {}
    for row in made.getFeatures():
        told = {at: row.attribute(at) for at in texts}
        changes[row.id()] = {
            at: job.addresses.get(text) or folders.sub("", text, count=1)
            for at, text in told.items()
            if isinstance(text, str) and (text in job.addresses or folders.match(text))
        }
    rows.changeAttributeValues(changes)
    return made


class Raster(Destination[QgsProcessingParameterRasterDestination]):
    """A raster layer: made as .tif, whatever that holds then (trap T1)."""

    types = ("rasterDestination",)

    def formats(self, param: QgsProcessingParameterRasterDestination) -> Sequence[Format]:
        """Any that rasters can be written in."""
        return offered(formats.RASTER_OUTPUTS)

    def place(
        self, param: QgsProcessingParameterRasterDestination, form: Format, job: Workspace
    ) -> str:
        """A file."""
        return str(job.outputs / f"{file_name(param)}.tif")

    def produce(
        self,
        param: QgsProcessingParameterRasterDestination,
        form: Format,
        result: Any,
        job: Workspace,
    ) -> Produced:
        """As the format asked for."""
        source = Path(self.place(param, form, job))
        if not source.is_file():
            raise AlgorithmFailed(f"{param.name()}: the algorithm ended without making its file")
        system = crs.uri_of(export.crs_of_raster(source), x_first=True)
        path = export.raster(source, form, job.outputs, file_name(param))
        return _produced(path, param, form, system)


class File(Destination[QgsProcessingParameterFileDestination]):
    """A file that is no layer; its format is chosen by its suffix."""

    types = ("fileDestination", "vectorTileDestination")

    def formats(self, param: QgsProcessingParameterFileDestination) -> Sequence[Format]:
        """Those of its filter that have a media type, its default first."""
        return file_formats(
            param.defaultFileExtension(),
            param.fileFilter() if param.type() == "fileDestination" else "",
        )

    def place(
        self, param: QgsProcessingParameterFileDestination, form: Format, job: Workspace
    ) -> str:
        """With the suffix that says the format."""
        return str(job.outputs / f"{file_name(param)}{form.suffix}")

    def produce(
        self,
        param: QgsProcessingParameterFileDestination,
        form: Format,
        result: Any,
        job: Workspace,
    ) -> Produced:
        """As it is, without paths of the server where it is a text."""
        path = _made_at(Path(self.place(param, form, job)))
        if formats.is_text(formats.media_type_of(path.suffix)):
            _scrub(path, job)
        return _produced(path, param, _form_of(path, form))


def _made_at(path: Path) -> Path:
    """Where a file lies; some algorithms put a suffix of their own behind the name."""
    return path if path.exists() else next(iter(path.parent.glob(f"{path.name}.*")), path)


def _form_of(path: Path, form: Format) -> Format:
    """What a file is of which QGIS did not say more than that it is one."""
    if form.media_type != formats.BYTES or path.suffix.lower() == form.suffix:
        return form
    return Format(form.title, formats.media_type_of(path.suffix), path.suffix, ())


def _scrub(path: Path, job: Workspace) -> None:
    """Take places of the server out of a text file: folders of the job and of its project's layers, databases."""
    if not path.is_file() or path.stat().st_size > SCRUBBED_BYTES:
        return
    content = path.read_bytes()
    clean = content
    for folder in job.hidden:
        clean = re.sub(re.escape(folder).encode() + rb"(\w+/)*", b"", clean)
    if job.addresses:
        clean = without_logins(clean.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )
    if clean != content:
        path.write_bytes(clean)


_SUFFIX = re.compile(r"\*\.([A-Za-z0-9]+)")


@cache
def file_formats(default: str, file_filter: str) -> tuple[Format, ...]:
    """The formats of a file's suffixes; the default's always, others that have a media type."""
    others = [suffix.lower() for suffix in _SUFFIX.findall(file_filter)]
    suffixes = dict.fromkeys([default, *(each for each in others if each in formats.MEDIA_TYPES)])
    made: dict[str, Format] = {}
    for suffix in suffixes:
        media_type = formats.media_type_of(suffix)
        text = formats.is_text(media_type)
        form = Format(suffix.upper(), media_type, f".{suffix}", (), binary=not text)
        made.setdefault(media_type, form)
    return tuple(made.values())


_ZIP = Format("Zip", "application/zip", ".zip", ())


class Folder(Destination[QgsProcessingParameterFolderDestination]):
    """A folder: handed back as one zip."""

    types = ("folderDestination",)

    def formats(self, param: QgsProcessingParameterFolderDestination) -> Sequence[Format]:
        """Zip."""
        return (_ZIP,)

    def place(
        self, param: QgsProcessingParameterFolderDestination, form: Format, job: Workspace
    ) -> str:
        """An empty folder."""
        folder = job.outputs / file_name(param)
        folder.mkdir(exist_ok=True)
        return str(folder)

    def produce(
        self,
        param: QgsProcessingParameterFolderDestination,
        form: Format,
        result: Any,
        job: Workspace,
    ) -> Produced:
        """All that lies in it."""
        folder = Path(self.place(param, form, job))
        if not any(folder.rglob("*")):
            raise AlgorithmFailed(f"{param.name()}: the algorithm ended without making a file")
        path = folder.with_suffix(".zip")
        archives.pack(folder, path)
        return _produced(path, param, form)


DESTINATIONS: Mapping[str, Destination[Any]] = {
    name: destination
    for destination in (Vector(), Raster(), File(), Folder())
    for name in destination.types
}
"""QGIS's name of a destination parameter's type → how it is made and handed back."""


def destinations_of(params: Sequence[Any]) -> dict[str, QgsProcessingDestinationParameter]:
    """Name → destination, of an algorithm's parameters."""
    return {param.name(): param for param in params if param.isDestination()}
