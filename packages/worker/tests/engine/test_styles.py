"""Styles of layers: taken from a GeoPackage and kept in one, unless there is harm in them."""

from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMarkerSymbol,
    QgsProcessingFeedback,
    QgsProperty,
    QgsRendererCategory,
    QgsSymbolLayer,
    QgsVectorLayer,
)

from qanat_common.protocol import LocalFile
from qanat_worker.engine import export, formats
from qanat_worker.engine.parameters.layers import VECTOR
from qanat_worker.engine.sources import layers_of
from qanat_worker.engine.workspace import Workspace

GEOPACKAGE = "application/geopackage+sqlite3"


@pytest.fixture
def styled(bench: Any, make: Any) -> Any:
    """A GeoPackage of one layer whose style has a symbol for a value, of a size that is computed."""

    def write(size: str) -> Path:
        points = make.features(make.point(0, 0), name=["a"])
        made = bench.run("native:centroids", {"OUTPUT": GEOPACKAGE}, INPUT=points)["OUTPUT"]
        layer = QgsVectorLayer(made.path, "x", "ogr")
        symbol = QgsMarkerSymbol.createSimple({"color": "red"})
        size_of = QgsProperty.fromExpression(size)
        symbol.symbolLayer(0).setDataDefinedProperty(QgsSymbolLayer.PropertySize, size_of)
        category = QgsRendererCategory("a", symbol, "a")
        layer.setRenderer(QgsCategorizedSymbolRenderer("name", [category]))
        layer.saveStyleToDatabase("mine", "", True, "")
        return Path(made.path)

    return write


def renderer_of(path: str) -> str:
    """As QGIS opens it: with its default style."""
    layer = QgsVectorLayer(path, "x", "ogr")  # it must live as long as its renderer is looked at
    return str(layer.renderer().type())


@pytest.mark.parametrize(
    ("size", "renderer"),
    [
        ("1 + 1", "categorizedSymbol"),
        ("length(env('HOME'))", "singleSymbol"),
        ("LENGTH(Env ('HOME'))", "singleSymbol"),
        ("length('file:///etc/passwd')", "singleSymbol"),
        ("/etc/passwd", "singleSymbol"),
    ],
)
def test_a_style_is_taken_unless_there_is_harm_in_it(
    styled: Any, tmp_path: Path, size: str, renderer: str
) -> None:
    path = styled(size)
    job = Workspace(tmp_path, QgsProcessingFeedback(False))
    layers_of(LocalFile(path=str(path)), VECTOR, "INPUT", "INPUT", job)
    (layer,) = job.layers["INPUT"]
    assert isinstance(layer, QgsVectorLayer)
    assert layer.renderer().type() == renderer


def test_a_package_keeps_the_styles_and_the_names_of_its_layers(bench: Any, styled: Any) -> None:
    given = styled("1 + 1")
    made = bench.run("native:package", LAYERS=[given])["OUTPUT"]
    assert renderer_of(f"{made.path}|layername={given.stem}") == "categorizedSymbol"


def test_a_style_that_an_algorithm_gives_is_kept_in_a_geopackage(
    engine: Any, tmp_path: Path
) -> None:
    made = QgsVectorLayer("Point?field=name:string", "made", "memory")
    category = QgsRendererCategory("a", QgsMarkerSymbol.createSimple({}), "a")
    made.setRenderer(QgsCategorizedSymbolRenderer("name", [category]))
    path = export.vector(made, formats.GEOPACKAGE, tmp_path, "OUTPUT")
    assert renderer_of(str(path)) == "categorizedSymbol"


def test_a_layer_without_a_style_of_its_own_gets_none(bench: Any, make: Any) -> None:
    points = make.features(make.point(0, 0), name=["a"])
    made = bench.run("native:centroids", {"OUTPUT": GEOPACKAGE}, INPUT=points)["OUTPUT"]
    assert QgsVectorLayer(made.path, "x", "ogr").listStylesInDatabase()[0] < 1
