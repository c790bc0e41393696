"""A file of the job's own, whose format is known, as layers of QGIS."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsMeshLayer,
    QgsPointCloudLayer,
    QgsRasterLayer,
    QgsVectorLayer,
)

from qanat_worker.engine import crs, formats, geojson, styles
from qanat_worker.engine.datasets import skip_again, tried
from qanat_worker.engine.formats import Format
from qanat_worker.engine.values import Unusable

INNER_NAME = "qanat/inner-name"
"""Custom property of a vector layer: its name within its file."""

MESH_DATA = (".dat", ".xmdf")
"""Suffixes of the files of datasets that lie beside a mesh's."""

_CSV_COLUMNS = (
    "|option:AUTODETECT_TYPE=YES|option:X_POSSIBLE_NAMES=x,lon,long,longitude,easting"
    "|option:Y_POSSIBLE_NAMES=y,lat,latitude,northing|option:GEOM_POSSIBLE_NAMES=wkt,geometry,geom"
)
"""Columns of a CSV file from which its geometries are read."""

_WITHOUT_WKT = "|option:KEEP_GEOM_COLUMNS=NO"
"""A column of WKT is no field; those of x and y stay fields, for other inputs may name them."""

_OPTIONS = {formats.CSV: _CSV_COLUMNS, formats.GML: "|option:FORCE_SRS_DETECTION=YES"}
"""Format → what QGIS is told when it opens a file; GML has its CRS at each geometry only."""

_TABLES_OF_QGIS = frozenset({"layer_styles", "qgis_projects"})
"""Tables that QGIS keeps beside layers."""

_LAYERS_OF_GPX = ("waypoints", "routes", "tracks")
"""Every GPX file has them, empty or not, and the points of the latter two once more."""

_LONGITUDES = frozenset({"lon", "long", "longitude"})
_LATITUDES = frozenset({"lat", "latitude"})
_WKT_COLUMNS = frozenset({"wkt", "geometry", "geom"})

_VECTOR_OPTIONS = QgsVectorLayer.LayerOptions(loadDefaultStyle=False)
_RASTER_OPTIONS = QgsRasterLayer.LayerOptions(loadDefaultStyle=False)


def layers_in(path: Path, form: Format, title: str, layer: str | None) -> list[QgsMapLayer]:
    """The layers of a file, or the one that is named `layer` there; `title` is what a single one is called."""
    opened = next(opener for forms, opener in _OPENERS if form in forms)
    found = opened(path, form, title, layer)
    # QGIS opens a rotated raster through a VRT.
    skip_again()
    return found


def check_pixels(path: Path, form: Format, layer: str | None, most: int) -> None:
    """Raise Unusable where a raster is larger than `most`: before QGIS looks at a sample of its pixels."""
    if form not in _RASTERS:
        return
    opened = _dataset(_raster_address(path, form, layer), form, gdal.OF_RASTER)
    width, height = opened.RasterXSize, opened.RasterYSize
    if width * height > most:
        raise Unusable(
            f"is a raster of {width} × {height} pixels; this service takes rasters of at most {most} pixels"
        )


def _raster(path: Path, form: Format, title: str, layer: str | None) -> list[QgsMapLayer]:
    address = _raster_address(path, form, layer)
    return [_checked(QgsRasterLayer(address, title, "gdal", _RASTER_OPTIONS), form)]


def _raster_address(path: Path, form: Format, layer: str | None) -> str:
    """Where a raster is read from: a file, or the one of several in it that is named `layer`."""
    opened = _dataset(path, form, gdal.OF_RASTER)
    parts = {address.rpartition(":")[2]: address for address, _ in opened.GetSubDatasets()}
    if layer is None:
        if not opened.RasterCount and parts:
            raise Unusable(
                f"holds several rasters, of which `layer` may name one: {', '.join(parts)}"
            )
        return str(path)
    return _part(layer, parts, form)


def _part(layer: str, parts: Mapping[str, str], form: Format) -> str:
    """What a named part of a file is read from."""
    if layer not in parts:
        had = ", ".join(parts) or "none that has a name"
        raise Unusable(f"is {form.title} without a layer {layer!r}; it has: {had}")
    return parts[layer]


def _mesh(path: Path, form: Format, title: str, layer: str | None) -> list[QgsMapLayer]:
    if layer is not None:
        _part(layer, {}, form)
    return [_opened_mesh(path, form, title)]


