"""Real algorithms on vectors, driven through the port."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import AlgorithmFailed, NoSuchProcess
from qanat_worker.port import ProducedFile


def square_numbers(make: Any, count: int = 4) -> dict[str, Any]:
    squares = [make.square(2 * n, 0) for n in range(count)]
    return make.features(
        *squares, name=[f"s{n}" for n in range(count)], group=[n % 2 for n in range(count)]
    )


def test_buffers_are_polygons_with_the_points_attributes(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), make.point(5, 5), name=["a", "b"])
    made = bench.features("native:buffer", INPUT=points, DISTANCE=1, SEGMENTS=2)
    assert [each["properties"] for each in made] == [{"name": "a"}, {"name": "b"}]
    assert {each["geometry"]["type"] for each in made} == {"MultiPolygon"}


def test_real_countries_have_centroids(bench: Any, data: Path) -> None:
    fixed = bench.run("native:fixgeometries", INPUT=data / "countries.geojson")["OUTPUT"]
    made = bench.features("native:centroids", INPUT=Path(fixed.path))
    assert len(made) == len(json.loads((data / "countries.geojson").read_text())["features"])
    assert {each["geometry"]["type"] for each in made} == {"Point"}


def test_a_reprojected_layer_comes_back_as_crs84_in_geojson_only(bench: Any, make: Any) -> None:
    points = make.features(make.point(10, 50))
    made = bench.features("native:reprojectlayer", INPUT=points, TARGET_CRS="EPSG:3857")
    assert made[0]["geometry"]["coordinates"] == pytest.approx([10, 50])
    csv = bench.run(
        "native:reprojectlayer", {"OUTPUT": "text/csv"}, INPUT=points, TARGET_CRS="EPSG:3857"
    )
    assert "1113194" in Path(csv["OUTPUT"].path).read_text()


def test_a_field_is_calculated(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), make.point(1, 1), value=[1, 2])
    made = bench.features(
        "native:fieldcalculator", INPUT=points, FIELD_NAME="double", FORMULA='"value" * 2'
    )
    assert [each["properties"]["double"] for each in made] == [2, 4]


def test_two_layers_are_joined_by_a_field(bench: Any, make: Any) -> None:
    left = make.features(make.point(0, 0), make.point(1, 1), key=["a", "b"])
    right = make.features(None, None, key=["b", "a"], color=["blue", "red"])
    made = bench.features(
        "native:joinattributestable",
        INPUT=left, FIELD="key", INPUT_2=right, FIELD_2="key", FIELDS_TO_COPY=["color"],
    )  # fmt: skip
    assert [each["properties"]["color"] for each in made] == ["red", "blue"]


def test_optional_outputs_are_made_only_when_asked_for(bench: Any, make: Any) -> None:
    left = make.features(make.point(0, 0), key=["a"])
    given = {"INPUT": left, "FIELD": "key", "INPUT_2": left, "FIELD_2": "key"}
    assert "NON_MATCHING" not in bench.run("native:joinattributestable", **given)
    asked = bench.run("native:joinattributestable", {"NON_MATCHING": None}, **given)
    assert list(asked) == ["NON_MATCHING"]


def test_squares_dissolve_by_a_field(bench: Any, make: Any) -> None:
    made = bench.features("native:dissolve", INPUT=square_numbers(make), FIELD=["group"])
    assert sorted(each["properties"]["group"] for each in made) == [0, 1]


def test_merged_layers_keep_the_names_their_collections_have(bench: Any, make: Any) -> None:
    """Trap T8: names of layers end up in results."""
    first = {**make.features(make.point(0, 0)), "name": "first"}
    made = bench.features(
        "native:mergevectorlayers", LAYERS=[first, make.features(make.point(1, 1))]
    )
    assert [each["properties"]["layer"] for each in made] == ["first", "LAYERS_2"]


def test_features_are_chosen_by_an_expression(bench: Any, make: Any) -> None:
    made = bench.run(
        "native:extractbyexpression",
        {"OUTPUT": None},
        INPUT=square_numbers(make),
        EXPRESSION="\"name\" in ('s1', 's3')",
    )
    found = json.loads(Path(made["OUTPUT"].path).read_text())["features"]
    assert [each["properties"]["name"] for each in found] == ["s1", "s3"]


def test_sql_reads_the_layers_that_are_given(bench: Any, make: Any) -> None:
    """Trap T3: QGIS looks them up in the project of the process."""
    made = bench.features(
        "qgis:executesql",
        INPUT_DATASOURCES=[square_numbers(make)],
        INPUT_QUERY="select name, st_area(geometry) as area, geometry from input1 where name = 's2'",
        INPUT_GEOMETRY_TYPE="Autodetect",
    )
    assert [each["properties"] for each in made] == [{"name": "s2", "area": 1.0}]


def test_statistics_are_numbers_and_a_page(bench: Any, make: Any) -> None:
    points = make.features(*[make.point(n, n) for n in range(3)], value=[1, 2, 6])
    made = bench.run("qgis:basicstatisticsforfields", INPUT_LAYER=points, FIELD_NAME="value")
    assert made["MEAN"].value == 3
    assert made["MAX"].value == 6
    page = made["OUTPUT_HTML_FILE"]
    assert isinstance(page, ProducedFile)
    assert (page.name, page.media_type) == ("OUTPUT_HTML_FILE.html", "text/html")
    assert "Mean" in Path(page.path).read_text()


def test_a_folder_comes_back_as_a_zip(bench: Any, make: Any) -> None:
    made = bench.run("native:splitvectorlayer", INPUT=square_numbers(make), FIELD="name")
    assert list(made) == ["OUTPUT"]
    assert made["OUTPUT"].media_type == "application/zip"
    with zipfile.ZipFile(made["OUTPUT"].path) as opened:
        assert len(opened.namelist()) == 4


def test_a_package_holds_every_layer(bench: Any, make: Any) -> None:
    first = {**make.features(make.point(0, 0)), "name": "first"}
    second = {**make.features(make.point(0, 0)), "name": "second"}
    package = bench.run("native:package", LAYERS=[first, second])["OUTPUT"]
    assert package.media_type == "application/geopackage+sqlite3"
    merged = bench.features("native:mergevectorlayers", LAYERS=[Path(package.path)])
    assert {each["properties"]["layer"] for each in merged} == {"first", "second"}


def test_equal_inputs_are_one_layer(bench: Any, make: Any) -> None:
    """Trap T8: algorithms look whether two inputs are the same layer."""
    points = make.features(make.point(0, 0), make.point(3, 4), crs="EPSG:3857", name=["a", "b"])
    made = bench.features(
        "qgis:distancematrix",
        INPUT=points, INPUT_FIELD="name", TARGET=points, TARGET_FIELD="name", MATRIX_TYPE=0,
    )  # fmt: skip
    assert [each["properties"]["Distance"] for each in made] == [pytest.approx(5, abs=0.1)] * 2


def test_geometries_that_are_null_stay_null(bench: Any, make: Any) -> None:
    """Trap T2: QGIS's writer makes them empty, or leaves the feature out."""
    points = make.features(make.point(0, 0), None, name=["a", "b"])
    for media_type in ("application/geo+json", "application/geopackage+sqlite3"):
        made = bench.run(
            "native:orderbyexpression", {"OUTPUT": media_type}, INPUT=points, EXPRESSION='"name"'
        )
        path = Path(made["OUTPUT"].path)
        again = bench.features("native:orderbyexpression", INPUT=path, EXPRESSION='"name"')
        assert [each["properties"]["name"] for each in again] == ["a", "b"]
        assert again[1]["geometry"] is None


