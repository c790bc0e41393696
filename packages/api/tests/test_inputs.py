"""Inputs of an execute request: what each way of giving a value becomes."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api.body import parse
from qanat_api.inputs import compile_rules, parse_execute, parse_inputs
from qanat_common.errors import InvalidInput, InvalidRequest
from qanat_common.ogc import GEOJSON, Process
from qanat_common.protocol import Inline, Input, Inputs, Named, Reference

GEOPACKAGE, GML = "application/geopackage+sqlite3", "application/gml+xml; version=3.2"
LAYER = {"type": "FeatureCollection", "features": []}
BBOX = {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["href", "value", "bbox", "type", "mediaType", "format", "encoding"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def read(process: Process, **inputs: Any) -> Inputs:
    return parse_inputs(parse_execute({"inputs": inputs}), process, compile_rules(process))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (LAYER, Inline(value=LAYER, media_type=GEOJSON)),
        ({"value": LAYER}, Inline(value=LAYER, media_type=GEOJSON)),
        (
            {"value": LAYER, "mediaType": "application/geo+json"},
            Inline(value=LAYER, media_type=GEOJSON),
        ),
        (
            {"value": LAYER, "format": {"mediaType": "Application/Geo+JSON"}},
            Inline(value=LAYER, media_type="Application/Geo+JSON"),
        ),
        ("U1FM", Inline(value="U1FM", media_type=GEOPACKAGE, encoding="base64")),
        ("U1F\nM", Inline(value="U1F\nM", media_type=GEOPACKAGE, encoding="base64")),
        (
            {"value": "U1FM", "encoding": "base64"},
            Inline(value="U1FM", media_type=GEOPACKAGE, encoding="base64"),
        ),
        (
            {"value": "<gml/>", "mediaType": "application/gml+xml", "encoding": "UTF-8"},
            Inline(value="<gml/>", media_type="application/gml+xml"),
        ),
        (
            {"value": "PGdtbC8+", "mediaType": "application/gml+xml", "encoding": "base64"},
            Inline(value="PGdtbC8+", media_type="application/gml+xml", encoding="base64"),
        ),
        (
            {"value": "e30=", "mediaType": "application/geo+json", "encoding": "base64"},
            Inline(value="e30=", media_type=GEOJSON, encoding="base64"),
        ),
        (
            {"value": '{"type": "FeatureCollection", "features": []}', "mediaType": GEOJSON},
            Inline(value=LAYER, media_type=GEOJSON),
        ),
        (
            {"value": LAYER, "mediaType": "application/vnd.geo+json"},
            Inline(value=LAYER, media_type="application/vnd.geo+json"),
        ),
        (
            {"value": "U1FM", "mediaType": "application/x-sqlite3", "encoding": "base64"},
            Inline(value="U1FM", media_type="application/x-sqlite3", encoding="base64"),
        ),
        (
            {"href": "https://x/a.gml", "type": GML, "rel": "item"},
            Reference(href="https://x/a.gml", media_type=GML),
        ),
        ({"href": "HTTP://x/a"}, Reference(href="HTTP://x/a")),
    ],
)
def test_a_layer_may_be_given_in_every_way_of_the_standard(
    buffer: Process, given: Any, expected: Input
) -> None:
    assert read(buffer, INPUT=given) == {"INPUT": expected}


@pytest.mark.parametrize(
    ("given", "pointer", "words"),
    [
        ("a,b\n1,2", "", r"as application/geopackage\+sqlite3; a text of another format needs mediaType"),
        ({"value": "?", "mediaType": GML, "encoding": "base64"}, "/value", "is not base64"),
        ({"value": 5, "mediaType": GML, "encoding": "base64"}, "/value", "not of type"),
        ({"value": "{", "mediaType": GEOJSON}, "/value", "nor the text of one"),
        ({"value": "x", "mediaType": "a/b"}, "/mediaType", "is not one of"),
        ({"value": "x", "mediaType": GML, "encoding": "utf-7"}, "/encoding", "no encoding|not an"),
    ],
)  # fmt: skip
def test_a_layer_that_is_given_wrongly_is_refused_in_words(
    buffer: Process, given: Any, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(buffer, INPUT=given)
    assert caught.value.faults[0].pointer == f"/inputs/INPUT{pointer}"


def test_all_that_may_be_chosen_is_told() -> None:
    options = ["intersects", "contains", "equals", "touches", "Größe"]
    about = {"schema": {"type": "string", "enum": options}}
    process = Process.model_validate({"id": "p", "version": "1", "inputs": {"x": about}})
    with pytest.raises(InvalidInput) as caught:
        read(process, x="within")
    told = ", ".join(f'"{option}"' for option in options)
    assert caught.value.faults[0].message == f'"within" is not one of: {told}'


@pytest.mark.parametrize("several", [False, True])
def test_an_option_may_be_given_by_its_number_where_the_metadata_say_so(several: bool) -> None:
    one = {"type": "string", "enum": ["a", "b"]}
    schema = {"type": "array", "items": one} if several else one
    about = {"schema": schema, "metadata": [{"role": "numbered", "title": "…"}]}
    process = Process.model_validate({"id": "p", "version": "1", "inputs": {"x": about}})
    for right in ("a", 0, 1):
        value = [right] if several else right
        assert read(process, x=value)["x"] == Inline(value=value)
    for wrong in ("c", 2, -1, True, 0.5):
        with pytest.raises(InvalidInput, match='is not one of: "a", "b", 0, 1'):
            read(process, x=[wrong] if several else wrong)
    plain = Process.model_validate({"id": "p", "version": "1", "inputs": {"x": {"schema": schema}}})
    with pytest.raises(InvalidInput):
        read(plain, x=[0] if several else 0)


def test_bytes_are_no_value_of_an_input_that_is_no_file(echo: Process) -> None:
    with pytest.raises(InvalidInput, match="is not an encoding of this input"):
        read(echo, text={"value": "YQ==", "encoding": "base64"})


def test_an_output_may_be_asked_for_by_another_name_of_its_format(buffer: Process) -> None:
    asked = {"OUTPUT": {"format": {"mediaType": "application/vnd.geo+json"}}}
    body = parse_execute({"inputs": {"INPUT": LAYER}, "outputs": asked})
    assert parse_inputs(body, buffer, compile_rules(buffer)).keys() == {"INPUT"}


def test_an_object_is_taken_by_the_alternative_that_it_shows_itself_to_be(buffer: Process) -> None:
    settings = {"type": "object", "required": ["layer"], "properties": {"layer": {}}}
    layer = {"type": "object", "contentMediaType": GEOJSON, "required": ["type", "features"]}
    about = buffer.inputs["INPUT"].model_copy(update={"schema_": {"oneOf": [layer, settings]}})
    process = buffer.model_copy(update={"inputs": {"INPUT": about}})
    given = {"layer": LAYER, "field": "height"}
    assert read(process, INPUT={"value": given}) == {"INPUT": Inline(value=given)}
    assert read(process, INPUT=LAYER) == {"INPUT": Inline(value=LAYER, media_type=GEOJSON)}
    with pytest.raises(InvalidInput, match="features"):
        read(process, INPUT={"value": {"type": "FeatureCollection"}})


@pytest.mark.parametrize("bad", ["a/b\r\nX: 1", "application/geo+json;\n", "ä/b"])
def test_a_media_type_that_would_break_a_header_is_refused(buffer: Process, bad: str) -> None:
    asked = {"OUTPUT": {"format": {"mediaType": bad}}}
    body = parse_execute(
        {"inputs": {"INPUT": {"href": "http://x/", "type": bad}}, "outputs": asked}
    )
    with pytest.raises(InvalidInput) as caught:
        parse_inputs(body, buffer, compile_rules(buffer))
    assert [fault.pointer for fault in caught.value.faults] == [
        "/inputs/INPUT/type",
        "/outputs/OUTPUT/format/mediaType",
    ]


def test_a_bounding_box_is_given_bare_or_qualified(echo: Process) -> None:
    for given_ in (BBOX, {"value": BBOX}):
        assert read(echo, text="a", extent=given_)["extent"] == Inline(value=BBOX)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1, [1]),
        ([1, 2], [1, 2]),
        ({"value": 1}, [1]),
        ([{"value": 1}, 2], [1, 2]),
        ([], []),
    ],
)
def test_an_input_of_several_values_takes_one_too(
    echo: Process, given: Any, expected: list[Any]
) -> None:
    assert read(echo, text="a", numbers=given)["numbers"] == [Inline(value=v) for v in expected]


@pytest.mark.parametrize(
    ("given", "expected"), [([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]]), ({"value": [1]}, [[1]])]
)
def test_an_array_of_arrays_is_several_values_and_an_array_is_one(
    echo: Process, given: Any, expected: list[Any]
) -> None:
    assert read(echo, text="a", rows=given)["rows"] == [Inline(value=v) for v in expected]
    assert read(echo, text="a", range=[1, 2])["range"] == Inline(value=[1, 2])


def test_an_input_that_is_null_was_not_given(echo: Process) -> None:
    assert read(echo, text="a", extent=None).keys() == {"text"}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, [0.1], [0]),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, [["a", None]], [[1]]),
        ({"type": "array", "items": {"type": "string", "enum": ["a"], "nullable": True}},
         [[None], ["a"]], [["b"]]),
        ({"type": "string", "format": "date-time"}, ["2026-11-24T09:00:00Z"], ["today"]),
        ({"oneOf": [{"type": "number"}, {"type": "string", "pattern": "^a"}]}, [1, "ab"], ["b"]),
        ({"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "pattern": "^b"}]},
         ["a", "bc"], ["c"]),
        ({"type": "string", "anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]}, ["a", "b"], ["c", 1]),
        ({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
         [{"x": 1}, {"value": {"x": 2}}], [{"y": 1}, {"x": "1"}]),
        ({"type": "string", "format": "byte"}, ["U1FM"], ["%"]),
        ({}, [1, "a", [1], {"x": 1}], []),
    ],
)  # fmt: skip
def test_values_are_checked_in_the_dialect_of_openapi(
    schema: Any, good: list[Any], bad: list[Any]
) -> None:
    document = {"id": "p", "version": "1", "inputs": {"x": {"schema": schema}}}
    process = Process.model_validate(document)
    for value in good:
        assert "x" in read(process, x=value)
    for value in bad:
        with pytest.raises(InvalidInput):
            read(process, x=value)


@given(JSON_VALUES, JSON_VALUES)
def test_any_json_is_taken_or_told_by_its_pointer(one: Any, other: Any) -> None:
    document = {
        "id": "p",
        "version": "1",
        "inputs": {
            "layer": {
                "schema": {
                    "oneOf": [
                        {"type": "object", "contentMediaType": GEOJSON},
                        {"type": "string", "contentEncoding": "base64"},
                    ]
                }
            },
            "many": {"maxOccurs": "unbounded", "schema": {"type": "array", "items": {}}},
        },
    }
    process = Process.model_validate(document)
    try:
        taken, faults = read(process, layer=one, many=other), ()
    except InvalidInput as error:
        taken, faults = {}, error.faults
    assert bool(faults) is not (taken.keys() == {"layer", "many"})
    assert all(fault.pointer.startswith("/inputs/") for fault in faults)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_json_or_an_invalid_request(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        parse_execute(parse(body))


def test_a_value_and_a_link_may_have_a_title(buffer: Process) -> None:
    for value in ({"value": LAYER}, {"href": "https://example.org/a.geojson"}):
        parsed = read(buffer, INPUT={**value, "title": "Brunnen | Süd"})["INPUT"]
        assert not isinstance(parsed, list)
        assert parsed.title == "Brunnen | Süd"


@pytest.mark.parametrize("bad", ["", "a\nb", "x" * 101, 1])
def test_a_title_is_a_text_in_one_line(buffer: Process, bad: Any) -> None:
    with pytest.raises(InvalidInput, match="title: is not a text of 1 to 100"):
        read(buffer, INPUT={"value": LAYER, "title": bad})


@pytest.mark.parametrize("value", [{}, [], 1, "other"])
def test_a_response_that_there_is_not_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_execute({"inputs": {}, "response": value})
    assert [fault.pointer for fault in caught.value.faults] == ["/response"]


def test_members_that_are_null_are_absent() -> None:
    asked = parse_execute({"inputs": None, "response": None, "outputs": None})
    assert asked == parse_execute({})


def test_a_value_and_a_link_may_name_a_layer_and_say_what_becomes_of_invalid_geometries(
    buffer: Process,
) -> None:
    for value in ({"value": LAYER}, {"href": "https://example.org/a.gpkg"}):
        said = {"layer": "roads", "invalidGeometries": "skip"}
        parsed = read(buffer, INPUT={**value, **said})["INPUT"]
        assert not isinstance(parsed, list | Named)
        assert (parsed.layer, parsed.invalid_geometries) == ("roads", "skip")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"layer": 1}, "layer: is not a text of 1 to 100"),
        ({"invalidGeometries": "drop"}, "'drop' is not one of: stop, skip, keep"),
        ({"invalidGeometries": ["skip"]}, "is not one of: stop, skip, keep"),
    ],
)
def test_what_stands_beside_a_value_is_checked(buffer: Process, said: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read(buffer, INPUT={"value": LAYER, **said})
