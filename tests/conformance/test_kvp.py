"""The 2.0 draft's class kvp-execute: a process run by a query, where the settings say so."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest

proves = pytest.mark.proves
TIFF = "image/tiff; application=geotiff"


@pytest.fixture
def service(services: dict[str, Any]) -> Any:
    return services["by query"]


def run(service: Any, process: str, query: str, **headers: str) -> Any:
    return service.get(f"/processes/{process}/execution?{query}", **headers)


def seen(service: Any, query: str) -> Any:
    """What arrives at the engine."""
    answer = run(service, "test:look", query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@proves("/req/kvp-execute/process-execute-op")
@proves("/req/kvp-execute/input-query-parameters")
def test_a_process_is_run_by_get(service: Any) -> None:
    answer = run(service, "echo", "STRINGinput=a%20b&stringInput[include]=true")
    assert (answer.status_code, answer.text) == (200, "a b")
    assert answer.headers["X-Robots-Tag"].startswith("noindex")


@proves("/req/kvp-execute/string-input-value", "/req/kvp-execute/numeric-input-value")
@proves("/req/kvp-execute/boolean-input-value", "/req/kvp-execute/input-query-parameter-values")
def test_plain_values_are_read_by_the_types_of_their_inputs(service: Any) -> None:
    assert seen(service, "text=5&number=5&flag=false") == {"text": "5", "number": 5, "flag": False}


@proves("/req/kvp-execute/input-cardinality", "/req/kvp-execute/array-input-value")
def test_several_values_and_arrays_are_lists(service: Any) -> None:
    assert seen(service, "several=1,2.5") == {"several": [1, 2.5]}
    assert seen(service, f"rows={quote('[1, 2]')},{quote('[3]')}") == {"rows": [[1, 2], [3]]}
    answer = run(service, "echo", "stringInput=a&arrayInput=1,2,3&arrayInput[include]=true")
    assert answer.json() == [1, 2, 3]


@proves("/req/kvp-execute/complex-input-value")
def test_an_object_is_json(service: Any) -> None:
    layer = quote('{"value": {"type": "FeatureCollection", "features": []}}')
    found = seen(service, f"layer={layer}")["layer"]
    assert found["value"] == {"type": "FeatureCollection", "features": []}


@proves("/req/kvp-execute/binary-input-value", "/req/kvp-execute/binary-input-value-qualified")
def test_bytes_are_base64(service: Any) -> None:
    text = b64encode(b"II*\0" + bytes(20)).decode()
    asked = "stringInput=a&complexInput[include]=true&"
    for query in (
        urlencode({"complexInput": text}),
        urlencode(
            {
                "complexInput[value]": text,
                "complexInput[mediaType]": TIFF,
                "complexInput[encoding]": "base64",
            }
        ),
    ):
        answer = run(service, "echo", asked + query)
        assert answer.content == b"II*\0" + bytes(20)


@proves("/req/kvp-execute/bbox-input-value", "/req/kvp-execute/bbox-crs-input-value")
def test_a_bounding_box_is_its_numbers(service: Any) -> None:
    asked = "stringInput=a&bboxInput[include]=true&bboxInput=1,2,3,4.5"
    assert run(service, "echo", asked).json()["bbox"] == [1, 2, 3, 4.5]
    crs = "http://www.opengis.net/def/crs/EPSG/0/4326"
    assert run(service, "echo", f"{asked}&bboxInput[crs]={quote(crs)}").json()["crs"] == crs


@proves("/req/kvp-execute/input-by-reference", "/req/kvp-execute/input-query-parameter-values")
def test_an_input_may_be_a_link(service: Any) -> None:
    query = urlencode({"text[href]": f"{service.files}/text.txt", "text[type]": "text/plain"})
    assert seen(service, query)["text"] == {"file": "hello", "mediaType": "text/plain"}


@proves("/req/kvp-execute/output")
def test_outputs_are_included_in_a_format(service: Any) -> None:
    answer = run(
        service, "test:make", "layer[include]=true&layer[mediaType]=application/geo%2Bjson"
    )
    assert answer.headers["Content-Type"] == "application/geo+json"
    two = run(service, "test:make", "text[include]=true&flag[include]=true&profile=ogc-results")
    assert two.json() == {"text": "hello", "flag": False}
    wrong = run(service, "test:make", "layer[mediaType]=image/png")
    assert wrong.status_code == 400


@proves("/req/kvp-execute/f-definition", "/req/kvp-execute/f-response")
def test_the_format_is_as_accept_would_have_it(service: Any) -> None:
    page = run(service, "echo", "stringInput=a&response[f]=html", Accept="application/json")
    assert page.status_code == 303
    plain = run(service, "echo", "stringInput=a&response[f]=json", Accept="text/html")
    assert plain.status_code == 200


@proves("/req/kvp-execute/prefer-definition", "/req/kvp-execute/prefer-response")
def test_preferences_are_as_prefer_would_have_them(service: Any) -> None:
    answer = run(service, "echo", "stringInput=a&response[prefer]=respond-async")
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "respond-async")
    assert service.ended(answer.headers["Location"])["status"] == "successful"


@proves("/req/kvp-execute/input-query-parameters")
def test_what_is_wrong_is_named(service: Any) -> None:
    unknown = run(service, "echo", "stringInput=a&strinInput=b")
    assert unknown.status_code == 400
    assert "strinInput" in unknown.json()["detail"]
    wrong = run(service, "test:look", "number=-1")
    assert wrong.json()["errors"][0]["pointer"] == "/inputs/number"


@proves("/req/kvp-execute/process-execute-op")
def test_by_default_it_is_not_there(services: dict[str, Any]) -> None:
    answer = run(services["kept"], "echo", "stringInput=a")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
