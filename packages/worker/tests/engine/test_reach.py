"""What QGIS and GDAL could open in a job: no databases, no addresses, no files that name others."""

from typing import Any

from osgeo import gdal
from qgis.core import QgsProviderRegistry

from qanat_worker.engine.application import SKIPPED_DRIVERS

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
