"""Real algorithms on rasters, driven through the port."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal

from qanat_common.errors import AlgorithmFailed
from qanat_common.protocol import Inline


@pytest.fixture
def dem(data: Path) -> Path:
    return data / "dem.tif"


def driver_of(path: str) -> str:
    opened = gdal.Open(path)
    assert opened is not None
    return str(opened.GetDriver().ShortName)


@pytest.mark.parametrize(
    "process_id", ["native:slope", "gdal:hillshade", "gdal:aspect", "gdal:warpreproject"]
)
def test_rasters_are_geotiffs(bench: Any, dem: Path, process_id: str) -> None:
    made = bench.run(process_id, INPUT=dem)["OUTPUT"]
    assert made.media_type == "image/tiff; application=geotiff"
    assert made.name == "OUTPUT.tif"
    assert driver_of(made.path) == "GTiff"


def test_what_gdal_is_asked_to_warp_to_is_what_comes(bench: Any, dem: Path) -> None:
    made = bench.run("gdal:warpreproject", INPUT=dem, TARGET_CRS="EPSG:3857")["OUTPUT"]
    assert gdal.Open(made.path).GetSpatialRef().GetAuthorityCode(None) == "3857"


@pytest.mark.parametrize(
    ("media_type", "driver"),
    [
        ("image/tiff; application=geotiff; profile=cloud-optimized", "GTiff"),
        ("image/png", "PNG"),
    ],
)
def test_a_raster_comes_in_the_format_asked_for(
    bench: Any, dem: Path, media_type: str, driver: str
) -> None:
    made = bench.run("native:slope", {"OUTPUT": media_type}, INPUT=dem)["OUTPUT"]
    assert made.media_type == media_type
    assert driver_of(made.path) == driver
    layout = gdal.Open(made.path).GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE")
    assert (layout == "COG") == ("cloud" in media_type)


def test_contours_are_lines(bench: Any, dem: Path) -> None:
    made = bench.features("gdal:contour", INPUT=dem, INTERVAL=100)
    assert made
    assert {each["geometry"]["type"] for each in made} <= {"LineString", "MultiLineString"}


def test_zonal_statistics_join_raster_and_vector(bench: Any, dem: Path) -> None:
    box = gdal.Open(str(dem))
    x, width, _, y, _, height = box.GetGeoTransform()
    crs = box.GetSpatialRef().GetAuthorityCode(None)
    right, bottom = x + width * box.RasterXSize, y + height * box.RasterYSize
    ring = [[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]
    zone = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": f"EPSG:{crs}"}},
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        ],
    }
    made = bench.features(
        "native:zonalstatisticsfb", INPUT=zone, INPUT_RASTER=dem, STATISTICS=["Mean", "Count"]
    )
    assert set(made[0]["properties"]) == {"_mean", "_count"}
    assert made[0]["properties"]["_count"] == pytest.approx(box.RasterXSize * box.RasterYSize)


def test_what_is_written_as_an_ascii_grid_comes_as_a_geotiff(bench: Any, make: Any) -> None:
    """Trap T1: the suffix does not say what QGIS has written."""
    points = make.features(*[make.point(n, n % 3) for n in range(6)], value=[1, 2, 3, 4, 5, 6])
    made = bench.run(
        "qgis:idwinterpolation",
        INTERPOLATION_DATA=[{"layer": points, "field": "value"}],
        EXTENT={"bbox": [0, 0, 5, 2]},
        PIXEL_SIZE=0.5,
    )["OUTPUT"]
    assert driver_of(made.path) == "GTiff"
    opened = gdal.Open(made.path)
    assert (opened.RasterXSize, opened.RasterYSize) == (10, 4)


def test_a_raster_is_given_inline(bench: Any, dem: Path) -> None:
    value = Inline(value=b64encode(dem.read_bytes()).decode(), encoding="base64")
    made = bench.run("native:rasterlayerstatistics", INPUT=value)
    assert made["MAX"].value > made["MIN"].value


def test_properties_of_a_raster_are_values(bench: Any, dem: Path) -> None:
    made = bench.run("native:rasterlayerproperties", INPUT=dem, BAND=1)
    assert made["BAND_COUNT"].value == 1
    assert made["HAS_NODATA_VALUE"].value in (True, False)
    assert isinstance(made["CRS_AUTHID"].value, str)


def test_the_raster_calculator_knows_layers_by_name(bench: Any, dem: Path) -> None:
    offered = {process.id for process in bench.engine.offer().processes}
    calculator = "qgis:rastercalculator"
    process_id = calculator if calculator in offered else "native:rastercalc"
    made = bench.run(process_id, LAYERS=[dem], EXPRESSION='"dem@1" * 2')["OUTPUT"]
    assert gdal.Open(made.path).RasterXSize == gdal.Open(str(dem)).RasterXSize


def test_a_table_reclassifies(bench: Any, dem: Path) -> None:
    made = bench.run(
        "native:reclassifybytable", INPUT_RASTER=dem, RASTER_BAND=1, TABLE=[[-1e6, 1e6, 7]]
    )["OUTPUT"]
    assert gdal.Open(made.path).GetRasterBand(1).ComputeRasterMinMax() == (7, 7)


def test_a_tool_that_fails_tells_why(bench: Any, dem: Path) -> None:
    """Trap T5: QGIS says that all is well."""
    with pytest.raises(AlgorithmFailed) as caught:
        bench.run("gdal:hillshade", INPUT=dem, OPTIONS="COMPRESS=JXL|BIGTIFF=no_such")
    assert "OUTPUT: the algorithm ended without making its file" in caught.value.detail
    assert "ERROR" in caught.value.detail
    assert str(bench.root) not in caught.value.detail


def test_the_log_names_no_path(bench: Any, dem: Path) -> None:
    bench.run("gdal:hillshade", INPUT=dem)
    text = bench.told.text()
    assert "gdaldem hillshade dem.tif OUTPUT.tif" in text
    assert str(bench.root) not in text


def test_pages_of_gdal_name_no_path(bench: Any, dem: Path) -> None:
    page = bench.run("gdal:gdalinfo", INPUT=dem)["OUTPUT"]
    assert "dem.tif" in Path(page.path).read_text()
    assert str(bench.root) not in Path(page.path).read_text()
