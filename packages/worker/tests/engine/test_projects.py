"""Published projects: what of them is offered, and jobs that run in them."""

import os
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsProject

from qanat_common.errors import NoSuchProject
from qanat_common.protocol import Named, ProjectField, ProjectLayout
from qanat_worker.port import ProducedFile


@pytest.fixture
def town(bench: Any) -> Any:
    bench.project = "town"
    return bench


def reasons(bench: Any) -> dict[str, str]:
    refused = bench.engine.offer().refused
    return {each.id: each.reason for each in refused if each.id.startswith("project:")}


def test_projects_are_offered_by_the_names_of_their_files(bench: Any) -> None:
    offered = bench.engine.offer().projects
    assert [each.name for each in offered] == ["bare", "town", "plain", "plans"]
    town = bench.published("town")
    assert (town.title, town.description) == ("The town & its roads", "Towns, roads and districts.")
    assert (town.crs, town.ellipsoid) == ("EPSG:25832", "EPSG:7019")
    assert (bench.published("bare").crs, bench.published("bare").ellipsoid) == (None, None)


def test_a_project_has_its_layers_with_what_a_client_must_know(bench: Any) -> None:
    layers = {each.name: each for each in bench.published("town").layers}
    towns = layers["towns"]
    assert (towns.kind, towns.geometry, towns.crs) == ("vector", "points", "EPSG:25832")
    assert towns.extent == [500000, 5500000, 503000, 5504000]
    assert towns.fields[1:] == [
        ProjectField(name="name", type="text"),
        ProjectField(name="people", type="integer"),
        ProjectField(name="district", type="integer"),
    ]
    assert layers["mayors"].geometry == "none"
    assert (layers["dem"].kind, layers["dem"].bands) == ("raster", 1)
    assert [field.name for field in layers["joined"].fields][-1] == "mayors_mayor"
    assert layers["counted"].fields[-1] == ProjectField(name="twice", type="integer")


def test_a_project_may_lie_in_a_geopackage(bench: Any) -> None:
    bench.project = "plans"
    stored = bench.published("plans")
    assert (stored.title, [each.name for each in stored.layers]) == ("Stored", ["towns"])
    made = bench.features("native:buffer", INPUT=Named(name="towns"), DISTANCE=1)
    assert [each["properties"]["name"] for each in made] == ["Aburg", "Bdorf"]


def test_a_project_that_its_storage_lacks_is_told(bench: Any) -> None:
    assert reasons(bench)["project:lacking"] == (
        "it cannot be loaded: QGIS cannot read it (Unable to open its address)"
    )


def test_a_storage_that_is_not_loaded_is_told_with_what_to_do(bench: Any) -> None:
    assert reasons(bench)["project:elsewhere"] == (
        "it cannot be loaded: no storage of QGIS's is there for postgresql:"
        " see worker.qgis.data_providers"
    )


def test_layers_of_one_name_are_told_apart_by_their_ids(bench: Any) -> None:
    names = [each.name for each in bench.published("town").layers if "twin" in each.name]
    assert len(set(names)) == 2
    assert all(name.startswith("twin (twin") for name in names)


def test_layouts_with_their_maps_and_map_themes_are_told(bench: Any) -> None:
    town = bench.published("town")
    assert town.layouts == [
        ProjectLayout(name="Plan", items=["main map"]),
        ProjectLayout(name="Atlas of districts", atlas=True, items=["main map"]),
    ]
    assert town.themes == ["bright"]


def test_what_is_not_offered_has_its_reason(bench: Any) -> None:
    others = ("plain", "lacking", "elsewhere")
    refused = {
        name: why
        for name, why in reasons(bench).items()
        if not any(each in name for each in others)
    }
    assert refused.pop("project:broken").startswith("it cannot be loaded: QGIS cannot read it")
    assert refused == {
        "project:town/secret": "it is private in the project",
        "project:town/lost": "its data cannot be opened",
    }


def test_a_job_takes_a_layer_of_its_project(town: Any) -> None:
    made = town.features("native:buffer", INPUT=Named(name="towns"), DISTANCE=100)
    assert [each["properties"]["name"] for each in made] == ["Aburg", "Bdorf"]


