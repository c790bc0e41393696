"""What a client would like: Accept and `f=` (RFC 9110, 12.5.1), Prefer (RFC 7240), ETags; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qanat_common.errors import InvalidParameter, NotAcceptable
from qanat_common.ogc import JSON, PROFILE, JobControl, Return

PROBLEM = "application/problem+json"

HTML = "text/html"

FORMATS: Mapping[str, str] = {"json": JSON, JSON: JSON, "html": HTML, HTML: HTML}
"""Values of the query parameter `f`, which goes before Accept."""

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
"""The media type of our API definition, to the letter (/req/oas30/oas-definition-1)."""

OPENAPI_31 = "application/vnd.oai.openapi+json;version=3.1"

DEFINITIONS: Mapping[str, str] = {
    **{name: HTML if kind == HTML else OPENAPI for name, kind in FORMATS.items()},
    "openapi30": OPENAPI,
    OPENAPI: OPENAPI,
    "openapi31": OPENAPI_31,
    OPENAPI_31: OPENAPI_31,
}
"""Values of `f` at the API definition."""

LONGEST_HEADER = 4096
"""How much of a header's value is read."""

KEPT_HEADERS = 256
"""So many headers are kept as they were read: clients send the same ones again and again."""

_RETURNS = frozenset(Return)

_ANY = frozenset({"*/*", "*", "/*", ""})
"""Everything, as it is written and as some clients write it."""


@dataclass(frozen=True)
class Preferences:
    """What a client prefers of an execution; `wait` in seconds.

    `document` asks for results as a document in every case, by the profile of the 2.0 draft;
    `accept` are the media types that it takes.
    """

    respond_async: bool = False
    wait: int | None = None
    returns: Return | None = None
    document: bool = False
    accept: str | None = None


@dataclass(frozen=True)
class Mode:
    """How an execution is answered; `wait` is how long a result is awaited before a 201.

    `applied` are the preferences that were honoured.
    """

    asynchronous: bool
    wait: int = 0
    applied: str | None = None


def media_range(text: str) -> str:
    """A media type or range without its parameters, in lower case."""
    return text.partition(";")[0].strip().lower()


def accepted(header: str | None) -> Mapping[str, float]:
    """Media range → quality, of an Accept header; what cannot be read of it is passed over."""
    return _accepted((header or "*/*")[:LONGEST_HEADER])


@lru_cache(KEPT_HEADERS)
def _accepted(header: str) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for item in split(header, ","):
        _, _, parameters = item.partition(";")
        quality = re.search(r"(?:^|;)\s*q\s*=\s*([01](?:\.\d*)?|\.\d+)", parameters)
        found[media_range(item)] = min(1.0, float(quality[1])) if quality else 1.0
    return found or {"*/*": 1.0}


def quality(header: str | None, media_type: str) -> float:
    """How much a client likes a media type: by the range that names it most closely; 0 is not at all."""
    ranges = accepted(header)
    wanted = media_range(media_type)
    for name in (wanted, wanted.partition("/")[0] + "/*"):
        if name in ranges:
            return ranges[name]
    return max(ranges.get(name, 0) for name in _ANY)


def wants_html(accept: str | None, f: str | None, *others: str) -> bool:
    """Whether a client is a person's browser: it likes HTML better than JSON and `others`.

    The Accept that Java sends by itself likes HTML too, and no person reads it: it has a bare `*`.
    """
    if f is not None:
        if f not in FORMATS:
            raise InvalidParameter(f"f: {f!r} is not one of {', '.join(FORMATS)}")
        return FORMATS[f] == HTML
    if "*" in accepted(accept):
        return False
    return quality(accept, HTML) > max(quality(accept, other) for other in (JSON, *others))


def require_document(accept: str | None, f: str | None) -> None:
    """Raise what is to be told to a client that reads neither JSON nor HTML."""
    if not wants_html(accept, f) and f is None and not quality(accept, JSON):
        raise NotAcceptable(f"This resource can be had as {JSON} and {HTML}.")


def chosen(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type that a client names and likes best of those that are offered; ranges name none."""
    ranges = accepted(accept)
    named = [kind for kind in offered if ranges.get(media_range(kind), 0) > 0]
    return max(named, key=lambda kind: ranges[media_range(kind)], default=None)


def takes_gzip(header: str | None) -> bool:
    """Whether a client takes gzip (Accept-Encoding)."""
    if not header:
        return False
    ranges = accepted(header)
    return ranges.get("gzip", ranges.get("*", 0)) > 0


def problem_type(accept: str | None) -> str:
    """The media type of an exception document: plain JSON for those who take only that, or like it better."""
    if accepted(accept).get(PROBLEM, 0) > 0:
        return PROBLEM
    return PROBLEM if quality(accept, PROBLEM) >= quality(accept, JSON) else JSON


def definition(accept: str | None, f: str | None) -> str:
    """The media type in which the API definition is given: OpenAPI 3.0 unless asked otherwise."""
    if f is not None:
        if f not in DEFINITIONS:
            raise InvalidParameter(f"f: {f!r} is not one of {', '.join(DEFINITIONS)}")
        return DEFINITIONS[f]
    if wants_html(accept, None, OPENAPI):
        return HTML
    named = {"".join(item.split()).lower() for item in split(accept or "", ",")}
    newer = any(item.startswith(OPENAPI_31) for item in named)
    older = any(item.startswith(OPENAPI) for item in named)
    return OPENAPI_31 if newer and not older else OPENAPI


def preferences(
    headers: Iterable[str], *, document: bool = False, accept: str | None = None
) -> Preferences:
    """The preferences of all Prefer headers; unknown ones are passed over, the first of a name counts."""
    found: dict[str, str] = {}
    for item in split(",".join(headers), ","):
        name, _, value = next(split(item, ";"), "").partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    returns = found.get("return", "").lower()
    return Preferences(
        "respond-async" in found,
        int(wait) if wait.isdecimal() else None,
        Return(returns) if returns in _RETURNS else None,
        document,
        accept,
    )


def profiles(values: Iterable[str]) -> frozenset[str]:
    """The ids of profiles of OGC: each by its address, as a safe CURIE, or by its id alone."""
    return frozenset(
        value.strip().removeprefix(PROFILE).strip("[]").rpartition(":")[2] for value in values
    )


def mode(options: Sequence[JobControl], wanted: Preferences, longest: float) -> Mode:
    """Synchronous or not, by what the process can and the client prefers (digest, section 6).

    `longest` bounds how long a result is awaited.
    """
    if JobControl.ASYNC not in options:
        return Mode(asynchronous=False)
    if JobControl.SYNC in options and not wanted.respond_async:
        return Mode(asynchronous=False)
    wait = min(wanted.wait or 0, int(longest)) if wanted.respond_async else 0
    named = ["respond-async"] if wanted.respond_async else []
    named += [f"wait={wait}"] if wait else []
    return Mode(asynchronous=True, wait=wait, applied=", ".join(named) or None)


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names an entity tag, or any; compared weakly."""
    tags = [tag.removeprefix("W/") for tag in split(header or "", ",")]
    return etag in tags or "*" in tags


def split(text: str, separator: str) -> Iterator[str]:
    """The parts of a header's value: separators within quotes do not count."""
    for part in re.findall(rf'(?:"(?:[^"\\]|\\.)*"|[^{separator}])+', text[:LONGEST_HEADER]):
        if part.strip():
            yield part.strip()
