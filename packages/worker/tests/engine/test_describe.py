"""Every description of every algorithm: within the closed schema language, and of use to clients."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError
from qgis.core import QgsApplication, QgsProcessingFeedback

from qanat_common.ogc import Process
from qanat_common.protocol import Inline
from qanat_worker.engine import policy
from qanat_worker.engine.describe import plain_text
from qanat_worker.engine.flags import flags_of
from qanat_worker.engine.outputs import DESTINATIONS
from qanat_worker.engine.parameters import CONVERTERS
from qanat_worker.engine.policy import Policy
from qanat_worker.engine.workspace import Workspace
from qanat_worker.port import Engine

KEYWORDS = {
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "not",
    "allOf",
    "oneOf",
    "anyOf",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "readOnly",
    "writeOnly",
    "example",
    "deprecated",
    "contentMediaType",
    "contentEncoding",
    "contentSchema",
} - {"nullable"}
"""The language of 1.0 (OpenAPI 3.0, closed), without nullable, of which clients have no use."""


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all within it."""
    yield schema
    for keyword in ("allOf", "oneOf", "anyOf"):
        for inner in schema.get(keyword, ()):
            yield from schemas(inner)
    for inner in schema.get("properties", {}).values():
        yield from schemas(inner)
    for keyword in ("items", "not", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from schemas(schema[keyword])


def wrong(process: Process) -> Iterator[str]:
    """What a client of clients.md 1.2, or the schema of a process, would stumble over."""
    for kind, members in (("input", process.inputs), ("output", process.outputs)):
        for name, about in members.items():
            where = f"{process.id} {kind} {name}"
            if not about.title or not about.schema_.get("title"):
                yield f"{where}: no title"
            if not {"type", "oneOf", "allOf"} & set(about.schema_):
                yield f"{where}: neither type nor oneOf nor allOf"
            for schema in schemas(about.schema_):
                for problem in wrong_schema(schema):
                    yield f"{where}: {problem}"
    if not process.outputs:
        yield f"{process.id}: no outputs"


def wrong_schema(schema: dict[str, Any]) -> Iterator[str]:
    if odd := set(schema) - KEYWORDS:
        yield f"has {odd}"
    if isinstance(schema.get("type", ""), list) or isinstance(schema.get("items", {}), list):
        yield "has a list of types or items"
    if "required" in schema and not schema["required"]:
        yield "requires nothing"
    if "default" in schema and schema["default"] is None:
        yield "has null as default"
    if schema.get("type") == "array" and "items" not in schema:
        yield "is an array of nothing"
    if "enum" in schema and len(set(schema["enum"])) != len(schema["enum"]):
        yield "has equal options"
    try:
        Draft4Validator.check_schema(schema)
    except SchemaError as error:
        yield error.message


def test_every_description_is_within_the_closed_language(engine: Engine) -> None:
    assert [problem for each in engine.offer().processes for problem in wrong(each)] == []


def test_every_default_is_a_value_that_the_schema_takes(engine: Engine) -> None:
    odd = [
        f"{process.id} {name}: {about.schema_['default']!r}"
        for process in engine.offer().processes
        for name, about in process.inputs.items()
        if "default" in about.schema_
        and not Draft4Validator(about.schema_).is_valid(about.schema_["default"])
    ]
    assert odd == []


def test_a_default_makes_an_input_optional(engine: Engine) -> None:
    for process in engine.offer().processes:
        for about in process.inputs.values():
            assert about.min_occurs in (0, 1)
            if "default" in about.schema_:
                assert about.min_occurs == 0


def test_the_offer_is_the_same_each_time_and_sorted(engine: Engine) -> None:
    first = engine.offer().model_dump_json()
    assert first == engine.offer().model_dump_json()
    ids = [process.id for process in engine.offer().processes]
    assert ids == sorted(ids)
    assert "0x" not in first.replace("0xFF", "")
    json.loads(first)


def test_most_algorithms_are_offered_and_the_rest_say_why(engine: Engine) -> None:
    offer = engine.offer()
    assert len(offer.processes) >= 280
    assert all(refusal.reason for refusal in offer.refused)
    assert not {process.id for process in offer.processes} & {each.id for each in offer.refused}
    counts = {provider.id: provider.algorithms for provider in engine.providers()}
    assert sum(counts.values()) == len(offer.processes)
    assert {"native", "gdal", "qgis", "3d"} <= set(counts)


@pytest.mark.parametrize(
    ("process_id", "reason"),
    [
        ("qgis:advancedpythonfieldcalculator", "code"),
        ("native:filedownloader", "addresses"),
        ("native:truncatetable", "in place"),
        ("native:printlayouttopdf", "project"),
        ("qgis:importintospatialite", "database"),
        ("native:selectbylocation", "Desktop"),
        ("native:loadlayer", "hidden"),
        ("gdal:buildvirtualraster", "paths"),
    ],
)
def test_what_would_be_a_hazard_is_refused(engine: Engine, process_id: str, reason: str) -> None:
    refused = {each.id: each.reason for each in engine.offer().refused}
    assert reason in refused[process_id]


def test_free_arguments_of_tools_are_left_out_and_said_to_be(engine: Engine) -> None:
    for process in engine.offer().processes:
        assert "EXTRA" not in process.inputs
    hillshade = next(each for each in engine.offer().processes if each.id == "gdal:hillshade")
    notes = [each.title or "" for each in hillshade.metadata or [] if each.role == "left-out"]
    assert any(note.startswith("EXTRA: free arguments") for note in notes)


def test_an_algorithm_that_qgis_marks_as_a_risk_is_refused() -> None:
    rules = Policy()
    assert rules.why_not("native:new", {"SecurityRisk"}) == "QGIS marks it as a security risk"
    assert rules.why_not("native:new", {"RequiresProject"}) is None


def test_every_default_is_taken_by_its_converter(engine: Engine, tmp_path: Path) -> None:
    job = Workspace(tmp_path, QgsProcessingFeedback(False))
    for algorithm in QgsApplication.processingRegistry().algorithms():
        for param in algorithm.parameterDefinitions():
            converter = CONVERTERS.get(param.type())
            default = converter.default(param) if converter else None
            if converter is not None and default is not None:
                converter.convert(param, Inline(value=default), job)


def test_every_pattern_of_the_deny_list_has_a_reason() -> None:
    assert all(len(why.split()) >= 4 for why in policy.DENIED.values())


def test_an_optional_input_that_is_not_supported_is_left_out(engine: Engine) -> None:
    rasterize = next(each for each in engine.offer().processes if each.id == "native:rasterize")
    assert "MAP_THEME" not in rasterize.inputs
    assert any("MAP_THEME" in (each.title or "") for each in rasterize.metadata or [])


def test_buffer_reads_as_a_client_expects_it(bench: Any) -> None:
    buffer = bench.process("native:buffer")
    assert (buffer.title, buffer.version) == ("Buffer", bench.engine.versions()["qgis"])
    assert "buffer" in (buffer.keywords or [])
    assert "<" not in (buffer.description or "")
    layer = buffer.inputs["INPUT"]
    assert (layer.min_occurs, layer.max_occurs) == (1, 1)
    first = layer.schema_["oneOf"][0]
    assert (first["type"], first["format"]) == ("object", "geojson-feature-collection")
    assert all(each.get("contentMediaType") for each in layer.schema_["oneOf"])
    distance = buffer.inputs["DISTANCE"]
    assert distance.schema_ == {"type": "number", "title": "Distance", "default": 10.0}
    assert ("unit", "unit of the CRS of INPUT") in {
        (m.role, m.title) for m in distance.metadata or []
    }
    caps = buffer.inputs["END_CAP_STYLE"].schema_
    assert (caps["enum"], caps["default"]) == (["Round", "Flat", "Square"], "Round")
    output = buffer.outputs["OUTPUT"]
    assert output.schema_["oneOf"][0]["contentMediaType"] == "application/geo+json"
    assert "CRS84" in (output.description or "")
    assert {m.role for m in buffer.metadata or []} >= {"provider", "group"}


def test_several_layers_are_an_input_that_occurs_several_times(bench: Any) -> None:
    layers = bench.process("native:mergevectorlayers").inputs["LAYERS"]
    assert layers.max_occurs == "unbounded"
    assert layers.schema_["oneOf"][0]["type"] == "object"


def test_a_description_says_what_a_person_needs(bench: Any) -> None:
    told = {each.role: each for each in bench.process("native:buffer").metadata}
    version = bench.engine.versions()["qgis"]
    assert told["provider"].title.startswith("QGIS")
    assert told["group"].title == "Vector geometry"
    assert told["qgis-version"].title == version
    manual = f"https://docs.qgis.org/{'.'.join(version.split('.')[:2])}/en/docs/user_manual"
    assert told["documentation"].href == (
        f"{manual}/processing_algs/qgis/vectorgeometry.html#qgisbuffer"
    )


def test_an_output_says_which_format_comes_unasked(bench: Any) -> None:
    output = bench.process("native:slope").outputs["OUTPUT"]
    assert output.description == "GeoTIFF, unless another format is asked for."
    told = {each.role: each.title for each in output.metadata}
    assert told["default-format"] == "image/tiff; application=geotiff"
    output = bench.process("native:buffer").outputs["OUTPUT"]
    assert output.description.startswith("GeoJSON, unless another format is asked for.")


def test_every_algorithm_of_qgis_says_where_it_is_explained(engine: Engine) -> None:
    own = {"native", "qgis", "gdal", "3d"}
    silent = [
        process.id
        for process in engine.offer().processes
        if process.id.partition(":")[0] in own
        and not any(each.role == "documentation" for each in process.metadata or [])
    ]
    assert silent == []


def test_what_qgis_shows_nowhere_any_more_is_deprecated(engine: Engine) -> None:
    found = flags_of(QgsApplication.processingRegistry().algorithmById("native:zonalstatistics"))
    assert "Deprecated" in found
    found = flags_of(QgsApplication.processingRegistry().algorithmById("native:buffer"))
    assert "Deprecated" not in found


def test_a_box_has_its_format_first(bench: Any) -> None:
    extent = bench.process("native:creategrid").inputs["EXTENT"].schema_
    assert extent["allOf"][0] == {"format": "ogc-bbox"}


def test_destinations_are_no_inputs(engine: Engine) -> None:
    for process in engine.offer().processes:
        types = {m.title for i in process.inputs.values() for m in i.metadata or []}
        assert not types & set(DESTINATIONS)


def test_help_is_plain_text() -> None:
    assert plain_text("<p>One &amp; two</p><p>three<br/>four</p>") == "One & two\nthree\nfour"
    assert plain_text(None) == ""
