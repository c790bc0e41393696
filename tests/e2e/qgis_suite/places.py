"""Where the suite's data lie, and how its layers are opened."""

import re
from pathlib import Path

from qgis.core import QgsRasterLayer, QgsVectorLayer

_DATABASE = re.compile(r"dbname='")
_GML = re.compile(r"\.gml\b", re.IGNORECASE)


def located(folder: Path, name: str) -> str:
    """The address of a file that a case names: below a folder, also within an address of OGR."""
    if name.startswith("ogr:"):
        return _DATABASE.sub(f"dbname='{folder}/", name, count=1)
    return str(folder / name)


def detecting_crs(address: str) -> str:
    """An address at which GML gets its CRS: QGIS reads it without one unless told."""
    return f"{address}|option:FORCE_SRS_DETECTION=YES" if _GML.search(address) else address


def vector_layer(address: str, name: str) -> QgsVectorLayer:
    """A vector layer or a table."""
    options = QgsVectorLayer.LayerOptions()
    options.loadDefaultStyle = False
    return QgsVectorLayer(detecting_crs(address), name, "ogr", options)


def raster_layer(address: str, name: str) -> QgsRasterLayer:
    """A raster layer."""
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False
    return QgsRasterLayer(address, name, "gdal", options)


def taken_apart(address: str) -> tuple[Path, str | None, str | None]:
    """The file of an address; the layer within it and its geometries, where they are told."""
    path, *rest = address.split("|")
    options = dict(each.partition("=")[::2] for each in rest)
    return Path(path), options.get("layername"), options.get("geometrytype")
