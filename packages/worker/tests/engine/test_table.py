"""No type of QGIS without a converter or a reason, and the page that says so is up to date."""

from pathlib import Path

from qgis.core import QgsApplication

from qanat_worker.engine import page
from qanat_worker.engine.outputs import DESTINATIONS
from qanat_worker.engine.parameters import CONVERTERS, UNSUPPORTED
from qanat_worker.engine.results import RESULTS, UNSUPPORTED_OUTPUTS
from qanat_worker.port import Engine

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "parameter-types.md"
KNOWN = set(CONVERTERS) | set(UNSUPPORTED) | set(DESTINATIONS)

OF_3_40 = {
    "aggregates",
    "alignrasterlayers",
    "annotation",
    "area",
    "attribute",
    "authcfg",
    "band",
    "boolean",
    "color",
    "coordinateoperation",
    "crs",
    "databaseschema",
    "databasetable",
    "datetime",
    "distance",
    "duration",
    "dxflayers",
    "enum",
    "expression",
    "extent",
    "field",
    "fields_mapping",
    "file",
    "fileDestination",
    "folderDestination",
    "geometry",
    "layer",
    "layout",
    "layoutitem",
    "maptheme",
    "matrix",
    "mesh",
    "meshdatasetgroups",
    "meshdatasettime",
    "multilayer",
    "number",
    "point",
    "pointCloudDestination",
    "pointcloud",
    "providerconnection",
    "range",
    "raster",
    "rasterDestination",
    "scale",
    "sink",
    "source",
    "string",
    "tininputlayers",
    "vector",
    "vectorDestination",
    "vectorTileDestination",
    "vectortilewriterlayers",
    "volume",
}
"""All types that QGIS 3.40 registers: 53."""

OUTPUTS_OF_3_40 = {
    "outputVector",
    "outputNumber",
    "outputRaster",
    "outputString",
    "outputFile",
    "outputHtml",
    "outputFolder",
    "outputMultilayer",
    "outputLayer",
    "outputBoolean",
    "outputVectorTile",
    "outputVariant",
}


def test_every_registered_type_has_a_converter_or_a_reason(engine: Engine) -> None:
    registered = {each.id() for each in QgsApplication.processingRegistry().parameterTypes()}
    assert registered <= KNOWN
    assert len(OF_3_40) == 53
    assert OF_3_40 <= KNOWN


def test_every_type_of_every_algorithm_has_one_too(engine: Engine) -> None:
    algorithms = QgsApplication.processingRegistry().algorithms()
    used = {param.type() for each in algorithms for param in each.parameterDefinitions()}
    assert {"idw_interpolation_data", "execute_sql", "relief_colors"} <= used
    assert used <= KNOWN
    made = {output.type() for each in algorithms for output in each.outputDefinitions()}
    assert made | OUTPUTS_OF_3_40 <= set(RESULTS) | set(UNSUPPORTED_OUTPUTS)


def test_no_type_has_both_a_converter_and_a_reason() -> None:
    assert not set(CONVERTERS) & set(UNSUPPORTED)
    assert not set(CONVERTERS) & set(DESTINATIONS)


def test_the_reference_page_says_what_the_table_says() -> None:
    assert PAGE.read_text("utf-8") == page.parameter_types()
