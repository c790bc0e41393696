"""Landing page, conformance, API definition; and whether we are alive and ready."""

import asyncio
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from qanat_api import documents, html, negotiation, openapi, pages
from qanat_api.documents import Ready
from qanat_api.html import Site
from qanat_api.negotiation import HTML
from qanat_api.routes import HtmlOf, LinksOf, OpenPartsOf, SiteOf, get
from qanat_common.errors import Unavailable
from qanat_common.ogc import CONFORMANCE

router = APIRouter()

KEPT_DEFINITIONS = 8
"""For so many base addresses the API definition is kept ready."""

COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
"""Prefix of the conformance classes of OGC API - Common, Part 1."""

CONFORMS_TO = [
    *(CONFORMANCE + name for name in ("core", "ogc-process-description", "json")),
    *(CONFORMANCE + name for name in ("html", "oas30", "job-list", "dismiss")),
    *(COMMON + name for name in ("core", "landing-page", "json", "html", "oas30")),
]
"""What holds, and nothing else."""

CALLBACK = CONFORMANCE + "callback"
"""What holds too when there is somebody who may be called."""


@get(router, "/")
async def landing_page(
    request: Request, parts: OpenPartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Where to go from here."""
    document = {
        "title": parts.settings.title,
        "description": parts.settings.description,
        "links": [link.document() for link in links.landing()],
    }
    if as_html:
        snapshot = parts.catalog.snapshot
        made = pages.landing(site, document, len(snapshot), len(snapshot.published))
        return html.conditional(request, made)
    return documents.conditional(request, documents.ready(document))


@get(router, "/conformance")
async def conformance(
    request: Request, parts: OpenPartsOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """The conformance classes that hold."""
    more = [CALLBACK] if parts.settings.callbacks.on else []
    document = {"conformsTo": [*CONFORMS_TO, *more]}
    if as_html:
        return html.conditional(request, pages.conformance(site, document))
    return documents.conditional(request, documents.ready(document))


@get(router, "/api", document=False)
async def api(request: Request, parts: OpenPartsOf, links: LinksOf, site: SiteOf) -> Response:
    """The API definition."""
    media_type = negotiation.definition(
        request.headers.get("accept"), request.query_params.get("f")
    )
    own = parts.settings
    about = (own.title, own.description, links.base, own.kvp_execute)
    if media_type == HTML:
        return html.conditional(request, _definition_page(site, *about))
    made = _definition(media_type, *about)
    return documents.conditional(request, made, media_type)


@lru_cache(KEPT_DEFINITIONS)
def _definition(media_type: str, title: str, description: str, base: str, kvp: bool) -> Ready:
    return documents.ready(openapi.document(title, description, base, media_type, kvp=kvp))


@lru_cache(KEPT_DEFINITIONS)
def _definition_page(site: Site, title: str, description: str, base: str, kvp: bool) -> Ready:
    return pages.api(site, openapi.document(title, description, base, kvp=kvp))


@get(router, "/livez", document=False)
async def livez() -> Response:
    """Whether this process answers at all; asks nobody else."""
    return documents.plain({"status": "ok"}, headers=documents.NO_STORE)


@get(router, "/readyz", document=False)
async def readyz(parts: OpenPartsOf) -> Response:
    """Whether jobs can be taken: processes are known, and the store answers."""
    await asyncio.to_thread(parts.check)
    if not parts.catalog.snapshot.known:
        raise Unavailable("The processes are not known yet.", retry_after=2)
    return documents.plain(
        {"status": "ok", "processes": len(parts.catalog.snapshot)}, headers=documents.NO_STORE
    )
