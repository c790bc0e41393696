"""What an output says of its CRS, in each format that it may be asked in."""

from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal

from qanat_common.errors import AlgorithmFailed

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
GEOJSON, CSV = "application/geo+json", "text/csv"
GEOPACKAGE, GML = "application/geopackage+sqlite3", "application/gml+xml; version=3.2"
FLATGEOBUF, SHAPEFILE = "application/flatgeobuf", "application/zip"


@pytest.mark.parametrize(
    ("target", "media_type", "said", "x"),
    [
        ("EPSG:3857", GEOJSON, CRS84, 10),
        ("EPSG:3857", GEOPACKAGE, f"{EPSG}/3857", 1113194.9),
        ("EPSG:3857", FLATGEOBUF, f"{EPSG}/3857", 1113194.9),
        ("EPSG:3857", GML, f"{EPSG}/3857", 1113194.9),
        ("EPSG:3857", CSV, f"{EPSG}/3857", None),
        ("EPSG:3857", SHAPEFILE, f"{EPSG}/3857", None),
        ("EPSG:4326", GEOJSON, CRS84, 10),
        ("EPSG:4326", GEOPACKAGE, CRS84, 10),
        ("EPSG:4326", GML, f"{EPSG}/4326", None),
        ("OGC:CRS84", CSV, CRS84, None),
        ("ESRI:54009", CSV, "http://www.opengis.net/def/crs/ESRI/0/54009", None),
        ("+proj=aea +lat_1=1 +lat_2=7", CSV, None, None),
    ],
)
def test_a_vector_layer_says_its_crs(
    bench: Any, make: Any, target: str, media_type: str, said: str | None, x: float | None
) -> None:
    made = bench.run(
        "native:reprojectlayer",
        {"OUTPUT": media_type},
        INPUT=make.features(make.point(10, 0)),
        TARGET_CRS=target,
    )["OUTPUT"]
    assert made.crs == said
    if x is not None:
        opened = gdal.OpenEx(made.path, gdal.OF_VECTOR)
        feature = opened.GetLayer(0).GetNextFeature()
        assert feature.GetGeometryRef().GetX() == pytest.approx(x)


def test_a_table_has_no_crs(bench: Any, make: Any) -> None:
    made = bench.run("native:dropgeometries", INPUT=make.features(make.point(0, 0)))["OUTPUT"]
    assert made.crs is None


@pytest.mark.parametrize("media_type", ["image/tiff; application=geotiff", "image/png"])
def test_a_raster_says_its_crs(bench: Any, data: Path, media_type: str) -> None:
    made = bench.run("native:slope", {"OUTPUT": media_type}, INPUT=data / "dem.tif")["OUTPUT"]
    assert made.crs == f"{EPSG}/32632"


NOWHERE = "feature 1 lies where no longitude and latitude is"


@pytest.mark.parametrize("crs", ["ESRI:54009", "EPSG:25832"])
def test_a_feature_that_lies_nowhere_on_the_earth_is_no_geojson(
    bench: Any, make: Any, crs: str
) -> None:
    given = {"INPUT": make.features(make.point(3e7, 3e7), crs=crs)}
    with pytest.raises(AlgorithmFailed, match=NOWHERE):
        bench.run("native:centroids", {"OUTPUT": GEOJSON}, **given)
    kept = bench.run("native:centroids", {"OUTPUT": GEOPACKAGE}, **given)["OUTPUT"]
    assert gdal.OpenEx(kept.path).GetLayer(0).GetFeatureCount() == 1


def test_a_feature_without_end_is_no_geojson(bench: Any, make: Any) -> None:
    with pytest.raises(AlgorithmFailed, match=NOWHERE):
        bench.run("native:buffer", INPUT=make.features(make.point(0, 0)), DISTANCE=1e308)