def test_only_the_layers_of_which_the_inputs_speak_are_opened(town: Any) -> None:
    town.run("native:buffer", INPUT=Named(name="towns"), DISTANCE=100)
    project = QgsProject.instance()
    opened = [layer for layer in project.mapLayers().values() if layer.isValid()]
    assert [(layer.name(), layer.startEditing()) for layer in opened] == [("towns", False)]


def test_layers_by_value_stand_beside_those_of_the_project(town: Any, make: Any) -> None:
    points = make.features(make.point(501000, 5500500), crs="EPSG:25832", number=[7])
    made = town.features(
        "native:joinattributesbylocation", INPUT=points, JOIN=Named(name="districts")
    )
    assert [each["properties"]["title"] for each in made] == ["A"]


def test_a_raster_of_the_project_is_taken_by_tools_of_gdal(town: Any) -> None:
    made = town.run("gdal:slope", INPUT=Named(name="dem"))["OUTPUT"]
    assert Path(made.path).stat().st_size > 1000


def test_several_layers_may_be_of_the_project(town: Any) -> None:
    layers = [Named(name="towns"), Named(name="towns")]
    assert len(town.features("native:mergevectorlayers", LAYERS=layers)) == 4
    merged = town.features("native:mergevectorlayers", LAYERS=layers)
    assert "/" not in merged[0]["properties"]["path"]


def test_layers_with_settings_may_be_of_the_project(town: Any) -> None:
    layers = [{"layer": "towns", "field": "people"}]
    made = town.run(
        "qgis:idwinterpolation",
        INTERPOLATION_DATA=layers,
        EXTENT={"bbox": [499000, 5499000, 504000, 5505000], "crs": "EPSG:25832"},
        PIXEL_SIZE=500,
    )
    assert isinstance(made["OUTPUT"], ProducedFile)


def test_expressions_reach_other_layers_and_variables_of_the_project(town: Any) -> None:
    formula = "aggregate('districts', 'count', \"id\") * @factor"
    made = town.features(
        "native:fieldcalculator", INPUT=Named(name="towns"), FIELD_NAME="n", FORMULA=formula
    )
    assert [each["properties"]["n"] for each in made] == [6, 6]


def test_expressions_do_not_learn_where_the_project_lies(town: Any) -> None:
    formula = "concat(@project_path, @project_folder, @project_home, @project_filename)"
    made = town.features(
        "native:fieldcalculator",
        INPUT=Named(name="towns"),
        FIELD_NAME="n",
        FIELD_TYPE=town.process("native:fieldcalculator").inputs["FIELD_TYPE"].schema_["enum"][2],
        FORMULA=formula,
    )
    assert {each["properties"]["n"] for each in made} <= {"", None}


def test_a_joined_layer_has_the_fields_of_the_other(town: Any) -> None:
    made = town.features("native:buffer", INPUT=Named(name="joined"), DISTANCE=1)
    assert [each["properties"]["mayors_mayor"] for each in made] == ["M", None]


def test_a_layer_has_the_fields_that_are_expressions(town: Any) -> None:
    made = town.features("native:buffer", INPUT=Named(name="counted"), DISTANCE=1)
    assert [each["properties"]["twice"] for each in made] == [2000, 400]


