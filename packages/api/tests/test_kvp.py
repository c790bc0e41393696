"""An execute request in a query: names, lists, members, and what is no part of one."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api import kvp
from qanat_api.inputs import compile_rules
from qanat_common.errors import InvalidParameter
from qanat_common.ogc import Process
from qanat_common.protocol import Value

GEOJSON = '{"type": "FeatureCollection", "features": []}'
QUALIFIED = '{"value": {"type": "FeatureCollection"}, "mediaType": "application/geo+json"}'


def body(query: str, process: Process) -> Any:
    return json.loads(kvp.parse(query, process, compile_rules(process)).body)


@pytest.mark.parametrize(
    ("query", "inputs"),
    [
        ("text=a", {"text": "a"}),
        ("TEXT=a%20b+c", {"text": "a b c"}),
        ("text=5", {"text": "5"}),
        ("text=", {"text": ""}),
        ("text=true&range=1,2.5", {"text": "true", "range": [1, 2.5]}),
        ("range=%5B1%2C2%5D", {"range": [1, 2]}),
        ("range=", {"range": []}),
        ("numbers=1,2,3", {"numbers": [1, 2, 3]}),
        ("numbers=1&numbers=2", {"numbers": [1, 2]}),
        ("numbers=%5B1%2C2%5D", {"numbers": [1, 2]}),
        ("numbers=7", {"numbers": [7]}),
        ("rows=%5B1%2C2%5D,%5B3%5D", {"rows": [[1, 2], [3]]}),
        ("extent=1,2,3,4", {"extent": {"bbox": [1, 2, 3, 4]}}),
        (
            "extent=1,2,3,4&extent[crs]=" + quote("http://h/crs", safe=""),
            {"extent": {"bbox": [1, 2, 3, 4], "crs": "http://h/crs"}},
        ),
        ("extent=" + quote('{"bbox": [1, 2, 3, 4]}'), {"extent": {"bbox": [1, 2, 3, 4]}}),
        ("f=json&profile=x&text=a", {"text": "a"}),
        ("", {}),
    ],
)
def test_inputs_are_read_by_their_schemas(query: str, inputs: Any, echo: Process) -> None:
    assert body(query, echo) == {"inputs": inputs}


@pytest.mark.parametrize(
    ("query", "inputs"),
    [
        ("INPUT=" + quote(GEOJSON), {"INPUT": json.loads(GEOJSON)}),
        ("INPUT=" + quote(QUALIFIED), {"INPUT": json.loads(QUALIFIED)}),
        (
            "INPUT[href]=http%3A//h/a%3Fb%3Dc&INPUT[type]=application/geo%2Bjson",
            {"INPUT": {"href": "http://h/a?b=c", "type": "application/geo+json"}},
        ),
        (
            "input%5Bvalue%5D=QUJD&input%5BmediaType%5D=application/x&input[encoding]=base64",
            {"INPUT": {"value": "QUJD", "mediaType": "application/x", "encoding": "base64"}},
        ),
        (
            "INPUT[value]=" + quote(GEOJSON) + "&INPUT[mediaType]=application/geo%2Bjson",
            {"INPUT": {"value": json.loads(GEOJSON), "mediaType": "application/geo+json"}},
        ),
        ("INPUT[value]=%3Cgml/%3E", {"INPUT": {"value": "<gml/>"}}),
        ("DISTANCE=2.5&SEGMENTS=3", {"DISTANCE": 2.5, "SEGMENTS": 3}),
        ("DISTANCE=far", {"DISTANCE": "far"}),
        ("DISTANCE=NaN", {"DISTANCE": "NaN"}),
        ("DISSOLVE=true&STYLE=Flat", {"DISSOLVE": True, "STYLE": "Flat"}),
        ("STYLE=", {"STYLE": ""}),
    ],
)
def test_layers_numbers_and_choices_too(query: str, inputs: Any, buffer: Process) -> None:
    assert body(query, buffer) == {"inputs": inputs}


def test_outputs_are_asked_for_by_their_members(buffer: Process, echo: Process) -> None:
    query = "OUTPUT[include]=true&output[mediaType]=application/geo%2Bjson"
    form = {"format": {"mediaType": "application/geo+json"}}
    assert body(query, buffer)["outputs"] == {"OUTPUT": form}
    assert body("count[include]=true", echo)["outputs"] == {"count": {}}
    assert body("count[include]=false", echo)["outputs"] == {}


def test_what_stands_for_headers_is_told(echo: Process) -> None:
    query = "text=a&response[f]=json&response[prefer]=respond-async%2C%20wait%3D1"
    found = kvp.parse(query, echo, compile_rules(echo))
    assert (found.accept, found.prefer) == ("application/json", "respond-async, wait=1")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("none=1", "'none' is not one of: text, extent"),
        ("text[unit]=m", "'text[unit]' is not one of"),
        ("text=a&text=b", "text: is given twice"),
        ("text[value]=a&text[value]=b", "text[value]: is given twice"),
        ("extent[crs]=x", "extent: its value is not given"),
        ("count[include]=perhaps", "count[include]: 'perhaps' is neither true nor false"),
        ("[a]=1", "'[a]' is no name"),
    ],
)
def test_what_is_no_part_of_a_request_is_named(query: str, told: str, echo: Process) -> None:
    with pytest.raises(InvalidParameter) as raised:
        body(query, echo)
    assert told in raised.value.detail


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_no_query_makes_it_fail(query: str) -> None:
    process = Process.model_validate(
        {
            "id": "p",
            "version": "1",
            "inputs": {"a": {"schema": {"type": "number"}, "maxOccurs": 2}},
        }
    )
    with suppress(InvalidParameter):
        assert body(f"a={query}&{query}", process).keys() <= {"inputs"}


def test_a_process_is_run_by_a_query_where_the_settings_say_so(
    make_api: Callable[..., Any],
) -> None:
    api = make_api(kvp_execute=True)
    api.worker.returns(text=Value(value="hello"))
    path = "/processes/test:echo/execution"
    answer = api.http.get(f"{path}?text=a&numbers=1,2&text[include]=true")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    sent = api.worker.sent[-1]
    assert [value.value for value in sent.inputs["numbers"]] == [1, 2]
    assert api.http.get(f"{path}?numbers=-1").json()["errors"][0]["pointer"] == "/inputs/text"
    assert api.http.options(path).headers["Allow"] == "GET, OPTIONS, POST"
    assert "get" in api.http.get("/api").json()["paths"]["/processes/{processId}/execution"]


def test_by_default_no_process_is_run_by_a_query(api: Any) -> None:
    answer = api.http.get("/processes/test:echo/execution?text=a")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
