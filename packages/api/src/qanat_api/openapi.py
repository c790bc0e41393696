"""Our own API definition, OpenAPI 3.0: every operation with every answer it really gives.

Written by hand: what a framework derives from our code would say less, in a later OpenAPI.
The models of the standard are in `openapi_schemas`; parameters, headers, errors in `openapi_parts`.
"""

from collections.abc import Mapping
from importlib.metadata import version

from qanat_api.negotiation import HTML, OPENAPI, OPENAPI_31, PROBLEM
from qanat_api.openapi_parts import (
    ERRORS,
    HEADERS,
    JOB_FILTERS,
    OF_RESULTS,
    PARAMETERS,
    SECURITY,
    Object,
)
from qanat_api.openapi_schemas import SCHEMAS
from qanat_common.ogc import GEOJSON, JSON

_PAGE: Object = {HTML: {"schema": {"type": "string"}}}


VERSIONS: Mapping[str, str] = {OPENAPI: "3.0.3", OPENAPI_31: "3.1.1"}
"""Media type of a definition → version: what is written here means the same in both."""


def document(
    title: str, description: str, base: str, media_type: str = OPENAPI, *, kvp: bool = False
) -> Object:
    """The API definition of the service at `base`; `kvp` says that processes are run by GET too."""
    return {
        "openapi": VERSIONS[media_type],
        "info": {"title": title, "description": description, "version": version("qanat-api")},
        "servers": [{"url": base}],
        "tags": [
            {"name": "service", "description": "What this service is"},
            {"name": "processes", "description": "What can be run"},
            {"name": "projects", "description": "Published projects, within which it can be run"},
            {"name": "jobs", "description": "What runs and ran"},
        ],
        "security": [{}, *({name: []} for name in SECURITY)],
        "paths": {path: _AND_OTHERS | item for path, item in _paths(kvp=kvp).items()},
        "components": {
            "securitySchemes": SECURITY,
            "schemas": SCHEMAS,
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": {f"Error{status}": _error(text) for status, text in ERRORS.items()},
        },
    }


def _ref(kind: str, name: str) -> Object:
    return {"$ref": f"#/components/{kind}/{name}"}


_AND_OTHERS: Object = {"parameters": [_ref("parameters", "others")]}
"""What each path has: Common Part 1 wants it where unknown parameters are no error (query-param-name-unknown)."""


def _error(text: str) -> Object:
    schema = {"schema": _ref("schemas", "exception")}
    return {"description": text, "content": {JSON: schema, PROBLEM: schema, **_PAGE}}


def _errors(*statuses: int) -> Object:
    return {str(status): _ref("responses", f"Error{status}") for status in statuses}


def _ok(text: str, schema: str, *, headers: tuple[str, ...] = (), media_type: str = JSON) -> Object:
    answer: Object = {"description": text, "content": _json(schema, media_type)}
    if headers:
        answer["headers"] = {name: _ref("headers", name) for name in headers}
    return answer


def _json(schema: str, media_type: str = JSON) -> Object:
    return {media_type: {"schema": _ref("schemas", schema)}}


def _shown(answer: Object) -> Object:
    """An answer that can be had as a page too."""
    return {**answer, "content": {**answer["content"], **_PAGE}}


def _get(
    name: str, summary: str, tag: str, responses: Object, *parameters: str
) -> tuple[Object, Object]:
    """The operations GET and HEAD of a path."""
    own = {
        "summary": summary,
        "tags": [tag],
        "parameters": [_ref("parameters", parameter) for parameter in parameters],
        "responses": responses,
    }
    empty = {
        status: answer if "$ref" in answer else {**answer, "content": {}}
        for status, answer in responses.items()
    }
    head = {**own, "operationId": f"{name}Head", "responses": empty}
    return {**own, "operationId": name}, head


def _document(
    name: str, summary: str, tag: str, schema: str, *parameters: str, errors: tuple[int, ...] = ()
) -> Object:
    """A path whose GET answers with a document that has an ETag."""
    responses = {
        "200": _shown(_ok(summary, schema, headers=("ETag",))),
        "304": {"description": "The client has it already"},
        **_errors(*sorted({400, 406, 500, *errors})),
    }
    get, head = _get(name, summary, tag, responses, "f", "ifNoneMatch", *parameters)
    return {"get": get, "head": head}


def _live(name: str, summary: str, tag: str, schema: str, *parameters: str) -> Object:
    """A path whose GET answers with what is true now."""
    responses = {
        "200": _shown(_ok(summary, schema)),
        **_errors(400, 401, 404, 406, 410, 500, 503),
    }
    get, head = _get(name, summary, tag, responses, "f", *parameters)
    return {"get": get, "head": head}


