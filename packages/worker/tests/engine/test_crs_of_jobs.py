"""In which CRS a job measures, and on which ellipsoid (docs/explanation/decisions/0003)."""

from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsProject

AREA, CRS = ("$area", 0), ("@project_crs", 2)
"""Formula, and the place of its type among those that QGIS names anew now and then."""

BOX = {"bbox": [499000, 5499000, 501000, 5501000], "crs": "EPSG:25832"}


def field(bench: Any, formula: tuple[str, int]) -> dict[str, str]:
    text, kind = formula
    kinds = bench.process("native:fieldcalculator").inputs["FIELD_TYPE"].schema_["enum"]
    return {"FIELD_NAME": "n", "FIELD_TYPE": kinds[kind], "FORMULA": text}


def calculated(bench: Any, layer: Any, formula: tuple[str, int]) -> Any:
    (made,) = bench.features("native:fieldcalculator", INPUT=layer, **field(bench, formula))
    return made["properties"]["n"]


def test_areas_of_layers_in_degrees_are_square_metres(bench: Any, make: Any) -> None:
    square = make.features(make.square(0, 0))
    assert calculated(bench, square, AREA) == pytest.approx(1.2309e10, rel=1e-3)


def test_the_first_layer_decides_the_crs(bench: Any, make: Any) -> None:
    square = make.features(make.square(500000, 5500000, 100), crs="EPSG:25832")
    assert calculated(bench, square, CRS) == "EPSG:25832"
    # On the ellipsoid: the scale of the projection at its middle is 0.9996.
    assert calculated(bench, square, AREA) == pytest.approx(10000 / 0.9996**2, rel=1e-6)


def test_the_first_layer_is_that_of_the_description(bench: Any, make: Any) -> None:
    first = make.features(make.point(500000, 5500000), crs="EPSG:25832", name=["a"])
    second = make.features(make.point(9, 49.65), name=["b"])
    bench.run("native:joinattributesbylocation", JOIN=second, INPUT=first)
    project = QgsProject.instance()
    assert project is not None
    assert project.crs().authid() == "EPSG:25832"
    assert project.ellipsoid() == "EPSG:7019"


def test_a_layer_without_a_crs_is_measured_as_it_is(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "square.csv"
    path.write_text('wkt,name\n"POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))",a\n', "utf-8")
    made = bench.run(
        "native:fieldcalculator", {"OUTPUT": "text/csv"}, INPUT=path, **field(bench, AREA)
    )
    assert "4" in Path(made["OUTPUT"].path).read_text("utf-8").splitlines()[1].split(",")[-1]


def test_without_a_layer_the_first_box_decides(bench: Any) -> None:
    made = bench.run(
        "native:creategrid",
        {"OUTPUT": "text/csv"},
        TYPE="Rectangle (Polygon)",
        EXTENT=BOX,
        HSPACING=1000,
        VSPACING=1000,
    )
    assert len(Path(made["OUTPUT"].path).read_text("utf-8").splitlines()) == 5


def test_without_anything_that_has_a_crs_it_is_longitude_and_latitude(bench: Any) -> None:
    box = {"bbox": [0, 0, 2, 2]}
    made = bench.features("native:creategrid", EXTENT=box, HSPACING=1, VSPACING=1)
    assert {tuple(each["geometry"]["coordinates"]) for each in made} >= {(0, 2), (1, 1)}


def test_a_path_through_a_network_costs_metres_on_the_ellipsoid(bench: Any, make: Any) -> None:
    roads = make.features(make.line([500000, 5500000], [500000, 5501000]), crs="EPSG:25832")
    made = bench.run(
        "native:shortestpathpointtopoint",
        INPUT=roads,
        START_POINT="500000,5500000",
        END_POINT="500000,5501000",
    )
    assert made["TRAVEL_COST"].value == pytest.approx(1000 / 0.9996, abs=0.01)


def test_a_project_decides_itself(bench: Any, make: Any) -> None:
    square = make.features(make.square(9, 49))
    bench.project = "bare"
    # Without an ellipsoid QGIS takes each degree for that of the equator.
    assert calculated(bench, square, AREA) == pytest.approx(111319.49**2, rel=1e-4)
    bench.project = "town"
    assert calculated(bench, square, CRS) == "EPSG:25832"


def test_what_is_taken_for_a_crs_that_is_left_out_is_said(bench: Any) -> None:
    crs = bench.process("native:creategrid").inputs["CRS"]
    notes = {each.role: each.title for each in crs.metadata}
    assert crs.min_occurs == 0
    assert "default" not in crs.schema_
    assert notes["default"].startswith(
        "the CRS of the project; without one that of the first layer"
    )
