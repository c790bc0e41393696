"""Layers and files of the suite, by value: as they are, where a service reads their format."""

import base64
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from osgeo import gdal
from qgis.core import QgsRasterLayer, QgsVectorLayer
from tests.e2e.qgis_suite import places

Json = Any
Spec = Mapping[str, Any]
Schema = Mapping[str, Any]

GEOJSON = "application/geo+json"
GEOPACKAGE = "application/geopackage+sqlite3"
GEOTIFF = "image/tiff; application=geotiff"
ZIP = "application/zip"

MEDIA_TYPES = {
    ".geojson": GEOJSON,
    ".gml": "application/gml+xml; version=3.2",
    ".gpkg": GEOPACKAGE,
    ".csv": "text/csv",
    ".tif": GEOTIFF,
    ".asc": "text/x-asc-grid",
}
"""Suffix → what a file goes as, alone. What has files beside it goes with them, in a zip."""

BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qpj"),
    ".gml": (".xsd", ".gfs"),
    ".csv": (".csvt", ".prj"),
    ".tab": (".dat", ".id", ".map", ".ind"),
}
"""Suffix → those of the files that belong to a layer's."""


LONGEST_NAME = 100


def alternatives(schema: Schema) -> list[Schema]:
    """What a value may be, by its schema."""
    return list(schema.get("oneOf", [schema]))


def media_types(schema: Schema) -> list[str]:
    """The media types of a schema."""
    return [each["contentMediaType"] for each in alternatives(schema) if "contentMediaType" in each]


class Layers:
    """Gives layers of the suite as values of a request."""

    def __init__(self, data: Path, folder: Path) -> None:
        """`data`: the suite's; `folder`: for layers that are written anew."""
        self._data = data
        self._folder = folder

    def open(self, spec: Spec) -> QgsVectorLayer | QgsRasterLayer:
        """The layer itself."""
        opening = places.raster_layer if spec["type"] == "raster" else places.vector_layer
        return opening(places.located(self._data, spec.get("uri") or spec["name"]), "")

    def inner_name(self, name: str) -> str:
        """What the only layer of a file of the suite is called within it; "" where there is none."""
        path, _, _ = places.taken_apart(places.located(self._data, name))
        opened = gdal.OpenEx(str(path), gdal.OF_VECTOR) if path.is_file() else None
        return opened.GetLayer(0).GetName() if opened and opened.GetLayerCount() == 1 else ""

    def value(self, spec: Spec, schema: Schema) -> Json:
        """A layer, with the name that QGIS's own runner gives it."""
        return self._value(spec, schema) | {"title": spec["name"][:LONGEST_NAME]}

    def _value(self, spec: Spec, schema: Schema) -> dict[str, Json]:
        path = self._single(spec)
        offered = media_types(schema)
        beside = self._beside(path)
        vector = spec["type"] != "raster"
        together = path.suffix in (".shp", ".tab") or (path.suffix in MEDIA_TYPES and beside)
        if ZIP in offered and together:
            return _binary(_zipped([path, *beside]), ZIP)
        media_type = MEDIA_TYPES.get(path.suffix.lower())
        if media_type == GEOJSON:
            return {"value": json.loads(path.read_text("utf-8")), "mediaType": GEOJSON}
        if media_type is not None and media_type in offered:
            return self._file(path, media_type, schema)
        return _binary(self._rewritten(path, vector), GEOPACKAGE if vector else GEOTIFF)

    def base64(self, spec: Spec) -> str:
        """A layer as one text, where it has no media type."""
        path = self._single(spec)
        return base64.b64encode(_zipped([path, *self._beside(path)])).decode()

    def file(self, path: Path, schema: Schema) -> Json:
        """A file, or a folder as a zip."""
        if path.is_dir():
            return _binary(_zipped(path.rglob("*")), ZIP)
        return self._file(path, media_types(schema)[0], schema)

    def _file(self, path: Path, media_type: str, schema: Schema) -> dict[str, Json]:
        about = next(
            each for each in alternatives(schema) if each.get("contentMediaType") == media_type
        )
        if about.get("contentEncoding") == "base64":
            return _binary(path.read_bytes(), media_type)
        return {"value": path.read_text("utf-8"), "mediaType": media_type}

    def _single(self, spec: Spec) -> Path:
        """The file of a layer; one of its own where the suite's holds several."""
        path, inner, geometry = places.taken_apart(
            places.located(self._data, spec.get("uri") or spec["name"])
        )
        options = ["FORCE_SRS_DETECTION=YES"] if path.suffix.lower() == ".gml" else []
        source = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_RASTER, open_options=options)
        several = source.GetLayerCount() > 1
        if spec["type"] == "raster" or (geometry is None and not (inner and several)):
            return path
        layer = source.GetLayerByName(inner) if inner and several else source.GetLayer(0)
        made = self._folder / "layers" / f"{layer.GetName()}.gpkg"
        made.parent.mkdir(exist_ok=True)
        gdal.VectorTranslate(
            str(made),
            source,
            format="GPKG",
            layers=[layer.GetName()],
            where=f"OGR_GEOMETRY IN ('{geometry}', 'Multi{geometry}')" if geometry else None,
            geometryType=geometry.upper() if geometry else None,
            layerCreationOptions=[f"FID={layer.GetFIDColumn() or 'qanat_row'}"],
        )
        return made

    def _beside(self, path: Path) -> list[Path]:
        """Files that belong to a layer's."""
        suffixes = BESIDE.get(path.suffix.lower(), ())
        found = (path.with_suffix(suffix) for suffix in suffixes)
        return [each for each in found if each.is_file()]

    def _rewritten(self, path: Path, vector: bool) -> bytes:
        """In a format that is always read."""
        made = self._folder / f"rewritten{'.gpkg' if vector else '.tif'}"
        if vector:
            gdal.VectorTranslate(
                str(made), str(path), format="GPKG", layerCreationOptions=["FID=qanat_row"]
            )
        else:
            gdal.Translate(str(made), str(path), format="GTiff")
        return made.read_bytes()


def _binary(content: bytes, media_type: str) -> dict[str, Json]:
    return {
        "value": base64.b64encode(content).decode(),
        "mediaType": media_type,
        "encoding": "base64",
    }


def _zipped(paths: Iterable[Path]) -> bytes:
    """A zip of files; the same for the same files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in paths:
            if path.is_file():
                opened.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
    return made.getvalue()