def _opened_mesh(path: Path, form: Format, title: str) -> QgsMapLayer:
    layer = QgsMeshLayer(str(path), title, "mdal")
    _checked(layer, form)
    prj = path.with_suffix(".prj")
    if prj.is_file() and not layer.crs().isValid():
        layer.setCrs(crs.named(prj.read_text("utf-8", "replace").strip()))
    for beside in sorted(path.parent.iterdir()):
        if beside.suffix.lower() in MESH_DATA and not layer.addDatasets(str(beside)):
            raise Unusable(f"has datasets in {beside.name!r} that do not fit its mesh")
    return layer


def _cloud(path: Path, form: Format, title: str, layer: str | None) -> list[QgsMapLayer]:
    if layer is not None:
        _part(layer, {}, form)
    return [_checked(QgsPointCloudLayer(str(path), title, form.provider), form)]


def _vector(path: Path, form: Format, title: str, layer: str | None) -> list[QgsMapLayer]:
    if form is formats.GEOJSON:
        geojson.check_file(path)
    names = _names(path, form)
    if not names:
        raise Unusable(f"is {form.title} without a layer")
    if any("|" in name for name in names):
        raise Unusable(f"is {form.title} with a layer whose name holds '|'")
    told = _OPTIONS.get(form, "")
    columns = _columns(path) if form is formats.CSV else frozenset()
    if columns & _WKT_COLUMNS:
        told += _WITHOUT_WKT
    if layer is not None:
        name = _part(layer, {name: name for name in names}, form)
        return [_vector_layer(f"{path}|layername={name}{told}", title, form, name)]
    if len(names) > 1:
        return [_vector_layer(f"{path}|layername={name}{told}", name, form, name) for name in names]
    within = f"|layername={names[0]}" if form is formats.GPX else ""
    opened = _vector_layer(f"{path}{within}{told}", title, form, names[0])
    if columns & _LONGITUDES and columns & _LATITUDES and not columns & _WKT_COLUMNS:
        opened.setCrs(QgsCoordinateReferenceSystem(crs.LONGITUDE_LATITUDE))
    return [opened]


def _names(path: Path, form: Format) -> Sequence[str]:
    opened = _dataset(path, form, gdal.OF_VECTOR)
    layers = [opened.GetLayer(at) for at in range(opened.GetLayerCount())]
    if form is formats.GPX:
        own = [layer for layer in layers if layer.GetName() in _LAYERS_OF_GPX]
        layers = [layer for layer in own if layer.GetFeatureCount()] or own[:1]
    return [layer.GetName() for layer in layers if layer.GetName() not in _TABLES_OF_QGIS]


def _columns(path: Path) -> frozenset[str]:
    """The words in the first line of a CSV file, in lower case."""
    with path.open("rb") as opened:
        first = opened.readline(1 << 16).decode("utf-8", "replace").lower()
    return frozenset(re.findall(r"\w+", first))


def _vector_layer(uri: str, title: str, form: Format, inner: str) -> QgsMapLayer:
    layer = _checked(QgsVectorLayer(uri, title, "ogr", _VECTOR_OPTIONS), form)
    layer.setCustomProperty(INNER_NAME, inner)
    if form is formats.GEOPACKAGE and isinstance(layer, QgsVectorLayer):
        styles.take(layer)
    return layer


def _dataset(path: Path | str, form: Format, kind: int) -> gdal.Dataset:
    """By the drivers of the format alone."""
    opened = tried(
        gdal.OpenEx, str(path), kind | gdal.OF_READONLY, allowed_drivers=list(form.drivers)
    )
    if opened is None:
        raise Unusable(f"looks like {form.title}, but cannot be read as such")
    return opened


def _checked(layer: QgsMapLayer, form: Format) -> QgsMapLayer:
    if not layer.isValid():
        raise Unusable(f"looks like {form.title}, but QGIS cannot open it")
    return layer


_RASTERS = frozenset(formats.RASTER_INPUTS) - {*formats.MESH_INPUTS, *formats.VECTOR_INPUTS}

Opener = Callable[[Path, Format, str, str | None], list[QgsMapLayer]]

_OPENERS: Sequence[tuple[Sequence[Format], Opener]] = (
    (formats.MESH_INPUTS, _mesh),
    (formats.CLOUD_INPUTS, _cloud),
    ((*formats.VECTOR_INPUTS, *formats.WITHIN_ZIP), _vector),
    (formats.RASTER_INPUTS, _raster),
)
