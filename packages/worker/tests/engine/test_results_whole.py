"""Nothing of a result is left out without a word, and none tells where the server keeps its files."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import AlgorithmFailed


def test_features_that_do_not_fit_their_layer_are_not_lost_without_a_word(
    bench: Any, make: Any
) -> None:
    """QGIS itself ends well, with an empty layer."""
    given = {"INPUT": make.features(make.point(0, 0)), "EXPRESSION": "$geometry"}
    words = "not whole: Could not add feature with geometry type Point to layer of type Polygon"
    with pytest.raises(AlgorithmFailed, match=words):
        bench.run("native:geometrybyexpression", OUTPUT_GEOMETRY="Polygon", **given)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_values_beyond_the_fields_of_a_result_are_none_of_its_features(
    bench: Any, make: Any
) -> None:
    """QGIS 3.22 gives the triangles of points in several parts a value too many."""
    places = ([0, 0], [1, 0], [0, 1], [2, 2])
    parts = [{"type": "MultiPoint", "coordinates": [each]} for each in places]
    points = make.features(*parts, n=[1, 2, 3, 4])
    assert len(bench.features("qgis:delaunaytriangulation", INPUT=points)) == 2


def test_fields_that_are_not_there_need_not_be_taken_away(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), a=[1], b=[2])
    made = bench.features("native:deletecolumn", INPUT=points, COLUMN=["a", "c"])
    assert made[0]["properties"] == {"b": 2}
    assert "c" in bench.told.text()


def test_numbers_of_gdals_tools_have_all_their_digits(bench: Any, make: Any) -> None:
    third = 1 / 3
    line = make.features(make.line([0, third], [1, third]))
    made = bench.features("gdal:pointsalonglines", INPUT=line, DISTANCE=0.5)
    assert made[0]["geometry"]["coordinates"] == [0.5, third]


@pytest.mark.parametrize("media_type", ["application/flatgeobuf", "application/zip"])
def test_what_a_tool_makes_of_a_layer_without_a_crs_has_none(
    bench: Any, media_type: str, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,y\n500000,5500000\n", "utf-8")
    layer = Path(bench.run("native:centroids", {"OUTPUT": media_type}, INPUT=table)["OUTPUT"].path)
    made = bench.run("gdal:buffervectors", {"OUTPUT": media_type}, INPUT=layer, DISTANCE=1)
    assert made["OUTPUT"].crs is None
    made = bench.run("native:centroids", INPUT=Path(made["OUTPUT"].path))
    assert made["OUTPUT"].crs is None


def test_photos_come_in_a_zip_and_are_called_as_in_it(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("walk/none.jpg", b"no photo")
    asked = {"INVALID": "application/geo+json"}
    made = bench.run("native:importphotos", asked, FOLDER=path, RECURSIVE=True)["INVALID"]
    found = json.loads(Path(made.path).read_text("utf-8"))["features"]
    assert [each["properties"] for each in found] == [
        {"photo": "walk/none.jpg", "filename": "none", "directory": "walk", "readable": False}
    ]


def test_an_index_of_rasters_names_their_files(bench: Any, data: Path) -> None:
    made = bench.features("gdal:tileindex", LAYERS=[data / "dem.tif"])
    assert [each["properties"]["location"] for each in made] == ["dem.tif"]
