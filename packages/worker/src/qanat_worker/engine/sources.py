"""From a value or file of a client to a layer: what it is, is decided by its content.

A client's text never becomes a data source: it is written to a file of the job's own, GDAL opens
that with the drivers of one format, and QGIS gets the layer.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import JsonValue
from qgis.core import QgsMapLayer

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import Inline, LocalFile, Named
from qanat_worker.engine import archives, contents, formats, geojson, opening
from qanat_worker.engine.datasets import offered
from qanat_worker.engine.formats import Format
from qanat_worker.engine.signs import identify
from qanat_worker.engine.values import Given, Unusable, content_of
from qanat_worker.engine.workspace import Workspace


@dataclass(frozen=True)
class Kind:
    """A kind of layers: how it may be given by value, and which layers of projects are of it."""

    name: str
    inputs: tuple[Format, ...]
    layers: tuple[str, ...]

    @property
    def offered(self) -> tuple[Format, ...]:
        """Those that GDAL of this machine can read."""
        return offered(self.inputs)

    @property
    def names(self) -> str:
        """The kinds of layers of a project that it is, by their names."""
        return ", ".join(self.layers)

    @property
    def within_zip(self) -> tuple[Format, ...]:
        """What a zip may hold: some formats come in no other way."""
        inner = formats.WITHIN_ZIP if formats.GEOPACKAGE in self.inputs else ()
        return (*inner, *self.offered)

    def schema(self) -> JsonSchema:
        """How a client gives it."""
        return formats.one_of(self.offered)


VECTOR = Kind("vector layer", formats.VECTOR_INPUTS, ("vector",))
RASTER = Kind("raster layer", formats.RASTER_INPUTS, ("raster",))
MESH = Kind("mesh layer", formats.MESH_INPUTS, ("mesh",))
CLOUD = Kind("point cloud layer", formats.CLOUD_INPUTS, ("pointcloud",))
ANY = Kind(
    "layer",
    tuple(dict.fromkeys(formats.VECTOR_INPUTS + formats.RASTER_INPUTS)),
    ("vector", "raster"),
)
OF_ALL_KINDS = Kind(
    "layer",
    (*ANY.inputs, formats.MESH_2DM, formats.EPT, formats.COPC),
    ("vector", "raster", "mesh", "pointcloud"),
)

_NAMES_FILES = (".aux.xml",)
"""How files end that GDAL reads beside a raster, and that may name other files of the server."""


def layers_of(given: Given, kind: Kind, name: str, parameter: str, job: Workspace) -> None:
    """Open a value, and make its layers part of the job under the parameter's name."""
    if isinstance(given, Named):
        job.add(parameter, [_of_project(given.name, kind, job)])
        return
    file = _as_file(given, kind, name, job)
    found = job.known(file.key)
    if found is None:
        opening.check_pixels(file.path, file.form, file.layer, job.raster_pixels)
        found = opening.layers_in(file.path, file.form, file.title, file.layer)
    job.add(parameter, found, file.key)


def _of_project(name: str, kind: Kind, job: Workspace) -> QgsMapLayer:
    """A layer of the project; those that are private were not offered, and are not given."""
    fitting = {
        called: layer
        for called, layer in job.named.items()
        if contents.KINDS.get(type(layer)) in kind.layers
        and contents.why_not_offered(layer, job.project) is None
    }
    layer = fitting.get(name) if job.published else None
    if layer is None:
        raise Unusable(
            f"names no {kind.name} of the project: {name!r}; it has: {', '.join(fitting) or 'none'}"
        )
    if not layer.isValid():
        raise Unusable(f"is the layer {name!r} of the project, which cannot be opened here now")
    return layer


def file_of(given: Given, suffix: str, name: str, job: Workspace) -> Path:
    """A file that is no layer, with a suffix that QGIS expects."""
    if isinstance(given, Named):
        raise Unusable(f"takes no layer of the project, such as {given.name!r}")
    if isinstance(given, LocalFile):
        return _linked(Path(given.path), job.path(Path(given.path).stem, suffix))
    path = job.path(name, suffix)
    path.write_bytes(content_of(given))
    return path