@pytest.mark.parametrize(
    ("process", "inputs", "why"),
    [
        ("native:buffer", {"INPUT": Named(name="nowhere")}, "names no vector layer of the project"),
        ("native:buffer", {"INPUT": Named(name="secret")}, "names no vector layer of the project"),
        ("native:buffer", {"INPUT": Named(name="dem")}, "names no vector layer of the project"),
        ("native:buffer", {"INPUT": Named(name="lost")}, "which cannot be opened here now"),
        ("native:slope", {"INPUT": Named(name="towns")}, "names no raster layer of the project"),
        ("native:centroids", {"INPUT": Named(name="towns"), "ALL_PARTS": Named(name="towns")},
         "takes no layer of the project"),
        ("native:polygonstolines", {"INPUT": Named(name="towns")}, "must hold polygons"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_is_refused(
    town: Any, process: str, inputs: dict[str, Any], why: str
) -> None:
    assert why in str(town.rejection(process, **inputs))


def test_without_a_project_no_layer_has_a_name(bench: Any) -> None:
    refused = bench.rejection("native:buffer", INPUT=Named(name="towns"))
    assert "names no vector layer of the project: 'towns'; it has: none" in str(refused)


def test_a_field_of_a_layer_of_the_project_is_checked(town: Any) -> None:
    refused = town.rejection("native:dissolve", INPUT=Named(name="districts"), FIELD=["color"])
    assert "names no field of INPUT: color; it has: fid, id, title" in str(refused)


def test_an_unknown_project_is_none(bench: Any) -> None:
    bench.project = "nowhere"
    with pytest.raises(NoSuchProject, match="'nowhere'"):
        bench.run("native:buffer", INPUT=Named(name="towns"))


def test_the_crs_of_the_project_is_that_of_the_job(town: Any) -> None:
    made = town.run(
        "native:creategrid",
        {"OUTPUT": "text/csv"},
        EXTENT={"bbox": [499000, 5499000, 501000, 5501000], "crs": "EPSG:25832"},
        HSPACING=1000,
        VSPACING=1000,
    )
    assert "501000" in Path(made["OUTPUT"].path).read_text()


def test_layouts_are_printed(town: Any) -> None:
    process = next(
        each for each in town.engine.offer().in_projects if each.id == "native:printlayouttopdf"
    )
    assert {"LAYOUT", "LAYERS", "DPI"} <= set(process.inputs)
    made = town.run("native:printlayouttopdf", LAYOUT="Plan")["OUTPUT"]
    assert isinstance(made, ProducedFile)
    assert Path(made.path).read_bytes()[:5] == b"%PDF-"
    refused = town.rejection("native:printlayouttopdf", LAYOUT="Map")
    assert "LAYOUT must be one of Plan, Atlas of districts, not 'Map'" in str(refused)


def test_an_atlas_has_a_page_for_each_feature(town: Any) -> None:
    made = town.run("native:atlaslayouttopdf", LAYOUT="Atlas of districts")["OUTPUT"]
    assert Path(made.path).read_bytes().count(b"/Type /Page\n") == 2


def test_a_map_theme_is_drawn(town: Any) -> None:
    (process,) = (each for each in town.engine.offer().in_projects if each.id == "native:rasterize")
    assert "MAP_THEME" in process.inputs
    assert "MAP_THEME" not in town.process("native:rasterize").inputs
    made = town.run(
        "native:rasterize",
        EXTENT={"bbox": [499000, 5499000, 505000, 5505000], "crs": "EPSG:25832"},
        MAP_THEME="bright",
        MAP_UNITS_PER_PIXEL=100,
    )
    assert isinstance(made["OUTPUT"], ProducedFile)


def test_relations_of_the_project_are_used(town: Any) -> None:
    made = town.features("native:flattenrelationships", INPUT=Named(name="districts"))
    assert sorted(each["properties"]["name"] for each in made) == ["Aburg", "Bdorf"]


def test_what_needs_a_project_is_refused_without_one(bench: Any) -> None:
    refused = {each.id: each.reason for each in bench.engine.offer().refused}
    assert refused["native:printlayouttopdf"].endswith("offered with ?project=NAME only")


def test_macros_and_python_of_a_project_are_never_run(town: Any) -> None:
    town.run("native:printlayouttopdf", LAYOUT="Plan")
    town.run("native:buffer", INPUT=Named(name="towns"), DISTANCE=1)
    (folder,) = {Path(path).parents[1] for path in _files(town) if path.endswith("town.gpkg")}
    assert (folder / "town.qgz").exists()
    assert not (folder / "python-was-run").exists()


def test_nothing_is_written_beside_the_data_of_a_project(town: Any) -> None:
    (path,) = {Path(path) for path in _files(town) if path.endswith("town.gpkg")}
    before = path.stat().st_mtime_ns
    town.run("native:printlayouttopdf", LAYOUT="Plan")
    assert path.stat().st_mtime_ns == before
    assert {each.name for each in path.parent.iterdir()} == {
        "dem.tif", "dem.tif.aux.xml", "town.gpkg"
    }  # fmt: skip


def test_the_warm_parent_has_no_file_of_a_project_open(engine: Any) -> None:
    opened = {os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()}
    assert not [each for each in opened if each.endswith((".qgz", ".qgs", ".qgd"))]


def _files(town: Any) -> list[str]:
    town.run("native:printlayouttopdf", LAYOUT="Plan")
    layers = QgsProject.instance().mapLayers().values()
    return [layer.source().partition("|")[0] for layer in layers]
