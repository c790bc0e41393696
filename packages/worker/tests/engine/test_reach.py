"""What QGIS and GDAL could open in a job: no databases, no addresses, no files that name others."""

from pathlib import Path
from typing import Any

from osgeo import gdal
from qgis.core import QgsProviderRegistry

from qanat_worker.engine import formats, opening
from qanat_worker.engine.application import SKIPPED_DRIVERS

DEM = Path(__file__).parents[4] / "docs" / "tutorials" / "data" / "dem.tif"

PROVIDERS = {
    *("ogr", "gdal", "memory", "mesh_memory", "mdal", "virtual"),
    # Part of QGIS itself: they cannot be left out, and are given no string of a client.
    *("vectortile", "ept", "copc", "pdal", "vpc", "annotation", "tiled", "cesiumtiles"),
    *("quantizedmesh", "sensorthings", "xyzvectortiles", "mbtilesvectortiles", "vtpkvectortiles"),
    *("arcgisvectortileservice", "tiledscene", "mbtilestiledscene", "esrii3s", "stac"),
}
"""All that may be there, of every version of QGIS."""


def test_no_provider_is_there_that_opens_databases_or_addresses(engine: Any) -> None:
    found = set(QgsProviderRegistry.instance().providerList())
    assert {"ogr", "gdal", "memory", "virtual", "mdal"} <= found
    assert found - PROVIDERS == set()


def test_no_driver_is_there_that_is_skipped(engine: Any) -> None:
    names = {gdal.GetDriver(at).ShortName for at in range(gdal.GetDriverCount())}
    assert {"GTiff", "GeoJSON", "GPKG"} <= names
    assert names & set(SKIPPED_DRIVERS) == set()


def skipped_drivers() -> set[str]:
    return {name for name in SKIPPED_DRIVERS if gdal.GetDriverByName(name) is not None}


def rotated(path: Path) -> Path:
    """A raster that QGIS opens through a VRT, for which GDAL registers that driver anew."""
    made = gdal.GetDriverByName("GTiff").Create(str(path), 20, 20, 1, gdal.GDT_Byte)
    made.SetGeoTransform([500000, 8, 6, 5600000, 6, -8])
    made.SetProjection(gdal.OpenEx(str(DEM)).GetProjection())
    return path


def test_a_skipped_driver_does_not_come_back_with_a_rotated_raster(
    bench: Any, tmp_path: Path
) -> None:
    layers = opening.layers_in(rotated(tmp_path / "r.tif"), formats.GEOTIFF, "r", None)
    assert layers[0].isValid()
    assert skipped_drivers() == set()


def test_a_skipped_driver_does_not_come_back_with_a_picture(bench: Any) -> None:
    made = bench.run("native:slope", {"OUTPUT": "image/png"}, INPUT=DEM)
    assert skipped_drivers() == set()
    assert bench.engine.pictures(made, str(bench.root), 64)
    assert skipped_drivers() == set()