@dataclass(frozen=True)
class _File:
    """A file of the job's own: `key` is its content's, `title` what its layer is called.

    `layer` is the name, within the file, of the one that is wanted; None takes all that it has.
    """

    key: object
    path: Path
    form: Format
    title: str
    layer: str | None = None


def _as_file(given: Inline | LocalFile, kind: Kind, name: str, job: Workspace) -> _File:
    if isinstance(given, Inline) and isinstance(given.value, dict):
        return _geojson_file(given, given.value, kind, name, job)
    said = given.title or given.layer
    if isinstance(given, LocalFile):
        source = Path(given.path)
        title = said or given.name or source.stem or name
        key: object = ("file", str(source), given.title, given.layer)
    else:
        content = content_of(given)
        source, title = job.path(name, ".bin"), said or name
        key = ("inline", content, given.title, given.layer)
        source.write_bytes(content)
    form = identify(source, given.media_type, kind.offered)
    if form is None:
        known = ", ".join(each.title for each in kind.offered)
        raise Unusable(f"is no {kind.name} in a format that is read here: {known}")
    if form in formats.ZIPS:
        path, form, inner = _unpacked(source, kind, given.layer, job)
        return _File(key, path, form, said or path.stem, inner)
    return _File(key, _linked(source, job.path(title, form.suffix)), form, title, given.layer)


def _geojson_file(
    given: Inline, value: dict[str, JsonValue], kind: Kind, name: str, job: Workspace
) -> _File:
    if formats.GEOJSON not in kind.inputs:
        raise Unusable(f"is an object; a {kind.name} is a text or a file")
    collection = geojson.collection_of(value)
    content = orjson.dumps(collection)
    own = collection.get("name")
    called = given.title or (own if isinstance(own, str) and own else name)
    path = job.path(called, ".geojson")
    path.write_bytes(content)
    return _File(("geojson", content, given.title), path, formats.GEOJSON, called)


def _linked(source: Path, target: Path) -> Path:
    """The same file under a name of our own, without a copy where that can be."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        target.write_bytes(source.read_bytes())
    return target


def _unpacked(
    archive: Path, kind: Kind, layer: str | None, job: Workspace
) -> tuple[Path, Format, str | None]:
    """The one layer's file within a zip, or the one that is called `layer`; what is wanted within it."""
    try:
        files = archives.unpack(archive, job.path("zip", "").parent)
    except archives.BadArchive as error:
        raise Unusable(f"is a zip, but {error}") from error
    for path in files:
        if path.name.lower().endswith(_NAMES_FILES):
            path.unlink()
    found = _layers_files(files)
    if layer is not None and len(found) > 1:
        named = [path for path in found if path.stem == layer]
        if not named:
            had = ", ".join(path.stem for path in found)
            raise Unusable(f"is a zip without a layer {layer!r}; it has: {had}")
        found, layer = named, None
    able = formats.of_suffix(found[0].name, kind.within_zip) if len(found) == 1 else ()
    if not able:
        raise Unusable(
            f"is a zip with {len(found)} layers' files; one {kind.name} is needed, which `layer`"
            " may name where there are several"
        )
    path = found[0]
    signless = (*formats.WITHIN_ZIP, formats.EPT)
    form = able[0] if able[0] in signless else identify(path, able[0].media_type, able)
    if form is None:
        raise Unusable(f"is a zip whose {path.name!r} is no {able[0].title}")
    return path, form, layer


def _layers_files(files: Sequence[Path]) -> Sequence[Path]:
    """The files of a zip that are a layer's; a point cloud is one, of many files."""
    clouds = [path for path in files if path.name == formats.EPT_NAME]
    layers = (path for path in files if formats.of_suffix(path.name, formats.IN_ZIP))
    return clouds or [path for path in layers if not path.name.startswith(".")]
