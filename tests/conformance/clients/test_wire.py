"""What clients send that cannot be installed here, or send only in some moods: their requests, raw.

Seen in the sources of weaver's client, Galaxy's tool generator, the Eozilla web app, and captured
from OWSLib, EOEPCA's client and cuiman.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

JSON = {"Content-Type": "application/json"}
TEXT = {"stringInput": "hello"}
ECHO = {"inputs": TEXT, "response": "document"}


def is_document(answer: Any) -> bool:
    found: bool = answer.json() == TEXT
    return found


def is_status(answer: Any) -> bool:
    info = answer.json()
    return {"jobID", "type", "status"} <= set(info) and str(answer.headers["Location"]).endswith(
        f"/jobs/{info['jobID']}"
    )


def is_exception(answer: Any) -> bool:
    """As Eozilla's app tells an error: a text `type` and a number `status`."""
    body = answer.json()
    return isinstance(body["type"], str) and body["status"] == answer.status_code


def has(*names: str) -> Callable[[Any], bool]:
    return lambda answer: set(names) <= set(answer.json())


@dataclass(frozen=True)
class Wire:
    """A request of a client, and what it needs for an answer. No header is sent but these."""

    name: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 200
    fits: Callable[[Any], bool] = lambda answer: True


EXECUTION = "/processes/qanat:echo/execution"
PREFERS_JSON = {"Accept": "application/json"}
WEAVER = PREFERS_JSON | JSON
LATER = {"Prefer": "respond-async"}

WIRES = (
    # OWSLib
    Wire("owslib: landing", "GET", "/", {"Accept": "*/*"}, fits=has("links")),
    Wire(
        "owslib: now", "POST", EXECUTION, {"Prefer": "respond-sync"} | JSON, ECHO, 200, is_document
    ),
    Wire("owslib: later", "POST", EXECUTION, LATER | JSON, ECHO, 201, is_status),
    Wire("owslib: prefers on GET", "GET", "/processes/echo", LATER, fits=has("inputs")),
    Wire("owslib: list on", "GET", "/processes", LATER, fits=has("processes", "links")),
    # EOEPCA: chooses its Accept from a list that holds /*, quotes ids, and forgets the type
    Wire("eoepca: odd Accept", "GET", "/jobs", {"Accept": "/*"}, fits=has("jobs", "links")),
    Wire("eoepca: many types", "GET", "/processes", {"Accept": "application/json,/*"}),
    Wire("eoepca: quoted", "GET", "/processes/qanat%3Aecho", PREFERS_JSON, fits=has("outputs")),
    Wire("eoepca: no type", "POST", EXECUTION, LATER, ECHO, 201, is_status),
    Wire("eoepca: no type, now", "POST", EXECUTION, {}, ECHO, 200, is_document),
    # cuiman: no Prefer, and leaves defaults out
    Wire(
        "cuiman: quoted", "POST", "/processes/qanat%3Aecho/execution", JSON, ECHO, 200, is_document
    ),
    Wire(
        "cuiman: empty", "POST", "/processes/test%3Amake/execution", JSON, {"response": "document"}
    ),
    # weaver: a type on GET, members of older drafts, preferences in a row
    Wire("weaver: landing", "GET", "", WEAVER, fits=has("links")),
    Wire(
        "weaver: list",
        "GET",
        "/processes?limit=100&page=0&sort=id&detail=true",
        WEAVER,
        fits=has("processes"),
    ),
    Wire(
        "weaver: later",
        "POST",
        EXECUTION,
        WEAVER | {"Prefer": "respond-async, wait=0, return=minimal"},
        {"mode": "async", **ECHO, "outputs": {"stringInput": {}}},
        201,
        is_status,
    ),
    Wire(
        "weaver: waits",
        "POST",
        EXECUTION,
        WEAVER | {"Prefer": "respond-async, wait=10"},
        {"mode": "async", **ECHO},
        200,
        is_document,
    ),
    Wire(
        "weaver: jobs",
        "GET",
        "/jobs?limit=10&status=successful&process=echo&page=0&sort=created&detail=true",
        WEAVER,
        fits=has("jobs", "links"),
    ),
    # Galaxy: urllib sends no Accept; a semicolon for a comma
    Wire("galaxy: list", "GET", "/processes?limit=1000", {}, fits=has("processes")),
    Wire("galaxy: describe", "GET", "/processes/echo", {}, fits=has("inputs", "outputs")),
    Wire(
        "galaxy: later",
        "POST",
        EXECUTION,
        JSON | PREFERS_JSON | {"Prefer": "respond-async;return=representation"},
        {"inputs": TEXT, "outputs": {"stringInput": {"transmissionMode": "reference"}}},
        201,
        is_status,
    ),
    # Eozilla's web app: fetch
    Wire("eozilla: error", "GET", "/processes/no-such", {"Accept": "*/*"}, None, 404, is_exception),
    Wire("eozilla: bad input", "POST", EXECUTION, JSON, {"inputs": {}}, 400, is_exception),
    # of all, what is no JSON at all
    Wire("wrong type", "POST", EXECUTION, {"Content-Type": "text/plain"}, ECHO, 415, is_exception),
    Wire(
        "form", "POST", EXECUTION, {"Content-Type": "multipart/form-data"}, ECHO, 415, is_exception
    ),
    Wire("charset", "POST", EXECUTION, {"Content-Type": "application/json; charset=UTF-8"}, ECHO),
)


