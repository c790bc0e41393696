"""Core: the table of answers, for synchronous executions and for the results of a job.

raw or document × by value, by reference, mixed × one or several outputs.
"""

import json
from base64 import b64encode
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

proves = pytest.mark.proves
GEOJSON = "application/geo+json"
GEOPACKAGE = "application/geopackage+sqlite3"
TEXT_TYPE = "text/plain; charset=utf-8"
REL = "http://www.opengis.net/def/rel/ogc/1.0/results"
LAYER = {"type": "FeatureCollection", "features": []}
MADE: dict[str, tuple[str, bytes]] = {
    "text": (TEXT_TYPE, b"hello"),
    "number": (TEXT_TYPE, b"0"),
    "flag": (TEXT_TYPE, b"false"),
    "layer": (GEOJSON, b'{"type":"FeatureCollection","features":[]}'),
    "table": ("text/csv", 'a,"b"\n1,ä\n'.encode()),
    "blob": (GEOPACKAGE, bytes(range(256))),
}
BOTH = pytest.mark.parametrize("later", [False, True], ids=["sync", "results"])
VALUE, REFERENCE = {"transmissionMode": "value"}, {"transmissionMode": "reference"}


def answered(service: Any, later: bool, outputs: Any, response: str | None = None) -> Any:
    """The answer to an execution, or the results of its job."""
    body: dict[str, Any] = {"outputs": outputs} if outputs is not None else {}
    if response:
        body["response"] = response
    return service.results("test:make", body) if later else service.post("test:make", body)


def parts(answer: Any) -> dict[str, Message]:
    """Content-ID → part of a multipart/related answer."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    whole = message_from_bytes(head + answer.content)
    assert whole.get_content_type() == "multipart/related"
    assert not whole.defects
    found = [part for part in whole.get_payload() if isinstance(part, Message)]
    assert whole.get_param("type") == found[0]["Content-Type"]
    return {str(part["Content-ID"]): part for part in found}


def content(part: Message) -> bytes:
    """The bytes of a part; the parser takes the line's end off."""
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


def links(answer: Any) -> dict[str, str]:
    """Title → address of the Link headers to results."""
    found = {}
    for value in answer.headers.get_list("Link"):
        address, _, parameters = value.partition(">")
        if f'rel="{REL}"' in parameters:
            found[parameters.partition('title="')[2].partition('"')[0]] = address[1:]
    return found


@BOTH
@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("asked", [{}, VALUE], ids=["default", "value"])
@pytest.mark.parametrize("response", [None, "raw"])
@proves("/req/core/process-execute-sync-raw-value-one")
@proves("/req/core/job-results-async-raw-value-one")
def test_one_output_by_value_is_the_value_itself(
    service: Any, name: str, asked: Any, response: str | None, later: bool
) -> None:
    answer = answered(service, later, {name: asked}, response)
    media_type, body = MADE[name]
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["Content-Type"] == media_type
    assert links(answer) == {}


@BOTH
@proves("/req/core/process-execute-sync-raw-value-one")
@proves("/req/core/job-results-async-raw-value-one")
def test_a_plain_value_is_json_where_json_is_asked_for(service: Any, later: bool) -> None:
    asked = {"format": {"mediaType": "application/json"}}
    answer = answered(service, later, {"number": asked})
    assert (answer.headers["Content-Type"], answer.json()) == ("application/json", 0)


@BOTH
@pytest.mark.parametrize("names", [("text", "number"), tuple(MADE), None], ids=str)
@proves("/req/core/process-execute-sync-raw-value-multi")
@proves("/req/core/job-results-async-raw-value-multi")
def test_several_by_value_are_parts_named_by_their_outputs(
    service: Any, names: tuple[str, ...] | None, later: bool
) -> None:
    outputs = None if names is None else dict.fromkeys(names, VALUE)
    answer = answered(service, later, outputs, "raw")
    assert answer.status_code == 200
    assert answer.content.startswith(b"--")
    found = parts(answer)
    assert list(found) == list(names or MADE)
    for name, part in found.items():
        assert (part["Content-Type"], content(part)) == MADE[name]
        assert part["Content-Location"] is None


@BOTH
@pytest.mark.parametrize("names", [("text",), ("blob",), ("layer", "number"), tuple(MADE)])
@proves("/req/core/process-execute-sync-raw-ref", "/req/core/job-results-async-raw-ref")
def test_by_reference_there_is_no_body_but_a_link_for_each(
    service: Any, names: tuple[str, ...], later: bool
) -> None:
    answer = answered(service, later, dict.fromkeys(names, REFERENCE))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert list(links(answer)) == list(names)
    for name, address in links(answer).items():
        fetched = service.get(address)
        assert (fetched.headers["Content-Type"], fetched.content) == MADE[name]


@BOTH
@proves("/req/core/process-execute-sync-raw-mixed-multi")
@proves("/req/core/job-results-async-raw-mixed-multi")
def test_mixed_a_reference_is_an_empty_part_that_says_where(service: Any, later: bool) -> None:
    outputs = {"text": VALUE, "blob": REFERENCE, "layer": {}, "number": REFERENCE}
    answer = answered(service, later, outputs)
    assert answer.status_code == 200
    found = parts(answer)
    assert list(found) == list(outputs)
    for name in ("text", "layer"):
        assert (found[name]["Content-Type"], content(found[name])) == MADE[name]
    for name in ("blob", "number"):
        assert content(found[name]) == b""
        fetched = service.get(str(found[name]["Content-Location"]))
        assert (found[name]["Content-Type"], fetched.content) == MADE[name]


