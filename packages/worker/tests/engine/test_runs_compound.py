"""Inputs of several layers with settings, files and odd destinations, in real algorithms."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from qanat_common.protocol import Inline


def test_a_mesh_is_made_of_layers(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0, 1), make.point(1, 0, 2), make.point(0, 1, 3))
    made = bench.run("native:tinmeshcreation", SOURCE_DATA=[points], MESH_FORMAT="2DM")[
        "OUTPUT_MESH"
    ]
    assert (made.name, made.media_type) == ("OUTPUT_MESH.2dm", "application/x-2dm")
    assert Path(made.path).read_text().startswith("MESH2D")
    again = bench.features("native:exportmeshvertices", INPUT=Path(made.path))
    assert sorted(each["properties"]["Bed Elevation"] for each in again) == [1, 2, 3]


def test_a_layer_with_settings_may_name_a_field(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), make.point(1, 0), make.point(0, 1), h=[5, 6, 7])
    source = [{"layer": points, "field": "h", "type": "vertices"}]
    made = bench.run("native:tinmeshcreation", SOURCE_DATA=source)["OUTPUT_MESH"]
    again = bench.features("native:exportmeshvertices", INPUT=Path(made.path))
    assert sorted(each["properties"]["Bed Elevation"] for each in again) == [5, 6, 7]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"feild": "height"}, "has a member 'feild' beside its layer, which has: field, type"),
        ({"field": "nothing"}, "has no field 'nothing'; it has: h"),
        ({"type": "circles"}, "one of points, structure lines, break lines"),
        ({}, "has no Z"),
    ],
)
def test_wrong_settings_of_a_layer_are_refused(
    bench: Any, make: Any, settings: dict[str, Any], words: str
) -> None:
    points = make.features(make.point(0, 0), h=[5])
    item = {"layer": points, **({"field": "h"} if settings.get("type") else {}), **settings}
    refused = bench.rejection(
        "qgis:idwinterpolation",
        INTERPOLATION_DATA=[item],
        EXTENT={"bbox": [0, 0, 1, 1]},
        PIXEL_SIZE=1,
    )
    assert words in refused.detail
    assert refused.faults[0].pointer == "/inputs/INTERPOLATION_DATA/0"


def test_the_layer_at_fault_is_counted(bench: Any, make: Any) -> None:
    layers = [make.features(make.point(0, 0)), {"type": "Nothing"}]
    refused = bench.rejection("native:mergevectorlayers", LAYERS=layers)
    assert refused.faults[0].pointer == "/inputs/LAYERS/1"


def test_vector_tiles_are_one_file_or_a_zip(bench: Any, make: Any) -> None:
    layer = {"layer": make.features(make.square(0, 0)), "name": "squares", "maxZoom": 2}
    tiles = bench.run("native:writevectortiles_mbtiles", LAYERS=[layer], MAX_ZOOM=2)["OUTPUT"]
    assert tiles.media_type == "application/vnd.mapbox-mbtiles"
    with sqlite3.connect(tiles.path) as opened:
        text = opened.execute("select value from metadata where name = 'json'").fetchone()[0]
    opened.close()
    assert "squares" in text
    folder = bench.run("native:writevectortiles_xyz", LAYERS=[layer], MAX_ZOOM=1)
    assert folder["OUTPUT_DIRECTORY"].media_type == "application/zip"


def test_a_drawing_is_made_of_layers(bench: Any, make: Any) -> None:
    layers = [make.features(make.square(0, 0), h=[1])]
    of_newer_versions = {"EXPORT_LINES_WITH_ZERO_WIDTH"} & set(
        bench.process("native:dxfexport").inputs
    )
    more = dict.fromkeys(of_newer_versions, False)
    made = bench.run("native:dxfexport", LAYERS=layers, ENCODING="ISO-8859-1", **more)["OUTPUT"]
    assert made.media_type == "image/vnd.dxf"
    assert "SECTION" in Path(made.path).read_text()


def test_a_table_of_colours_is_a_text(bench: Any, data: Path) -> None:
    table = Inline(value="0 0 0 0\n4000 255 255 255\nnv 0 0 0\n", media_type="text/plain")
    made = bench.run("gdal:colorrelief", INPUT=data / "dem.tif", COLOR_TABLE=table)["OUTPUT"]
    assert made.media_type.startswith("image/tiff")


def test_classes_of_relief_are_objects(bench: Any, data: Path) -> None:
    classes = [{"minimum": -1000, "maximum": 9000, "color": "#336699"}]
    made = bench.run("qgis:relief", INPUT=data / "dem.tif", COLORS=classes)["OUTPUT"]
    assert made.media_type.startswith("image/tiff")


def test_fields_that_hold_paths_hold_names_only(bench: Any, make: Any) -> None:
    made = bench.features("native:mergevectorlayers", LAYERS=[make.features(make.point(0, 0))])
    assert made[0]["properties"]["path"] == "LAYERS_1.geojson"


def test_a_zip_may_be_a_shapefile_of_any_name(bench: Any, make: Any) -> None:
    points = make.features(make.point(1, 2), name=["ä"])
    zipped = bench.run("native:centroids", {"OUTPUT": "application/zip"}, INPUT=points)["OUTPUT"]
    assert zipped.name == "OUTPUT.zip"
    again = bench.features("gdal:buffervectors", INPUT=Path(zipped.path), DISTANCE=1)
    assert again[0]["properties"]["name"] == "ä"
