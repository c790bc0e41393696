"""Parts of our own API definition: what operations take, what headers they answer with, how they fail."""

from collections.abc import Mapping
from typing import Any

from qanat_api.filters import DATETIME, JOBS_LIMIT, JOBS_MOST, MOST_NUMBER
from qanat_api.negotiation import DEFINITIONS, FORMATS
from qanat_common.ogc import JobStatus

Object = dict[str, Any]

ERRORS: Mapping[int, str] = {
    400: "A parameter or a member of the body is wrong; `errors` names it",
    401: "Who asks is to show who it is, or what it shows is not valid",
    403: "Who asks may not do this",
    404: "There is no such thing, or not yet",
    406: "The client accepts neither JSON nor HTML",
    410: "The job was removed or dismissed, or has expired",
    413: "The body is larger than this server takes",
    415: "The body is not JSON, or is compressed",
    416: "The range lies outside of the file",
    429: "Who asks has too many jobs or asks too often; come back after Retry-After seconds",
    500: "The job failed, or the server did",
    503: "A part that is needed is away; come back after Retry-After seconds",
    504: "The job took longer than a synchronous execution may, and was dismissed",
    507: "The job failed, because a disk is full",
}
"""Status → when, of the exception documents."""


SECURITY: Object = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key, or a token of the issuer that the service believes",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "The password is a key"},
}
"""How one shows who one is, where the service asks for it."""


def _parameter(
    name: str, place: str, text: str, schema: Object, *, explode: bool | None = None
) -> Object:
    own: Object = {"name": name, "in": place, "description": text, "schema": schema}
    if place == "path":
        own["required"] = True
    if explode is not None:
        own |= {"style": "form", "explode": explode}
    return own


TEXT: Object = {"type": "string"}
_TEXTS: Object = {"type": "array", "items": TEXT}
_CURSOR: Object = {**TEXT, "pattern": "^([0-9]{1,15}_[0-9A-Za-z-]{1,64})?$"}
_FILE_NAME: Object = {**TEXT, "pattern": "^[^\\u0000-\\u001f\\u007f/\\\\]{1,200}$"}
_COUNT: Object = {"type": "integer", "minimum": 1, "maximum": MOST_NUMBER}
_FROM_0: Object = {"type": "integer", "minimum": 0, "maximum": MOST_NUMBER}
_SECONDS: Object = {"type": "array", "items": _FROM_0}
_STATUSES: Object = {
    "type": "array",
    "items": {"type": "string", "enum": list(map(str, JobStatus))},
}
_TYPES: Object = {"type": "array", "items": {"type": "string", "enum": ["process"]}}
_JOBS: Object = {**_COUNT, "default": JOBS_LIMIT}
_DEFINITION: Object = {"type": "string", "enum": list(DEFINITIONS)}
_FORMAT: Object = {"type": "string", "enum": list(FORMATS)}