def send(service: Any, wire: Wire) -> Any:
    content = None if wire.body is None else json.dumps(wire.body).encode()
    request = service.client.build_request(wire.method, service.url + wire.path, content=content)
    for name in ("accept", "content-type", "user-agent", "accept-encoding"):
        request.headers.pop(name, None)
    request.headers.update(wire.headers)
    return service.client.send(request)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_a_client_gets_what_it_needs(service: Any, wire: Wire) -> None:
    answer = send(service, wire)
    assert answer.status_code == wire.status, answer.text
    wrong = wire.status >= 400 and wire.headers.get("Accept") != "application/json"
    media_type = "application/problem+json" if wrong else "application/json"
    assert answer.headers["Content-Type"] == media_type
    assert wire.fits(answer)


def test_weaver_follows_the_location_and_reads_links_named_by_output(service: Any) -> None:
    """It polls Location, never jobID; results with `Prefer: return=minimal` and Accept-Profile."""
    job = service.submit("test:make", {"mode": "async", "outputs": {"text": {}, "blob": {}}})
    service.ended(job)
    profile = "https://www.opengis.net/def/profile/OGC/0/ogc-results"
    answer = service.get(f"{job}/results", Prefer="return=minimal", Accept_Profile=profile)
    assert answer.status_code == 200
    document = service.submit("test:make", {"response": "document", "outputs": {"text": {}}})
    service.ended(document)
    answer = service.get(f"{document}/results", Prefer="return=minimal", Accept="application/json")
    assert answer.json() == {"text": "hello"}


def test_galaxy_finds_an_address_for_each_output(service: Any) -> None:
    """It reads `href` alone, of every member of the results document."""
    outputs = {
        "layer": {"transmissionMode": "reference"},
        "blob": {"transmissionMode": "reference"},
    }
    answer = service.results("test:make", {"outputs": outputs, "response": "document"})
    fetched = {name: service.get(value["href"]) for name, value in answer.json().items()}
    assert {name: one.status_code for name, one in fetched.items()} == {"layer": 200, "blob": 200}
    assert fetched["layer"].headers["Content-Type"] == "application/geo+json"


def test_each_gets_its_layer_back_in_either_style(service: Any, layer: Any) -> None:
    """weaver's body and Galaxy's: the layer qualified, and as bare GeoJSON."""
    inputs = {"inputs": {"layer": layer}, "response": "document"}
    reference = {"layer": {"transmissionMode": "reference"}}
    for body in (
        {"mode": "async", **inputs, "outputs": reference},
        inputs | {"outputs": reference},
    ):
        link = service.results("test:pass", body).json()["layer"]
        assert service.get(link["href"]).json()["features"][0]["properties"] == {"name": "Bologna"}


def test_galaxy_can_make_a_tool_of_each_process(service: Any) -> None:
    """Each input needs a title, a whole minOccurs, and a schema with a type, or alternatives."""
    for summary in service.get("/processes").json()["processes"]:
        process = service.get(f"/processes/{summary['id']}").json()
        assert process["outputs"]
        for about in process["inputs"].values():
            assert about["title"]
            assert isinstance(about["minOccurs"], int)
            assert {"type", "oneOf", "allOf", "anyOf"} & set(about["schema"])


def test_eozilla_gets_a_json_body_for_a_dismissal(service: Any) -> None:
    job = service.submit("test:nap", {"inputs": {"seconds": 60}})
    answer = service.request("DELETE", job, Accept="*/*")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")


def test_the_definition_is_linked_with_the_type_that_owslib_looks_for(service: Any) -> None:
    links = service.get("/").json()["links"]
    types = [link["type"] for link in links if link["rel"] == "service-desc"]
    assert "application/vnd.oai.openapi+json;version=3.0" in types


def test_progress_is_a_whole_number_and_times_have_a_zone(service: Any) -> None:
    """EOEPCA takes no 33.3, cuiman no time without a zone."""
    job = service.submit("echo", {"inputs": {**TEXT, "pause": 1}})
    seen = service.until(lambda: (info := service.status(job)).get("progress", 0) > 0 and info, 20)
    assert isinstance(seen["progress"], int)
    times = [seen[name] for name in ("created", "started", "updated")]
    assert all(time.endswith("Z") or "+" in time for time in times)
    service.request("DELETE", job)


def test_the_definition_has_the_paths_that_ogcapi_registry_looks_for(service: Any) -> None:
    paths = service.get("/api").json()["paths"]
    assert {"200", "201"} <= set(paths["/processes/{processId}/execution"]["post"]["responses"])
    assert "requestBody" in paths["/processes/{processId}/execution"]["post"]
    assert "200" in paths["/jobs/{jobId}"]["delete"]["responses"]
    for path in ("/", "/conformance", "/processes", "/processes/{processId}", "/jobs"):
        assert "get" in paths[path]
    assert "get" in paths["/jobs/{jobId}"]
    assert "get" in paths["/jobs/{jobId}/results"]
