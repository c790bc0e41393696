"""Processes that start programs, and what the fence might be in the way of: they work inside it."""

import base64
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(240)]

DATA = Path(__file__).parents[2] / "docs" / "tutorials" / "data"
GEOTIFF = "image/tiff; application=geotiff"


def dem() -> dict[str, str]:
    content = base64.b64encode((DATA / "dem.tif").read_bytes()).decode()
    return {"value": content, "mediaType": GEOTIFF, "encoding": "base64"}


def points() -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "properties": {"z": x * y},
            "geometry": {"type": "Point", "coordinates": [x / 100, y / 100]},
        }
        for x in range(5)
        for y in range(5)
    ]
    return {"value": {"type": "FeatureCollection", "features": features}}


@pytest.mark.parametrize(
    ("process", "inputs"),
    [
        ("gdal:hillshade", {}),
        ("gdal:slope", {}),
        ("gdal:roughness", {}),
        ("gdal:translate", {}),
        ("gdal:warpreproject", {"TARGET_CRS": "EPSG:3857"}),
        ("gdal:contour", {"INTERVAL": 10}),
        ("gdal:polygonize", {}),
        ("gdal:sieve", {}),
        ("gdal:fillnodata", {}),
        ("gdal:proximity", {}),
        ("gdal:gdalinfo", {}),
        ("native:slope", {}),
        ("native:rasterlayerstatistics", {}),
    ],
)
def test_processes_of_a_raster_work(victim: Any, process: str, inputs: dict[str, Any]) -> None:
    runs(victim, process, INPUT=dem(), **inputs)


@pytest.mark.parametrize(
    ("process", "inputs"),
    [
        ("gdal:buffervectors", {"DISTANCE": 0.01}),
        ("gdal:dissolve", {"FIELD": "z"}),
        ("gdal:convertformat", {}),
        ("gdal:gridinversedistance", {"Z_FIELD": "z"}),
        ("gdal:gridnearestneighbor", {"Z_FIELD": "z"}),
        ("gdal:ogrinfo", {}),
        ("native:reprojectlayer", {"TARGET_CRS": "EPSG:3857"}),
        ("native:delaunaytriangulation", {}),
        ("qgis:delaunaytriangulation", {}),
        ("qgis:voronoipolygons", {}),
    ],
)
def test_processes_of_points_work(victim: Any, process: str, inputs: dict[str, Any]) -> None:
    runs(victim, process, INPUT=points(), **inputs)


def test_a_script_of_gdal_works(victim: Any) -> None:
    runs(victim, "gdal:merge", INPUT=[dem(), dem()])


def test_sql_on_layers_works(victim: Any) -> None:
    query = "select z + 1 as z, geometry from input1"
    runs(victim, "qgis:executesql", INPUT_DATASOURCES=[points()], INPUT_QUERY=query)


def runs(victim: Any, process: str, **inputs: Any) -> None:
    if victim.http.get(f"/processes/{process}").status_code == 404:
        pytest.skip(f"{process} is not in this QGIS")
    answer = victim.execute(process, **inputs)
    assert answer.status_code == 200, answer.text[:2000]
