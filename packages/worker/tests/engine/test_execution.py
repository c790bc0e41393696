"""Names, outputs and texts of a request, where they are wrong or would be dangerous."""

import json
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import AlgorithmFailed
from qanat_worker.engine.expressions import wrong_formula, wrong_options, wrong_sql


def test_an_unknown_input_is_named_with_those_there_are(bench: Any, make: Any) -> None:
    refused = bench.rejection("native:buffer", INPUT=make.point(0, 0), DISTANZ=1)
    assert refused.faults[0].pointer == "/inputs/DISTANZ"
    assert "DISTANCE" in refused.detail


def test_a_destination_is_no_input(bench: Any, make: Any) -> None:
    refused = bench.rejection("native:buffer", INPUT=make.point(0, 0), OUTPUT="/tmp/x.geojson")
    assert refused.faults[0].pointer == "/inputs/OUTPUT"


def test_a_missing_input_is_named(bench: Any) -> None:
    assert bench.rejection("native:buffer", DISTANCE=1).detail == "INPUT is missing"


def test_zero_false_and_an_empty_text_are_values(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), name=["a"])
    made = bench.features("native:buffer", INPUT=points, DISTANCE=0, DISSOLVE=False)
    assert made[0]["geometry"] == {"type": "MultiPolygon", "coordinates": []}
    square = make.features(make.square(0, 0), name=["a"])
    named = bench.features("native:addxyfields", INPUT=points, PREFIX="", CRS="EPSG:4326")
    assert set(named[0]["properties"]) == {"name", "x", "y"}
    assert bench.features("native:buffer", INPUT=square, DISTANCE=0)[0]["geometry"]["coordinates"]


def test_an_unknown_output_is_refused(bench: Any, make: Any) -> None:
    refused = bench.rejection("native:buffer", {"OUT": None}, INPUT=make.point(0, 0))
    assert refused.faults[0].pointer == "/outputs/OUT"


def test_a_media_type_that_is_not_offered_is_refused_with_those_that_are(
    bench: Any, make: Any
) -> None:
    refused = bench.rejection("native:buffer", {"OUTPUT": "image/png"}, INPUT=make.point(0, 0))
    assert refused.faults[0].pointer == "/outputs/OUTPUT/format/mediaType"
    assert "application/geo+json" in refused.detail


def test_no_outputs_asked_for_means_all(bench: Any, make: Any) -> None:
    assert list(bench.run("native:buffer", {}, INPUT=make.point(0, 0))) == ["OUTPUT"]


def test_a_file_comes_in_the_format_asked_for(bench: Any, make: Any) -> None:
    ods = "application/vnd.oasis.opendocument.spreadsheet"
    layer = make.features(make.point(0, 0), name=["a"])
    made = bench.run("native:exporttospreadsheet", {"OUTPUT": ods}, LAYERS=[layer])["OUTPUT"]
    assert (made.name, made.media_type) == ("OUTPUT.ods", ods)
    assert Path(made.path).read_bytes().startswith(b"PK")


def test_a_value_of_several_fields_is_an_array(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), a=[1], b=[2], c=[3])
    made = bench.features("native:deletecolumn", INPUT=points, COLUMN=["a", "b"])
    assert made[0]["properties"] == {"c": 3}


def test_fields_are_mapped_by_objects(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), a=["7"])
    mapping = [{"name": "n", "type": "integer", "expression": 'to_int("a") + 1'}]
    made = bench.features("native:refactorfields", INPUT=points, FIELDS_MAPPING=mapping)
    assert made[0]["properties"] == {"n": 8}


def test_a_field_without_an_expression_is_a_field_of_nulls(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), a=["7"])
    mapping = [{"name": "n", "type": "integer", "expression": ""}]
    made = bench.features("native:refactorfields", INPUT=points, FIELDS_MAPPING=mapping)
    assert made[0]["properties"] == {"n": None}


def test_values_are_aggregated_by_objects(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), make.point(1, 1), a=[1, 2])
    wanted = [{"name": "all", "type": "integer", "input": '"a"', "aggregate": "sum"}]
    made = bench.features("native:aggregate", INPUT=points, AGGREGATES=wanted)
    assert [each["properties"] for each in made] == [{"all": 3}]


