"""Answers that are documents: plain, ready-made with an ETag, and the exception document of every error."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from fastapi import Request, Response

from qanat_api import links
from qanat_api.languages import ENGLISH, language, told
from qanat_api.negotiation import matches, problem_type, takes_gzip
from qanat_common.errors import QanatError, Unauthorized
from qanat_common.ogc import JSON, Document, ExceptionReport

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = {"Cache-Control": "no-cache"}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
VARY = {"Vary": "Accept, Accept-Encoding"}


SMALL = 1000
"""What has fewer bytes is not worth to be compressed."""


@dataclass(frozen=True)
class Ready:
    """A document as bytes, made once and sent often; `tag` names these bytes, `link` are its links."""

    content: bytes
    tag: str
    link: str = ""

    @cached_property
    def gzipped(self) -> bytes:
        """The same, compressed; made once."""
        return gzip.compress(self.content, 6, mtime=0)

    def etag(self, *, gzipped: bool) -> str:
        """The entity tag: encodings of one document have different ones (RFC 9110, 8.8.3.3)."""
        return f'"{self.tag}-gzip"' if gzipped else f'"{self.tag}"'


def encode(document: Document | Mapping[str, Any]) -> bytes:
    """A document as JSON."""
    return orjson.dumps(document.document() if isinstance(document, Document) else document)


def ready(document: Document | Mapping[str, Any]) -> Ready:
    """A document made ready to be sent often."""
    plain = document.document() if isinstance(document, Document) else document
    content = encode(plain)
    return Ready(content, _tag(content), links.headers(plain.get("links") or ()))


def ready_bytes(content: bytes) -> Ready:
    """Bytes made ready to be sent often."""
    return Ready(content, _tag(content))


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def linked(document: Mapping[str, Any], own: str = "") -> dict[str, str]:
    """The Link header of a document that is made for one answer; `own` comes before its links."""
    told = ", ".join(part for part in (own, links.headers(document["links"])) if part)
    return {"Link": told} if told else {}


def plain(
    document: Document | Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = JSON,
) -> Response:
    """A document that is made for this answer."""
    return Response(encode(document), status, NOSNIFF | dict(headers or {}), media_type)


def conditional(
    request: Request,
    document: Ready,
    media_type: str = JSON,
    headers: Mapping[str, str] = VARY,
) -> Response:
    """A document with its ETag: compressed for those who take it, 304 for those who have it."""
    asked = request.headers
    gzipped = len(document.content) > SMALL and takes_gzip(asked.get("accept-encoding"))
    own = NOSNIFF | REVALIDATE | dict(headers) | {"ETag": document.etag(gzipped=gzipped)}
    if document.link:
        own["Link"] = f"{own['Link']}, {document.link}" if "Link" in own else document.link
    known = asked.get("if-none-match")
    if known and any(matches(known, document.etag(gzipped=coded)) for coded in (False, True)):
        return Response(status_code=304, headers=own)
    if not gzipped:
        return Response(document.content, headers=own, media_type=media_type)
    own["Content-Encoding"] = "gzip"
    return Response(document.gzipped, headers=own, media_type=media_type)


def report(error: QanatError, name: str = ENGLISH) -> ExceptionReport:
    """The exception document of an error: its title in a language, its detail in English."""
    return ExceptionReport(
        type=error.type,
        title=told(error.title, name),
        status=error.status,
        detail=error.detail or None,
        errors=[{"pointer": fault.pointer, "message": fault.message} for fault in error.faults]
        or None,
    )


def problem_headers(error: QanatError, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers of an answer that tells an error."""
    given = NO_STORE | {"Vary": "Accept, Accept-Language"} | dict(headers or {})
    if error.retry_after is not None:
        given["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        given["WWW-Authenticate"] = error.challenge
    return given


def problem(
    request: Request, error: QanatError, headers: Mapping[str, str] | None = None
) -> Response:
    """The exception document of an error, in the media type that the client reads."""
    name = language(request.headers.get("accept-language"))
    both = name if name == ENGLISH else f"{name}, {ENGLISH}"
    given = problem_headers(error, headers) | {"Content-Language": both}
    return plain(
        report(error, name), error.status, given, problem_type(request.headers.get("accept"))
    )
