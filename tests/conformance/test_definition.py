"""The API definition: valid, served as OpenAPI 3.0 and as a page, complete, and true."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

proves = pytest.mark.proves
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
TEXT = {"stringInput": "a"}


@pytest.fixture(scope="module")
def definition(service: Any) -> Any:
    return service.get("/api").json()


@pytest.fixture(scope="module")
def places(service: Any) -> dict[str, str]:
    """Values of the parameters in paths: of a job that was successful."""
    job = service.submit("echo", {"inputs": TEXT, "outputs": {"stringInput": {}}})
    assert service.ended(job)["status"] == "successful"
    uploaded = service.client.post(service.address("/uploads?name=a.txt"), content=b"a")
    assert uploaded.status_code == 201
    return {
        "processId": "echo",
        "jobId": job.rpartition("/")[2],
        "outputId": "stringInput",
        "name": "default",
        "projectName": "region",
        "uploadId": uploaded.json()["id"],
    }


def told(definition: Any, path: str, answer: Any) -> None:
    """Fail unless the definition has an answer: its status and its media type."""
    operation = definition["paths"][path][answer.request.method.lower()]
    assert str(answer.status_code) in operation["responses"], (path, answer.status_code)
    listed = operation["responses"][str(answer.status_code)]
    if "$ref" in listed:
        listed = definition["components"]["responses"][listed["$ref"].rpartition("/")[2]]
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    known = {name.partition(";")[0] for name in listed.get("content", {})}
    assert not answer.content or media_type in known or "*/*" in known, (path, media_type)


@proves("/req/oas30/oas-definition-1")
@proves("/req/oas30/oas-definition-1@common")
def test_the_definition_is_served_as_openapi_and_as_a_page(service: Any) -> None:
    links = {link["rel"]: link for link in service.get("/").json()["links"]}
    assert links["service-desc"]["type"] == OPENAPI
    assert service.get(links["service-desc"]["href"]).headers["Content-Type"] == OPENAPI
    assert links["service-doc"]["type"] == "text/html"
    page = service.get(links["service-doc"]["href"])
    assert page.headers["Content-Type"].startswith("text/html")
    for path in service.get("/api").json()["paths"]:
        assert path in page.text


@proves("/req/oas30/oas-definition-2")
@proves("/req/oas30/oas-definition-2@common")
def test_the_definition_is_valid(definition: Any) -> None:
    validate(definition, cls=OpenAPIV30SpecValidator)


@proves("/req/oas30/oas-impl")
@proves("/req/oas30/oas-impl@common")
def test_every_operation_that_is_described_is_there(
    service: Any, definition: Any, places: dict[str, str]
) -> None:
    assert [server["url"] for server in definition["servers"]] == [service.url]
    for path, item in definition["paths"].items():
        asked = re.sub(r"\{(\w+)\}", lambda found: places[found[1]], path)
        allowed = service.request("OPTIONS", asked).headers["Allow"].lower().split(", ")
        operations = set(item) - {"parameters"}
        assert operations <= set(allowed), path
        for method in operations & {"get", "head"}:
            answer = service.request(method.upper(), asked)
            assert answer.status_code == 200, path
            told(definition, path, answer)


@proves("/req/core/query-param-name-unknown@common")
def test_unknown_parameters_are_passed_over_as_each_path_says(
    service: Any, definition: Any, places: dict[str, str]
) -> None:
    """It is no error, as a parameter of free form is there (/per/core/query-param-name-specified)."""
    free = definition["components"]["parameters"]["others"]
    assert (free["in"], free["style"], free["explode"]) == ("query", "form", True)
    assert free["schema"] == {"type": "object"}
    for path, item in definition["paths"].items():
        assert item["parameters"] == [{"$ref": "#/components/parameters/others"}]
        asked = re.sub(r"\{(\w+)\}", lambda found: places[found[1]], path)
        if "get" in item:
            assert service.get(f"{asked}?_=1&page=x").status_code == 200, path


@proves("/req/oas30/completeness")
@proves("/req/oas30/completeness@common")
def test_every_answer_that_is_given_is_described(
    service: Any, definition: Any, places: dict[str, str]
) -> None:
    page = {"Accept": "text/html"}
    process, job = "/processes/{processId}", "/jobs/{jobId}"
    own = f"/jobs/{places['jobId']}"
    for path, asked, headers in (
        ("/", "/", page),
        ("/conformance", "/conformance", page),
        ("/api", "/api", page),
        ("/processes", "/processes?q=echo&limit=1", page),
        (process, "/processes/echo", page),
        ("/jobs", "/jobs?status=successful", page),
        (job, own, page),
        (f"{job}/log", f"{own}/log", page),
        (f"{job}/results", f"{own}/results", page),
        (f"{job}/results/{{outputId}}", f"{own}/results/stringInput", {}),
    ):
        answer = service.get(asked, **headers)
        assert answer.status_code == 200
        told(definition, path, answer)
        if "ETag" in answer.headers:
            again = service.get(asked, If_None_Match=answer.headers["ETag"], **headers)
            assert again.status_code == 304
            told(definition, path, again)
    execution = f"{process}/execution"
    reference = {"stringInput": {"transmissionMode": "reference"}}
    for body, headers in (
        ({"inputs": TEXT, "response": "document"}, {}),
        ({"inputs": TEXT, "outputs": reference}, {}),
        ({"inputs": TEXT}, {"Prefer": "respond-async"}),
        ({"inputs": TEXT}, page),
    ):
        told(definition, execution, service.post("echo", body, **headers))
    removed = service.submit("echo", {"inputs": TEXT})
    service.ended(removed)
    told(definition, job, service.request("DELETE", removed))


@proves("/req/oas30/exceptions-codes")
@proves("/req/oas30/exceptions-codes@common")
def test_every_error_that_is_given_is_described(service: Any, definition: Any) -> None:
    problem = {"Accept": "application/problem+json, application/json;q=0.9"}
    gone = service.submit("echo", {"inputs": TEXT, "outputs": {"stringInput": {}}})
    service.ended(gone)
    service.request("DELETE", gone)
    waiting = service.submit("echo", {"inputs": {**TEXT, "pause": 30}})
    for path, asked, status in (
        ("/", "/?f=xml", 400),
        ("/processes", "/processes?limit=0", 400),
        ("/processes/{processId}", "/processes/none", 404),
        ("/jobs", "/jobs?status=wrong", 400),
        ("/jobs/{jobId}", "/jobs/none", 404),
        ("/jobs/{jobId}", gone, 410),
        ("/jobs/{jobId}/log", "/jobs/none/log", 404),
        ("/jobs/{jobId}/results", f"{waiting}/results", 404),
        ("/jobs/{jobId}/results", f"{gone}/results", 410),
        ("/jobs/{jobId}/results/{outputId}", f"{gone}/results/x", 410),
    ):
        for headers in ({}, problem, {"Accept": "text/html"}):
            answer = service.get(asked, **headers)
            assert answer.status_code == status, asked
            told(definition, path, answer)
    for path in ("/", "/conformance", "/processes", "/jobs"):
        answer = service.get(path, Accept="image/png")
        assert answer.status_code == 406
        told(definition, path, answer)
    execution = "/processes/{processId}/execution"
    told(definition, execution, service.post("none", {}))
    told(definition, execution, service.post("echo", {"inputs": {}}))
    told(definition, execution, service.post("echo", {}, Content_Type="text/plain"))
    told(definition, "/jobs/{jobId}", service.request("DELETE", "/jobs/none"))
    service.request("DELETE", waiting)


@proves("/req/oas30/security")
@proves("/req/oas30/security@common")
def test_the_security_schemes_are_named_and_none_of_them_is_needed(
    service: Any, definition: Any
) -> None:
    known = definition["components"]["securitySchemes"]
    assert definition["security"] == [{}, *({name: []} for name in known)]
    for path in ("/", "/processes", "/jobs"):
        assert service.get(path, Authorization=None).status_code == 200