def _paths(*, kvp: bool) -> Object:
    by_query = {"get": _execute_by_query()} if kvp else {}
    return {
        "/": _document("landingPage", "The landing page", "service", "landingPage"),
        "/conformance": _document(
            "conformance", "The conformance classes that hold", "service", "confClasses"
        ),
        "/api": _api(),
        "/processes": _document(
            "processes",
            "The processes: all of them unless something else is asked for",
            "processes",
            "processList",
            "q",
            "provider",
            "service",
            "profile",
            "limit",
            "offset",
            "project",
            errors=(404, 503),
        ),
        "/processes/{processId}": _document(
            "process",
            "A process description",
            "processes",
            "process",
            "processId",
            "project",
            "profile",
            errors=(404, 503),
        ),
        "/processes/{processId}/execution": {"post": _execute(), **by_query},
        "/projects": _document("projects", "The published projects", "projects", "projectList"),
        "/projects/{projectName}": _document(
            "project",
            "The layers, layouts and map themes of a project",
            "projects",
            "project",
            "projectName",
            errors=(404, 503),
        ),
        "/services": _live("services", "The services", "service", "serviceList"),
        "/services/{name}": _live(
            "service",
            "A service: with what it runs, how busy it is",
            "service",
            "service",
            "serviceName",
        ),
        "/uploads": {"post": _upload()},
        "/uploads/{uploadId}": _uploaded(),
        "/jobs": _live("jobs", "Jobs, newest first", "jobs", "jobList", "profile", *JOB_FILTERS),
        "/jobs/{jobId}": {
            **_status(),
            "delete": _dismiss(),
        },
        "/jobs/{jobId}/log": _live(
            "log", "What the algorithm of a job said", "jobs", "log", "jobId", "logWords"
        ),
        "/jobs/{jobId}/inputs": _live(
            "inputs", "What a job was asked for", "jobs", "execute", "jobId"
        ),
        "/jobs/{jobId}/events": _events(),
        "/jobs/{jobId}/results": _results(),
        "/jobs/{jobId}/results/{outputId}": _output(),
        "/livez": _health("livez", "Whether the service answers at all"),
        "/readyz": _health("readyz", "Whether jobs can be taken", 500, 503),
    }


def _api() -> Object:
    given = _shown(_ok("This document", "any", headers=("ETag",), media_type=OPENAPI))
    given["content"] |= _json("any", OPENAPI_31)
    responses = {
        "200": given,
        "304": {"description": "The client has it already"},
        **_errors(400, 500),
    }
    get, head = _get("api", "The API definition", "service", responses, "definition", "ifNoneMatch")
    return {"get": get, "head": head}


def _health(name: str, summary: str, *errors: int) -> Object:
    responses = {"200": _ok(summary, "any"), **_errors(*errors)}
    get, head = _get(name, summary, "service", responses)
    return {"get": get, "head": head}


_AS_IT_IS: Object = {
    GEOJSON: {"schema": {"type": "object"}},
    "*/*": {"schema": {"type": "string", "format": "binary"}},
}
"""An output in its own media type."""


def _content() -> Object:
    """Bodies of results: a document, several outputs, or one output as it is."""
    return {
        JSON: {"schema": {"description": "The results document, or the value of one output"}},
        "multipart/related": {"schema": {"type": "string"}},
        **_AS_IT_IS,
    }


def _execute_by_query() -> Object:
    """The same as a POST, without a body."""
    post = {name: value for name, value in _execute().items() if name != "requestBody"}
    names = ("processId", "kvp", "project", "profile", "prefer")
    return {
        **post,
        "summary": "Run a process by a query",
        "operationId": "executeByQuery",
        "parameters": [_ref("parameters", name) for name in names],
    }


def _execute() -> Object:
    own = {name: _ref("headers", name) for name in ("Link", "Preference-Applied")}
    return {
        "summary": "Run a process",
        "description": "Synchronously, unless the process has only async-execute or the client"
        " prefers respond-async. `wait=N` beside it asks for the results if they come within N"
        " seconds.",
        "operationId": "execute",
        "tags": ["processes"],
        "parameters": [
            _ref("parameters", name) for name in ("processId", "project", "f", "profile", "prefer")
        ],
        "requestBody": {
            "required": True,
            "content": _json("execute"),
        },
        "responses": {
            "200": {"description": "The results", "headers": own, "content": _content()},
            "201": _ok(
                "The job was accepted", "statusInfo", headers=("Location", "Preference-Applied")
            ),
            "204": {
                "description": "The results are where the Link headers point",
                "headers": own,
            },
            "303": {
                "description": "The page of the job, for those who like HTML best",
                "headers": {"Location": _ref("headers", "Location")},
            },
            **_errors(400, 401, 403, 404, 410, 413, 415, 429, 500, 503, 504),
        },
        "callbacks": {
            "successful": _callback("successUri", "The results", "results"),
            "running": _callback("inProgressUri", "The job begins to run", "statusInfo"),
            "failed": _callback("failedUri", "The job failed or was dismissed", "statusInfo"),
        },
    }


