"""Pages: templates made to bytes, and answers that are safe to show; the files that pages need.

Everything is escaped unless it was made here. No page names a foreign host, nor runs a script that
is not a file of ours.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib import resources
from typing import Any

import nh3
import orjson
from fastapi import Request, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from pydantic import JsonValue

from qanat_api import documents, negotiation
from qanat_api.documents import NO_STORE, NOSNIFF, SMALL, Ready
from qanat_api.languages import ENGLISH, Translation, language, told
from qanat_api.links import Links, in_format

MEDIA_TYPE = "text/html; charset=utf-8"

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of every page; `data:` are the small pictures within a style sheet."""

SAFE = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Encoding, Accept-Language",
    **NOSNIFF,
}

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""Files are asked for by the hash of their content."""

LONGEST_BEGINNING = 140

STATIC: Mapping[str, str] = {
    "crs.js": "text/javascript",
    "crs.txt": "text/plain; charset=utf-8",
    "draw.js": "text/javascript",
    "form.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "land-110m.json": "application/json",
    "leaflet.css": "text/css",
    "leaflet.js": "text/javascript",
    "map.js": "text/javascript",
    "pico.classless.min.css": "text/css",
    "qanat.css": "text/css",
    "qanat.js": "text/javascript",
    "request.js": "text/javascript",
    "topojson-client.min.js": "text/javascript",
}
"""The files that pages need, and their media types."""

_TAGS = {"a", "b", "br", "code", "em", "i", "li", "ol", "p", "pre", "strong", "sub", "sup", "ul"}
_HTML = re.compile(
    r"</?(a|b|br|code|div|em|h\d|i|li|ol|p|pre|span|strong|table|ul)"
    r"(\s+[\w-]+\s*=\s*(\"[^\"]*\"|'[^']*'))*\s*/?>",
    re.IGNORECASE,
)
"""A tag as it is written in HTML; `a<b and c>d` has none."""


@dataclass(frozen=True)
class File:
    """A file that pages need, compressed; `version` is a hash of it."""

    content: bytes
    media_type: str
    version: str


@dataclass(frozen=True)
class Site:
    """What every page shows: the title of the service, and its addresses."""

    title: str
    links: Links
    language: str = ENGLISH


def render(template: str, site: Site, **context: Any) -> bytes:
    """A page."""
    return (
        _environment(site.language)
        .get_template(template)
        .render(site=site, links=site.links, **context)
        .encode()
    )


def page(
    request: Request, content: bytes, status: int = 200, headers: Mapping[str, str] = NO_STORE
) -> Response:
    """An answer with a page that is made for it."""
    sent, coded = _coded(request, content)
    return Response(sent, status, dict(headers) | _safe(request) | coded, MEDIA_TYPE)


def conditional(request: Request, content: Ready) -> Response:
    """A page that is sent often: 304 for a client that has it already."""
    return documents.conditional(request, content, MEDIA_TYPE, _safe(request))


def _safe(request: Request) -> dict[str, str]:
    """The headers of every page, in the language in which this client gets it."""
    return SAFE | {"Content-Language": language(request.headers.get("accept-language"))}


@cache
def file(name: str) -> File:
    """A file that pages need. Raises KeyError for any other name."""
    media_type = STATIC[name]
    content = resources.files("qanat_api.static").joinpath(name).read_bytes()
    return File(gzip.compress(content, 9, mtime=0), media_type, _etag(content).strip('"'))


def send_file(request: Request, name: str) -> Response:
    """An answer with a file that pages need."""
    found = file(name)
    headers = FOR_EVER | NOSNIFF | {"Vary": "Accept-Encoding"}
    if negotiation.takes_gzip(request.headers.get("accept-encoding")):
        coded = headers | {"Content-Encoding": "gzip"}
        return Response(found.content, 200, coded, found.media_type)
    return Response(gzip.decompress(found.content), 200, headers, found.media_type)


def prose(text: str | None) -> Markup:
    """A help text: what is HTML in it is made harmless, plain text becomes paragraphs."""
    if not text:
        return Markup("")
    if _HTML.search(text):
        clean = nh3.clean(
            text, tags=_TAGS, url_schemes={"http", "https"}, attributes={"a": {"href"}}
        )
        return Markup(clean)  # noqa: S704 - nh3 has just made it harmless
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    lines = (Markup("<br>").join(escape(line) for line in part.split("\n")) for part in parts)
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


def beginning(text: str | None) -> str:
    """The first sentence of a help text, without markup; cut where it is long."""
    plain = _HTML.sub(" ", (text or "").strip())
    first = re.split(r"\n|(?<=[.!?])\s", plain, maxsplit=1)[0].strip()
    return first if len(first) <= LONGEST_BEGINNING else f"{first[:LONGEST_BEGINNING].rstrip()} …"


def size(count: int) -> str:
    """A number of bytes for people."""
    value = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000:
            return (
                f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
            )
        value /= 1000
    return f"{value:.1f} TB"


def named(role: str) -> str:
    """The name of a note for people."""
    words = role.replace("-", " ")
    return words[:1].upper() + words[1:] if not words.startswith("qgis") else f"QGIS{words[4:]}"


def moment(text: str | datetime) -> Markup:
    """A time for people and for machines."""
    time = datetime.fromisoformat(text) if isinstance(text, str) else text
    shown = f"{time:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}">{} UTC</time>').format(time.isoformat(), shown)


def duration(seconds: float) -> str:
    """A span of time for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _json(value: JsonValue, option: int) -> str:
    return orjson.dumps(value, option=option).decode()


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _coded(request: Request, content: bytes) -> tuple[bytes, dict[str, str]]:
    """A page as this client takes it, and the header that tells."""
    takes = negotiation.takes_gzip(request.headers.get("accept-encoding"))
    if len(content) <= SMALL or not takes:
        return content, {}
    return gzip.compress(content, 5, mtime=0), {"Content-Encoding": "gzip"}


def _static(name: str) -> str:
    """A file's path below the root, by its content."""
    return f"/static/{name}?v={file(name).version}"


@cache
def _environment(name: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=PackageLoader("qanat_api"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=_static, language=name)
    made.add_extension(Translation)
    made.filters.update(
        prose=prose,
        said=partial(told, name=name),
        beginning=beginning,
        size=size,
        named=named,
        moment=moment,
        duration=duration,
        as_html=partial(in_format, form="html"),
        compact=partial(_json, option=0),
        laid_out=partial(_json, option=orjson.OPT_INDENT_2),
    )
    return made
