"""Core and JSON: landing page, API definition, conformance, and the encoding of them all."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from openapi_spec_validator import validate

proves = pytest.mark.proves
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
TEXT = {"stringInput": "a"}


def linked(document: Any, rel: str) -> Any:
    return next(link for link in document["links"] if link["rel"] == rel)


@proves("/req/core/http")
@proves("/req/core/http@common")
def test_the_server_speaks_http_1_1(service: Any) -> None:
    where = urlsplit(service.url)
    with socket.create_connection((where.hostname, where.port), 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nAccept: */*\r\nConnection: close\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 200 ")


@proves("/req/core/landingpage-op", "/req/core/landingpage-success")
@proves("/rec/job-list/job-list-landing-page")
@proves("/req/landing-page/root-op@common", "/req/landing-page/root-success@common")
def test_the_landing_page_links_to_what_there_is(service: Any, problems: Any) -> None:
    answer = service.get("/")
    assert (answer.status_code, problems("landingPage", answer.json())) == (200, [])
    places = {"conformance": "/conformance", "processes": "/processes", "job-list": "/jobs"}
    for name, path in places.items():
        assert linked(answer.json(), REL + name)["href"] == service.url + path
    assert linked(answer.json(), "service-desc")["type"] == OPENAPI
    assert linked(answer.json(), "self")["href"] == f"{service.url}/"


@proves("/req/core/api-definition-op", "/req/core/api-definition-success")
@proves("/rec/core/api_definition-oas")
@proves(
    "/req/landing-page/api-definition-op@common",
    "/req/landing-page/api-definition-success@common",
    "/rec/landing-page/api-definition-oas@common",
)
def test_the_api_definition_is_where_the_landing_page_says(service: Any) -> None:
    answer = service.get(linked(service.get("/").json(), "service-desc")["href"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == OPENAPI
    validate(answer.json())
    assert answer.json()["openapi"].startswith("3.0.")


@proves("/req/core/conformance-op", "/req/core/conformance-success")
@proves("/req/landing-page/conformance-op@common", "/req/landing-page/conformance-success@common")
def test_the_conformance_classes_are_listed(service: Any, problems: Any) -> None:
    answer = service.get("/conformance")
    assert (answer.status_code, problems("confClasses", answer.json())) == (200, [])
    classes = answer.json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core" in classes


@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/echo", "/jobs"])
@pytest.mark.parametrize("accept", [None, "*/*", "/*", "application/json", "application/*;q=0.1"])
@proves("/req/json/definition")
@proves("/req/json/definition@common", "/rec/core/json@common")
def test_json_is_given_unless_something_else_is_asked_for(
    service: Any, path: str, accept: str | None
) -> None:
    answer = service.get(path, Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    assert answer.json()


@proves("/req/json/definition")
@proves("/req/json/definition@common")
def test_documents_status_and_results_are_json(service: Any) -> None:
    document = service.post("echo", {"inputs": TEXT, "response": "document"})
    job = service.post("echo", {"inputs": TEXT, "response": "document"}, Prefer="respond-async")
    service.ended(job.headers["Location"])
    status = service.get(job.headers["Location"])
    results = service.get(f"{job.headers['Location']}/results")
    for answer in (document, job, status, results):
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(answer.json(), dict)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/problem+json"),
        ("application/problem+json, application/json", "application/problem+json"),
    ],
)
@proves("/rec/core/problem-details")
@proves("/rec/core/problem-details@common", "/rec/json/problem-details@common")
def test_errors_are_problem_documents(
    service: Any, problems: Any, accept: str, media_type: str
) -> None:
    answer = service.get("/nothing", Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, media_type)
    assert problems("exception", answer.json()) == []
    assert answer.json()["status"] == 404


@proves("/rec/core/cross-origin", "/rec/core/access-control-expose-headers")
@proves("/rec/core/cross-origin@common")
def test_pages_of_a_site_that_may_use_the_service(services: dict[str, Any]) -> None:
    service, site = services["clean"], {"Origin": "https://app.example.org"}
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "prefer"}
    execution = "/processes/echo/execution"
    allowed = service.request("OPTIONS", execution, **site, **asked)
    assert allowed.headers["Access-Control-Allow-Origin"] == site["Origin"]
    answer = service.post("echo", {"inputs": TEXT}, Prefer="respond-async", **site)
    assert answer.headers["Access-Control-Allow-Origin"] == site["Origin"]
    exposed = answer.headers["Access-Control-Expose-Headers"].lower().split(", ")
    assert {"location", "link", "preference-applied", "retry-after", "etag"} <= set(exposed)
    other = service.get("/", Origin="https://other.example")
    assert "Access-Control-Allow-Origin" not in other.headers


@proves("/rec/core/link-header")
@proves("/rec/core/link-header@common")
def test_links_of_a_document_stand_in_link_headers_too(service: Any) -> None:
    job = service.post("echo", {"inputs": TEXT}, Prefer="respond-async").headers["Location"]
    service.ended(job)
    for path in ("/", "/processes", "/processes?limit=1&offset=1", "/processes/echo", "/jobs", job):
        answer = service.get(path)
        told = answer.headers["Link"]
        for link in answer.json()["links"]:
            assert f'<{link["href"]}>; rel="{link["rel"]}"' in told, (path, link)
