"""From a layer that an algorithm made to a file in the format a client asked for."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from osgeo import gdal
from qgis.core import (  # type: ignore[attr-defined]  # the stubs lack QgsCsException
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeature,
    QgsField,
    QgsGeometry,
    QgsJsonExporter,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from qanat_common.errors import AlgorithmFailed
from qanat_worker.engine import archives, crs, formats, styles
from qanat_worker.engine.datasets import tried
from qanat_worker.engine.formats import Format
from qanat_worker.engine.numbers import number

GEOJSON_DECIMALS = 17
FAR = 1e290
"""Coordinates beyond are written as null by QGIS, which brings them to so many decimals."""

_FID_NAMES = ("fid", "ogc_fid", "qanat_fid", "qanat_row_number")
_RASTER_DRIVERS = ["GTiff", "AAIGrid", "COG", "PNG", "JPEG", "GPKG"]
_PNG_TYPES = (gdal.GDT_Byte, gdal.GDT_UInt16)
_PNG_BANDS = 4


def _cannot(name: str, form: Format, why: str = "") -> AlgorithmFailed:
    reason = f": {why}" if why else ""
    return AlgorithmFailed(f"{name}: the result cannot be written as {form.title}{reason}")


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL's errors are told by its last message, not printed."""
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        gdal.ErrorReset()
        yield
    finally:
        gdal.PopErrorHandler()


def vector(layer: QgsVectorLayer, form: Format, folder: Path, name: str) -> Path:
    """Write a vector layer; GeoJSON in CRS84, every other format in the CRS of the layer."""
    path = folder / f"{name}{form.suffix}"
    if form is formats.GEOJSON:
        _geojson(layer, path, name)
        return path
    package = path if form is formats.GEOPACKAGE else folder / f"{name}.qanat.gpkg"
    _geopackage(layer, package, form, name)
    asked: dict[str, str | bool | None] = {"SQLStatement": _with_decimals(layer, name)}
    if not layer.crs().isValid():
        # A GeoPackage has a name for an unknown CRS, which is one in another format.
        asked |= {"dstSRS": "NONE", "reproject": False}
    if form is formats.GEOPACKAGE:
        styles.keep(layer, path, name)
    if form is formats.SHAPEFILE:
        inner = folder / f"{name}.qanat.shp"
        inner.mkdir()
        _translate(package, form, inner / f"{name}.shp", name, asked)
        archives.pack(inner, path)
    elif form is not formats.GEOPACKAGE:
        _translate(package, form, path, name, asked)
    return path


def _with_decimals(layer: QgsVectorLayer, name: str) -> str | None:
    """A query that gives fields the decimals which a GeoPackage does not keep; None without any."""
    fields = layer.fields().toList()
    told = [(each.name(), each.length(), each.precision()) for each in fields]
    if not any(_has_decimals(each) for each in fields):
        return None
    columns = [
        f"CAST({quoted} AS numeric({max(length, decimals + 2)},{decimals})) AS {quoted}"
        if _has_decimals(field)
        else quoted
        for field, (column, length, decimals) in zip(fields, told, strict=True)
        for quoted in [_quoted(column)]
    ]
    return f"SELECT {', '.join(columns)} FROM {_quoted(name)}"  # noqa: S608 - names are quoted


def _has_decimals(field: QgsField) -> bool:
    """Whether a field of real numbers has a length and a number of decimals, as in QGIS."""
    return field.type() == QVariant.Double and field.length() > 0 and field.precision() > 0


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _geojson(layer: QgsVectorLayer, path: Path, name: str) -> None:
    """One feature after another: null geometries stay null, which GDAL's writer would lose."""
    exporter = QgsJsonExporter(layer, GEOJSON_DECIMALS)
    exporter.setTransformGeometries(False)
    transform = QgsCoordinateTransform(
        layer.crs(),
        QgsCoordinateReferenceSystem(crs.LONGITUDE_LATITUDE),
        QgsCoordinateTransformContext(),
    )
    with path.open("w", encoding="utf-8") as opened:
        opened.write('{"type":"FeatureCollection","features":[')
        between = "\n"
        for feature in layer.getFeatures():
            empty = feature.hasGeometry() and feature.geometry().isEmpty()
            if feature.hasGeometry() and not empty:
                feature.setGeometry(_in_degrees(feature, transform, name))
            text = exporter.exportFeature(feature)
            opened.write(between + (_with_empty(text) if empty else text))
            between = ",\n"
        opened.write("\n]}\n")


def _in_degrees(feature: QgsFeature, transform: QgsCoordinateTransform, name: str) -> QgsGeometry:
    """Its geometry in CRS84. QGIS's exporter leaves one as it is where that fails."""
    geometry = feature.geometry()
    try:
        fine = number(geometry.transform(transform)) == 0
    except QgsCsException:
        fine = False
    box = geometry.boundingBox()
    ends = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
    if fine and all(abs(end) < FAR for end in ends):
        return geometry
    raise _cannot(
        name,
        formats.GEOJSON,
        f"feature {feature.id()} lies where no longitude and latitude is; a format that keeps the CRS"
        f" of the result may hold it, such as {formats.GEOPACKAGE.media_type}",
    )