@BOTH
@pytest.mark.parametrize("names", [("text",), ("layer",), tuple(MADE), None], ids=str)
@proves("/req/core/process-execute-sync-document", "/req/core/job-results-async-document")
def test_a_document_has_values_in_place(
    service: Any, problems: Any, names: tuple[str, ...] | None, later: bool
) -> None:
    outputs = None if names is None else dict.fromkeys(names, VALUE)
    answer = answered(service, later, outputs, "document")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    whole = {
        "text": "hello",
        "number": 0,
        "flag": False,
        "layer": {"value": LAYER, "mediaType": GEOJSON},
        "table": {"value": 'a,"b"\n1,ä\n', "mediaType": "text/csv"},
        "blob": {
            "value": b64encode(bytes(range(256))).decode(),
            "encoding": "base64",
            "mediaType": GEOPACKAGE,
        },
    }
    assert answer.json() == {name: whole[name] for name in names or MADE}
    assert problems("results", answer.json()) == []


@BOTH
@pytest.mark.parametrize("names", [("table",), tuple(MADE)], ids=str)
@proves("/req/core/process-execute-sync-document", "/req/core/job-results-async-document")
@proves("/rec/core/process-execute-sync-document-ref")
def test_a_document_has_links_for_references(
    service: Any, problems: Any, names: tuple[str, ...], later: bool
) -> None:
    answer = answered(service, later, dict.fromkeys(names, REFERENCE), "document")
    assert (answer.status_code, list(answer.json())) == (200, list(names))
    assert problems("results", answer.json()) == []
    for name, link in answer.json().items():
        fetched = service.get(link["href"])
        assert (link["type"], fetched.content) == MADE[name]


@BOTH
@proves("/req/core/process-execute-sync-document", "/req/core/job-results-async-document")
def test_a_document_may_mix_values_and_links(service: Any, later: bool) -> None:
    answer = answered(service, later, {"number": {}, "blob": REFERENCE}, "document")
    assert answer.json()["number"] == 0
    assert service.get(answer.json()["blob"]["href"]).content == MADE["blob"][1]


@BOTH
@pytest.mark.parametrize("response", ["raw", "document"])
@proves("/req/core/process-execute-sync-raw-value-multi", "/req/core/process-execute-sync-document")
@proves("/req/core/job-results-async-raw-value-multi", "/req/core/job-results-async-document")
def test_an_output_that_was_not_made_is_absent(service: Any, response: str, later: bool) -> None:
    answer = answered(service, later, {"text": {}, "never": {}}, response)
    found = answer.json() if response == "document" else parts(answer)
    assert list(found) == ["text"]


@pytest.mark.parametrize("response", ["raw", "document"])
@proves("/req/core/process-execute-sync-raw-ref", "/req/core/job-results-async-raw-ref")
def test_a_referenced_file_answers_head_and_ranges(service: Any, response: str) -> None:
    answer = service.post("test:make", {"outputs": {"blob": REFERENCE}, "response": response})
    address = links(answer)["blob"] if response == "raw" else answer.json()["blob"]["href"]
    head = service.request("HEAD", address)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "256")
    assert head.headers["Accept-Ranges"] == "bytes"
    part = service.get(address, Range="bytes=1-2")
    assert (part.status_code, part.content) == (206, b"\1\2")
    assert part.headers["Content-Range"] == "bytes 1-2/256"


@pytest.mark.parametrize(
    ("outputs", "response"),
    [({"text": {}}, "raw"), (None, "raw"), ({"text": REFERENCE}, "raw"), (None, "document")],
)
@proves("/req/core/job-results-success-sync")
def test_a_synchronous_answer_links_to_its_job(service: Any, outputs: Any, response: str) -> None:
    answer = answered(service, False, outputs, response)
    monitors = [
        value for value in answer.headers.get_list("Link") if value.endswith('rel="monitor"')
    ]
    assert len(monitors) == 1
    info = service.get(monitors[0].partition(">")[0][1:]).json()
    assert (info["status"], info["processID"]) == ("successful", "test:make")


@proves("/req/core/process-execute-sync-raw-value-multi")
def test_the_echo_answers_with_what_it_was_given(service: Any) -> None:
    box = {"bbox": [0, 0, 1, 1]}
    gml = {"value": "<g/>", "mediaType": "application/gml+xml; version=3.2"}
    inputs = {"stringInput": "a", "bboxInput": box, "arrayInput": [1], "complexInput": gml}
    found = parts(service.post("echo", {"inputs": inputs}))
    assert content(found["stringInput"]) == b"a"
    assert json.loads(content(found["bboxInput"])) == box
    assert json.loads(content(found["arrayInput"])) == [1]
    assert content(found["complexInput"]) == b"<g/>"
    assert found["complexInput"]["Content-Type"] == gml["mediaType"]