PARAMETERS: Object = {
    "processId": _parameter("processId", "path", "A process: `id` or `id@service`", TEXT),
    "project": _parameter(
        "project",
        "query",
        "A published project: its layers, fields and layouts are choices of inputs then, and its CRS"
        " and ellipsoid are those of the job",
        TEXT,
    ),
    "projectName": _parameter("projectName", "path", "A published project", TEXT),
    "serviceName": _parameter("name", "path", "A service", TEXT),
    "uploadId": _parameter("uploadId", "path", "An upload", TEXT),
    "name": _parameter("name", "query", "What the file is called", _FILE_NAME),
    "jobId": _parameter("jobId", "path", "A job", TEXT),
    "outputId": _parameter("outputId", "path", "An output of the job's process", TEXT),
    "f": _parameter("f", "query", "The format; goes before Accept", _FORMAT),
    "definition": _parameter("f", "query", "The format; goes before Accept", _DEFINITION),
    "q": _parameter("q", "query", "Words that must occur: id, title, keywords, provider", TEXT),
    "logWords": _parameter("q", "query", "Words that must occur in a line, or its level", TEXT),
    "provider": _parameter(
        "provider",
        "query",
        "Of these providers: what an id begins with, or the title; large or small letters",
        _TEXTS,
        explode=True,
    ),
    "service": _parameter(
        "service",
        "query",
        "Of these services, each by an id under which it runs there",
        _TEXTS,
        explode=True,
    ),
    "limit": _parameter("limit", "query", "So many at most", _COUNT),
    "offset": _parameter("offset", "query", "So many are left out", _FROM_0),
    "jobLimit": _parameter(
        "limit", "query", f"So many at most; more than {JOBS_MOST} are never given", _JOBS
    ),
    "cursor": _parameter("cursor", "query", "Where a page starts: from a `next` link", _CURSOR),
    "type": _parameter("type", "query", "Of these types", _TYPES, explode=True),
    "processID": _parameter("processID", "query", "Of these processes", _TEXTS, explode=True),
    "status": _parameter("status", "query", "In these states", _STATUSES, explode=True),
    "datetime": _parameter(
        "datetime",
        "query",
        "Created at a time, or in an interval such as `../2026-12-01T00:00:00Z`",
        {**TEXT, "pattern": DATETIME},
    ),
    "minDuration": _parameter(
        "minDuration", "query", "Ran at least so many seconds", _SECONDS, explode=False
    ),
    "maxDuration": _parameter(
        "maxDuration", "query", "Ran at most so many seconds", _SECONDS, explode=False
    ),
    "outputs": _parameter("outputs", "query", "Only these outputs", _TEXTS, explode=False),
    "profile": _parameter(
        "profile",
        "query",
        "Profiles of the 2.0 draft, by address, as a safe CURIE or by id: `ogc-results` asks for the"
        " results as a document, `job-description` for the address of the process",
        _TEXTS,
        explode=False,
    ),
    "prefer": _parameter(
        "Prefer",
        "header",
        "`respond-async`, `wait=N`; `return=minimal` or `return=representation` asks for the results"
        " by the 2.0 draft: large ones by links, or all in place (RFC 7240)",
        TEXT,
    ),
    "return": _parameter(
        "Prefer",
        "header",
        "`return=minimal`: a document, with links to what is large; `return=representation`: a"
        " document with all in place",
        TEXT,
    ),
    "kvp": _parameter(
        "inputs",
        "query",
        "Inputs by their names; `name[href]` of a link, `name[value]` and `name[mediaType]` of a"
        " qualified value, `name[include]` of an output; `response[f]`, `response[prefer]`",
        {"type": "object", "additionalProperties": TEXT},
        explode=True,
    ),
    "others": _parameter(
        "others",
        "query",
        "Any other parameters, by their own names, such as a client's against caches: passed over",
        {"type": "object"},
        explode=True,
    ),
    "ifNoneMatch": _parameter("If-None-Match", "header", "ETags that the client has", TEXT),
    "lastEventId": _parameter("Last-Event-ID", "header", "The last event that was heard", TEXT),
    "range": _parameter("Range", "header", "One range of bytes (RFC 9110)", TEXT),
}

OF_RESULTS = ("f", "jobId", "outputs", "profile", "return")

JOB_FILTERS = (
    "type",
    "processID",
    "status",
    "datetime",
    "minDuration",
    "maxDuration",
    "jobLimit",
    "cursor",
)

HEADERS: Object = {
    name: {"description": text, "schema": TEXT}
    for name, text in {
        "ETag": "The entity tag of this document or file",
        "Location": "The address of the job's status",
        "Link": "The job (`rel=monitor`), or an output by reference",
        "Preference-Applied": "The preferences that were honoured",
        "Retry-After": "In how many seconds to ask again, of a job that has not ended",
        "Accept-Ranges": "Ranges of bytes may be asked for",
        "Content-Range": "Which bytes of how many these are",
        "Content-Disposition": "The name to save the file by",
        "Repr-Digest": "The SHA-256 of the whole file (RFC 9530), where it is known",
        "Content-Crs": "The CRS of the coordinates of the file, where it has any",
    }.items()
}
