"""Which layer of a file an input is, and what becomes of its invalid geometries: said beside the value."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from osgeo import gdal

from qanat_common.protocol import Inline, LocalFile

BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.fixture
def package(bench: Any, make: Any) -> Path:
    """A GeoPackage of two layers."""
    points = {**make.features(make.point(0, 0)), "name": "wells"}
    squares = {**make.features(make.square(0, 0)), "name": "fields"}
    return Path(bench.run("native:package", LAYERS=[points, squares])["OUTPUT"].path)


@pytest.fixture
def grids(tmp_path: Path) -> Path:
    """A netCDF of two variables."""
    path = tmp_path / "grids.nc"
    path.write_bytes(b"")
    made = gdal.GetDriverByName("netCDF").CreateMultiDimensional(str(path)).GetRootGroup()
    sizes = [made.CreateDimension(name, None, None, 2) for name in ("y", "x")]
    for name, value in (("rain", 1), ("snow", 2)):
        values = made.CreateMDArray(name, sizes, gdal.ExtendedDataType.Create(gdal.GDT_Float32))
        values.Write(struct.pack("f", value) * 4)
    del values, sizes, made
    return path


def test_one_layer_of_a_file_may_be_named(bench: Any, package: Path) -> None:
    made = bench.features("native:centroids", INPUT=LocalFile(path=str(package), layer="fields"))
    assert [each["geometry"]["coordinates"] for each in made] == [[0.5, 0.5]]


def test_a_layer_of_a_file_is_called_by_its_name_there_or_its_title(
    bench: Any, package: Path
) -> None:
    given = [
        LocalFile(path=str(package), layer="wells"),
        LocalFile(path=str(package), layer="wells", title="springs"),
    ]
    made = bench.features("native:mergevectorlayers", LAYERS=given)
    assert [each["properties"]["layer"] for each in made] == ["wells", "springs"]


def test_a_layer_that_a_file_lacks_is_refused_with_those_it_has(bench: Any, package: Path) -> None:
    given = LocalFile(path=str(package), layer="roads")
    refused = bench.rejection("native:centroids", INPUT=given)
    assert refused.detail == "INPUT is GeoPackage without a layer 'roads'; it has: wells, fields"


def test_one_layer_of_a_zip_may_be_named(bench: Any, make: Any, tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, x in (("west", 1), ("east", 2)):
            point = f'{{"type": "Point", "coordinates": [{x}, 0]}}'
            opened.writestr(f"{name}.geojson", point)
    made = bench.features("native:centroids", INPUT=LocalFile(path=str(path), layer="east"))
    assert made[0]["geometry"]["coordinates"] == [2, 0]
    refused = bench.rejection("native:centroids", INPUT=LocalFile(path=str(path), layer="north"))
    assert refused.detail == "INPUT is a zip without a layer 'north'; it has: west, east"


def test_one_variable_of_a_grid_may_be_named(bench: Any, grids: Path) -> None:
    given = LocalFile(path=str(grids), layer="snow")
    made = bench.run("native:rasterlayerstatistics", INPUT=given, BAND=1)
    assert made["MAX"].value == 2
    told = bench.rejection("native:rasterlayerstatistics", INPUT=grids, BAND=1).detail
    assert told == "INPUT holds several rasters, of which `layer` may name one: rain, snow"


def test_information_on_a_file_may_be_on_all_its_layers(bench: Any, package: Path) -> None:
    made = bench.run("gdal:ogrinfo", INPUT=package)["OUTPUT"]
    assert "wells" in Path(made.path).read_text("utf-8")


@pytest.mark.parametrize(("choice", "count"), [("skip", 1), ("keep", 2)])
def test_features_with_invalid_geometries_take_part_or_not(
    bench: Any, make: Any, choice: Any, count: int
) -> None:
    value = make.features(BOW, make.square(0, 0))
    given = Inline(value=value, invalid_geometries=choice)
    assert len(bench.features("native:centroids", INPUT=given)) == count


def test_where_geometries_are_not_checked_nothing_may_be_said_of_invalid_ones(
    bench: Any, make: Any
) -> None:
    given = Inline(value=make.features(BOW), invalid_geometries="skip")
    refused = bench.rejection("native:mergevectorlayers", LAYERS=[given])
    assert "LAYERS takes no invalidGeometries" in refused.detail