def test_a_format_loses_no_feature_or_is_refused(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), None, name=["a", "b"])
    try:
        made = bench.run("native:centroids", {"OUTPUT": "application/flatgeobuf"}, INPUT=points)
        # Newer versions of GDAL keep a feature without a geometry.
        assert len(bench.features("native:centroids", INPUT=Path(made["OUTPUT"].path))) == 2
    except AlgorithmFailed as failed:
        assert "FlatGeobuf: 1 features" in failed.detail  # noqa: PT017 - either is right


@pytest.mark.parametrize("fid", [["x", "y"], [7, 7], [1.5, 2.5], [None, 3]])
def test_a_field_called_fid_is_a_field_like_others(bench: Any, make: Any, fid: Any) -> None:
    """Trap T2: a GeoPackage of QGIS refuses it, or numbers it anew."""
    points = make.features(make.point(0, 0), make.point(1, 1), fid=fid)
    made = bench.run("native:centroids", {"OUTPUT": "application/geopackage+sqlite3"}, INPUT=points)
    again = bench.features("native:centroids", INPUT=Path(made["OUTPUT"].path))
    assert [each["properties"]["fid"] for each in again] == fid


def test_gdals_own_vector_algorithms_run(bench: Any, make: Any) -> None:
    made = bench.features("gdal:buffervectors", INPUT=square_numbers(make), DISTANCE=0.1)
    assert len(made) == 4