def _callback(member: str, summary: str, schema: str) -> Object:
    """A call to a subscriber."""
    call = {
        "summary": summary,
        "description": "Made by services that declare the conformance class callback, signed by"
        " Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`).",
        "requestBody": {"required": True, "content": _json(schema)},
        "responses": {"2XX": {"description": "It was heard, and is not made again"}},
    }
    return {f"{{$request.body#/subscriber/{member}}}": {"post": call}}


def _upload() -> Object:
    own = {"type": "string", "format": "binary"}
    return {
        "summary": "Upload a file",
        "description": "Its link is an input of jobs, as `href`, until the upload expires.",
        "operationId": "upload",
        "tags": ["jobs"],
        "parameters": [_ref("parameters", "name")],
        "requestBody": {"required": True, "content": {"*/*": {"schema": own}}},
        "responses": {
            "201": _ok("The file is kept for a while", "any", headers=("Location",)),
            **_errors(400, 401, 403, 413, 415, 429, 500, 503),
        },
    }


def _uploaded() -> Object:
    responses = {"200": _ok("Its name, type, size and time", "any"), **_errors(401, 404, 500, 503)}
    get, head = _get("uploaded", "An upload", "jobs", responses, "uploadId")
    removed = {
        "summary": "Take an upload away",
        "operationId": "removeUpload",
        "tags": ["jobs"],
        "parameters": [_ref("parameters", "uploadId")],
        "responses": {"204": {"description": "It is gone"}, **_errors(401, 404, 500, 503)},
    }
    return {"get": get, "head": head, "delete": removed}


def _dismiss() -> Object:
    return {
        "summary": "Cancel a job; remove one that has ended, with its results",
        "operationId": "dismiss",
        "tags": ["jobs"],
        "parameters": [_ref("parameters", "jobId")],
        "responses": {
            "200": _ok("The job was dismissed", "statusInfo"),
            **_errors(400, 401, 404, 410, 500, 503),
        },
    }


def _status() -> Object:
    found = _live("status", "The status of a job", "jobs", "statusInfo", "jobId", "profile")
    for operation in found.values():
        operation["responses"]["200"]["headers"] = {"Retry-After": _ref("headers", "Retry-After")}
    return found


def _events() -> Object:
    responses = {
        "200": {
            "description": "Server-sent events to the end of the job: `status` (statusInfo) and `log` (a"
            " line of the log), each with an id from which a client may go on",
            "content": _json("event", "text/event-stream"),
        },
        "204": {"description": "The client has heard all of it: nothing more will come"},
        **_errors(401, 404, 410, 500, 503),
    }
    get, head = _get("events", "A job as it goes on", "jobs", responses, "jobId", "lastEventId")
    return {"get": get, "head": head}


def _results() -> Object:
    own = {name: _ref("headers", name) for name in ("Link", "Preference-Applied")}
    responses = {
        "200": {
            "description": "As the execute request asked for them, or this one",
            "headers": own,
            "content": {**_content(), **_PAGE},
        },
        "204": {"description": "They are where the Link headers point", "headers": own},
        **_errors(400, 401, 404, 410, 500, 503),
    }
    get, head = _get("results", "The results of a job", "jobs", responses, *OF_RESULTS)
    return {"get": get, "head": head}


def _output() -> Object:
    names = ("ETag", "Accept-Ranges", "Content-Disposition", "Content-Crs", "Repr-Digest")
    own = {name: _ref("headers", name) for name in names}
    content = {JSON: {"schema": {"description": "A value"}}, **_AS_IT_IS}
    responses = {
        "200": {"description": "The output as it is", "headers": own, "content": content},
        "206": {
            "description": "A part of its file",
            "headers": {**own, "Content-Range": _ref("headers", "Content-Range")},
            "content": content,
        },
        "304": {"description": "The client has it already"},
        **_errors(400, 401, 404, 410, 416, 500, 503),
    }
    parameters = ("jobId", "outputId", "ifNoneMatch", "range")
    get, head = _get("output", "One output of a job", "jobs", responses, *parameters)
    return {"get": get, "head": head}