@pytest.mark.parametrize(
    "expression",
    [
        "env('HOME')",
        "ENV('HOME')",
        "file_exists('/etc/passwd')",
        "eval('1')",
        "1 + array_first(array_foreach(array(1), env('x')))",
    ],
)
def test_expressions_do_not_reach_outside(bench: Any, make: Any, expression: str) -> None:
    given = {"INPUT": make.point(0, 0), "FIELD_NAME": "x", "FORMULA": expression}
    refused = bench.rejection("native:fieldcalculator", **given)
    assert "not allowed here" in refused.detail
    assert refused.faults[0].pointer == "/inputs/FORMULA"


@pytest.mark.parametrize(
    ("process_id", "name", "value"),
    [
        ("gdal:rasterize", "OPTIONS", "-co X=Y --config GDAL_VRT_ENABLE_PYTHON YES"),
        ("gdal:hillshade", "OPTIONS", "A=B\t--config\tX\tY"),
        ("gdal:contour", "FIELD_NAME", "-x --config A B"),
        ("gdal:contour", "FIELD_NAME", 'a" --config A B "'),
        ("gdal:rastercalculator", "FORMULA", "__import__('os').system('id')"),
    ],
)
def test_texts_of_gdal_stay_one_argument(
    bench: Any, data: Path, process_id: str, name: str, value: str
) -> None:
    inputs: dict[str, Any] = {"INPUT": data / "dem.tif", "BAND_A": 1, "INPUT_A": data / "dem.tif"}
    known = bench.process(process_id).inputs
    given = {key: each for key, each in inputs.items() if key in known} | {name: value}
    if process_id == "gdal:rasterize":
        given |= {"INPUT": {"type": "Point", "coordinates": [0, 0]}, "UNITS": "Pixels"}
    assert bench.rejection(process_id, **given).faults[0].pointer == f"/inputs/{name}"


def test_a_layer_name_within_a_file_stays_one_argument(
    bench: Any, make: Any, tmp_path: Path
) -> None:
    path = tmp_path / "x.geojson"
    collection = {**make.features(make.square(0, 0)), "name": 'a" --config A B "'}
    path.write_text(json.dumps(collection))
    refused = bench.rejection("gdal:buffervectors", INPUT=path)
    assert "name cannot be used" in refused.detail


@pytest.mark.parametrize(
    "formula",
    [
        "A.tofile('x')",
        "A[0]",
        "(lambda: A)()",
        "[A for A in B]",
        "open('x')",
        "A if B else C",
        "'x'",
        "A;B",
        "exec",
        "f'{A}'",
        "A := B",
    ],
)
def test_a_formula_is_arithmetic_only(formula: str) -> None:
    assert wrong_formula(formula)


@pytest.mark.parametrize(
    "formula", ["A*2", "where(A>0, A, 0)", "(A+B)/2", "logical_and(A>1,B<2)*1.5"]
)
def test_arithmetic_is_a_formula(bench: Any, formula: str) -> None:
    assert wrong_formula(formula) is None


@pytest.mark.parametrize(
    "sql",
    ["delete from input1", "", "select env('x')", "SELECT Load_Extension ('x')", "attach 'x' as y"],
)
def test_sql_reads_layers_only(sql: str) -> None:
    assert wrong_sql(sql)


def test_creation_options_are_names_and_values() -> None:
    assert wrong_options("COMPRESS=DEFLATE|PREDICTOR=2") is None
    assert wrong_options("") is None
    assert wrong_options("COMPRESS=/etc/passwd")


def test_a_formula_is_calculated(bench: Any, data: Path) -> None:
    made = bench.run(
        "gdal:rastercalculator", INPUT_A=data / "dem.tif", BAND_A=1, FORMULA="where(A>0,A,0)*0"
    )
    assert made["OUTPUT"].media_type.startswith("image/tiff")


def test_what_the_algorithm_says_is_told_when_it_fails(bench: Any, make: Any) -> None:
    with pytest.raises(AlgorithmFailed, match="greater than feature count"):
        bench.run(
            "native:randomextract",
            INPUT=make.point(0, 0),
            NUMBER=9,
            METHOD="Number of features",
        )


@pytest.mark.parametrize(
    ("name", "bad"), [("DISTANCE", "abc"), ("SEGMENTS", -5), ("END_CAP_STYLE", 9)]
)
def test_a_value_that_qgis_would_run_with_unseen_is_refused(
    bench: Any, make: Any, name: str, bad: Any
) -> None:
    """Trap T4: QGIS's own `run` takes each of them for something else."""
    given = {"INPUT": make.features(make.point(1, 2)), "DISTANCE": 1, name: bad}
    assert name in bench.rejection("native:buffer", **given).detail
