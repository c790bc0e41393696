"""QGIS and GDAL of the distribution open the link to a result, without downloading it first.

Each is a process of its own, of the distribution's Python, which is given an address below
`/vsicurl/`: GDAL asks by HEAD how long the file is, then for ranges of it.
"""

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.qgis

PYTHON = Path("/usr/bin/python3")
TIFF = "image/tiff; application=geotiff"
SECONDS = 120

GDAL_VECTOR = """
import sys
from osgeo import gdal
gdal.UseExceptions()
layer = (opened := gdal.OpenEx(sys.argv[1], gdal.OF_VECTOR)).GetLayer(0)
print(layer.GetFeatureCount(), layer.GetNextFeature()["name"])
"""

GDAL_RASTER = """
import sys
from osgeo import gdal
gdal.UseExceptions()
opened = gdal.OpenEx(sys.argv[1], gdal.OF_RASTER)
print(opened.RasterXSize, opened.RasterYSize, opened.GetRasterBand(1).Checksum())
"""

QGIS = """
import os, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
if sys.argv[2] == "vector":
    layer = QgsVectorLayer(sys.argv[1], "result", "ogr")
    print(layer.isValid(), layer.featureCount(), layer.crs().authid(), flush=True)
else:
    layer = QgsRasterLayer(sys.argv[1], "result", "gdal")
    print(layer.isValid(), layer.width(), layer.height(), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module", autouse=True)
def distribution() -> None:
    """The distribution's QGIS and GDAL."""
    if not Path("/usr/lib/python3/dist-packages/qgis").exists():
        if os.environ.get("CI"):
            pytest.fail("python3-qgis is not installed")
        pytest.skip("python3-qgis is not installed")


def said(program: str, *arguments: str) -> str:
    """What a program of the distribution's Python prints."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        [str(PYTHON), "-c", program, *arguments],
        env=environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def address(service: Any, process: str, inputs: Any, output: str) -> str:
    """Where the output of a job lies, as its results say."""
    outputs = {output: {"transmissionMode": "reference"}}
    body = {"inputs": inputs, "outputs": outputs, "response": "document"}
    return f"/vsicurl/{service.results(process, body).json()[output]['href']}"


@pytest.fixture(scope="module")
def raster(service: Any) -> str:
    """The address of a GeoTIFF."""
    dem = Path(__file__).parents[3] / "docs" / "tutorials" / "data" / "dem.tif"
    content = base64.b64encode(dem.read_bytes()).decode()
    given = {"value": content, "encoding": "base64", "mediaType": TIFF}
    inputs = {"stringInput": "a", "complexInput": given}
    return address(service, "echo", inputs, "complexInput")


def test_gdal_opens_a_vector_result(service: Any, layer: Any) -> None:
    link = address(service, "test:pass", {"layer": layer}, "layer")
    assert said(GDAL_VECTOR, link) == "1 Bologna"


def test_gdal_opens_a_raster_result(raster: str) -> None:
    width, height, checksum = said(GDAL_RASTER, raster).split()
    assert int(width) > 1
    assert int(height) > 1
    assert int(checksum) > 0


def test_qgis_opens_a_vector_result(service: Any, layer: Any) -> None:
    link = address(service, "test:pass", {"layer": layer}, "layer")
    assert said(QGIS, link, "vector") == "True 1 EPSG:4326"


def test_qgis_opens_a_raster_result(raster: str) -> None:
    valid, width, height = said(QGIS, raster, "raster").split()
    assert (valid, int(width) > 1, int(height) > 1) == ("True", True, True)