def _with_empty(feature: str) -> str:
    """An empty geometry as RFC 7946 has it: QGIS writes what is none."""
    found = orjson.loads(feature)
    found["geometry"] = {"type": found["geometry"]["type"], "coordinates": []}
    return orjson.dumps(found).decode()


def _geopackage(layer: QgsVectorLayer, path: Path, form: Format, name: str) -> None:
    """With a row number of a name that no field has: any field may be called fid (trap T2)."""
    taken = {field.lower() for field in layer.fields().names()}
    fid = next(each for each in _FID_NAMES if each not in taken)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = name
    options.layerOptions = [f"FID={fid}"]
    written = QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsCoordinateTransformContext(), options
    )
    if written[0] != QgsVectorFileWriter.WriterError.NoError:
        raise _cannot(name, form, str(written[1]))
    _restore_nulls(layer, path)


def _restore_nulls(layer: QgsVectorLayer, path: Path) -> None:
    """QGIS's writer makes null geometries empty ones: make them null again."""
    if not layer.isSpatial():
        return
    absent = [at for at, f in enumerate(layer.getFeatures(), 1) if not f.hasGeometry()]
    if not absent:
        return
    opened = tried(
        gdal.OpenEx, str(path), gdal.OF_VECTOR | gdal.OF_UPDATE, allowed_drivers=["GPKG"]
    )
    rows = opened.GetLayer(0)
    rows.StartTransaction()
    for at in absent:
        row = rows.GetFeature(at)
        row.SetGeometry(None)
        rows.SetFeature(row)
    rows.CommitTransaction()


def _translate(
    package: Path, form: Format, path: Path, name: str, asked: Mapping[str, Any]
) -> None:
    """To another format; `asked` is what GDAL is told besides."""
    with _quiet():
        source = tried(gdal.OpenEx, str(package), gdal.OF_VECTOR, allowed_drivers=["GPKG"])
        made = tried(
            gdal.VectorTranslate,
            str(path),
            source,
            format=form.drivers[0],
            layerName=name,
            SQLDialect="OGRSQL" if asked["SQLStatement"] else None,
            datasetCreationOptions=list(form.dataset_options),
            layerCreationOptions=list(form.layer_options),
            **asked,
        )
        if made is None:
            raise _cannot(name, form, gdal.GetLastErrorMsg())
        del made
        if form is formats.CSV and source.GetLayer(0).GetLayerDefn().GetGeomFieldCount():
            _call_geometries_wkt(path)
        written = tried(gdal.OpenEx, str(path), gdal.OF_VECTOR, allowed_drivers=list(form.drivers))
        kept = written.GetLayer(0).GetFeatureCount() if written else 0
        lost = source.GetLayer(0).GetFeatureCount() - kept
    if lost > 0:
        raise _cannot(
            name, form, f"{lost} features, perhaps without a geometry, have no place there"
        )


def _call_geometries_wkt(path: Path) -> None:
    """Since GDAL 3.10 the column of geometries is called as in the source; it was WKT before, and stays so."""
    with path.open("rb") as old:
        head = old.readline()
        if not head.startswith(b"geom,"):
            return
        whole = path.with_suffix(".whole")
        with whole.open("wb") as new:
            new.write(b"WKT" + head.removeprefix(b"geom"))
            shutil.copyfileobj(old, new)
    whole.replace(path)


def raster(source: Path, form: Format, folder: Path, name: str) -> Path:
    """Write a raster; as it is when it has the format already, whatever its name says (T1)."""
    with _quiet():
        opened = tried(gdal.OpenEx, str(source), gdal.OF_RASTER, allowed_drivers=_RASTER_DRIVERS)
        if opened is None:
            raise AlgorithmFailed(f"{name}: the algorithm made no raster that can be read")
        if opened.GetDriver().ShortName == form.drivers[0]:
            return source
        path = folder / f"{name}.qanat{form.suffix}"
        options = _png_options(opened) if form is formats.PNG else {}
        made = tried(
            gdal.Translate,
            str(path),
            opened,
            format=form.drivers[0],
            creationOptions=list(form.dataset_options),
            **options,
        )
        if made is None:
            raise _cannot(name, form, gdal.GetLastErrorMsg())
        del made, opened
    return path


def crs_of_raster(path: Path) -> QgsCoordinateReferenceSystem:
    """The CRS of a raster; an invalid one where it has none."""
    with _quiet():
        opened = tried(gdal.OpenEx, str(path), gdal.OF_RASTER, allowed_drivers=_RASTER_DRIVERS)
    wkt = opened.GetProjection() if opened else ""
    return QgsCoordinateReferenceSystem.fromWkt(wkt) if wkt else QgsCoordinateReferenceSystem()


def _png_options(opened: gdal.Dataset) -> dict[str, object]:
    """What PNG cannot hold is brought to bytes: 0 to 255 from the least to the largest value."""
    made: dict[str, object] = {}
    if opened.RasterCount > _PNG_BANDS:
        made["bandList"] = [1]
    if opened.GetRasterBand(1).DataType not in _PNG_TYPES:
        made |= {"outputType": gdal.GDT_Byte, "scaleParams": [[]]}
    return made
