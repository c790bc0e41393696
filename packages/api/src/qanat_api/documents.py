"""Answers that are JSON documents: plain, with an ETag, and the exception document of every error."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response

from qanat_api.negotiation import matches, problem_type
from qanat_common.errors import QanatError
from qanat_common.ogc import JSON, Document, ExceptionReport

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = {"Cache-Control": "no-cache"}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Ready:
    """A document as bytes, made once and sent often, with the entity tag of these bytes."""

    content: bytes
    etag: str


def encode(document: Document | Mapping[str, Any]) -> bytes:
    """A document as JSON."""
    return orjson.dumps(document.document() if isinstance(document, Document) else document)


def ready(document: Document | Mapping[str, Any]) -> Ready:
    """A document made ready to be sent often."""
    content = encode(document)
    return Ready(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def plain(
    document: Document | Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """A document that is made for this answer."""
    return Response(encode(document), status, NOSNIFF | dict(headers or {}), media_type)


def conditional(request: Request, document: Ready, media_type: str = JSON) -> Response:
    """A document with its ETag: 304 for a client that has it already."""
    headers = NOSNIFF | REVALIDATE | {"ETag": document.etag, "Vary": "Accept"}
    if matches(request.headers.get("if-none-match"), document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.content, headers=headers, media_type=media_type)


def report(error: QanatError) -> ExceptionReport:
    """The exception document of an error."""
    return ExceptionReport(
        type=error.type,
        title=error.title,
        status=error.status,
        detail=error.detail or None,
        errors=[{"pointer": fault.pointer, "message": fault.message} for fault in error.faults]
        or None,
    )


def problem_headers(error: QanatError, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers of an answer that tells an error."""
    given = NO_STORE | {"Vary": "Accept"} | dict(headers or {})
    if error.retry_after is not None:
        given["Retry-After"] = str(error.retry_after)
    return given


def problem(
    request: Request, error: QanatError, headers: Mapping[str, str] | None = None
) -> Response:
    """The exception document of an error, in the media type that the client reads."""
    given = problem_headers(error, headers)
    return plain(report(error), error.status, given, problem_type(request.headers.get("accept")))