def test_an_invalid_geometry_fails_and_is_named(bench: Any, make: Any) -> None:
    """Trap T9: what becomes of one is no matter of settings of whoever runs the server."""
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    with pytest.raises(AlgorithmFailed, match=r"invalid geometry\. Please fix the geometry first"):
        bench.run("native:dissolve", INPUT=make.features(bow, make.square(0, 0)))


def test_ids_of_older_versions_are_told_with_what_has_taken_their_place(bench: Any) -> None:
    aliases = bench.engine.offer().aliases
    assert aliases["qgis:aggregate"] == "native:aggregate"
    offered = {process.id for process in bench.engine.offer().processes}
    assert set(aliases.values()) <= offered
    assert not set(aliases) & offered


def test_ids_of_older_versions_are_known(bench: Any, make: Any) -> None:
    assert len(bench.features("qgis:dissolve", INPUT=square_numbers(make))) == 1


@pytest.mark.parametrize("process_id", ["native:nothing", "native:filedownloader", "", "x"])
def test_what_is_not_offered_does_not_run(bench: Any, process_id: str) -> None:
    with pytest.raises(NoSuchProcess):
        bench.run(process_id)


def test_the_last_job_leaves_no_layer_behind(bench: Any, make: Any) -> None:
    bench.run("native:centroids", INPUT={**square_numbers(make), "name": "secret"})
    refused = bench.rejection("native:centroids", INPUT="secret")
    assert refused.faults[0].pointer == "/inputs/INPUT"


def test_progress_goes_up_to_100(bench: Any, data: Path) -> None:
    bench.run("native:fixgeometries", INPUT=data / "countries.geojson")
    assert bench.told.percents == sorted(bench.told.percents)
    assert 0 < bench.told.percents[0] <= bench.told.percents[-1] <= 100


@pytest.mark.parametrize("media_type", ["text/csv", "application/gml+xml; version=3.2"])
def test_texts_have_the_decimals_that_a_field_has(bench: Any, make: Any, media_type: str) -> None:
    types = bench.process("native:fieldcalculator").inputs["FIELD_TYPE"].schema_["enum"]
    made = bench.run(
        "native:fieldcalculator",
        {"OUTPUT": media_type},
        INPUT=make.features(make.point(1, 2)),
        FIELD_NAME='a "third"' if media_type == "text/csv" else "third",
        FIELD_TYPE=next(each for each in types if each in ("Float", "Decimal (double)")),
        FIELD_LENGTH=10,
        FIELD_PRECISION=3,
        FORMULA="1 / 3",
    )
    assert "0.333" in Path(made["OUTPUT"].path).read_text("utf-8")
    assert "0.3333" not in Path(made["OUTPUT"].path).read_text("utf-8")


def test_an_input_that_qgis_hides_is_taken_in_older_requests(bench: Any, make: Any) -> None:
    points = make.features(make.point(1, 1), make.point(0, 0), at=[2, 1])
    old = bench.features("native:pointstopath", INPUT=points, ORDER_FIELD="at")
    new = bench.features("native:pointstopath", INPUT=points, ORDER_EXPRESSION='"at"')
    assert old[0]["geometry"] == new[0]["geometry"]
    about = bench.process("native:pointstopath").inputs["ORDER_FIELD"]
    notes = {note.role: note.title for note in about.metadata or []}
    assert notes["superseded"] == "ORDER_EXPRESSION has taken its place"
    assert about.min_occurs == 0
    assert (
        "default" not in bench.process("native:serviceareafrompoint").inputs["TRAVEL_COST"].schema_
    )
