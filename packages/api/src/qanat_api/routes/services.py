"""Services: who runs the processes, and how busy they are."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from qanat_api import documents, html, pages, services
from qanat_api.links import Links
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_common.errors import NotFound
from qanat_common.protocol import ServiceEntry

router = APIRouter()


@get(router, "/services")
async def service_list(
    request: Request, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Every service that is known."""
    entries = sorted(parts.catalog.snapshot.services.values(), key=lambda entry: entry.name)
    made = services.listing([await _made(parts, links, entry) for entry in entries], links)
    if as_html:
        return html.page(request, pages.services(site, made), headers=documents.NO_STORE)
    return documents.plain(made, headers=documents.NO_STORE)


@get(router, "/services/{name}")
async def service(
    request: Request, name: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """A service."""
    entry = parts.catalog.snapshot.services.get(name)
    if entry is None:
        raise NotFound(f"There is no service {name[:100]!r}.")
    made = await _made(parts, links, entry)
    if as_html:
        return html.page(request, pages.service(site, made), headers=documents.NO_STORE)
    return documents.plain(made, headers=documents.NO_STORE)


async def _made(parts: Parts, links: Links, entry: ServiceEntry) -> dict[str, Any]:
    waiting = await asyncio.to_thread(parts.waiting, entry.name)
    snapshot = parts.catalog.snapshot
    return services.document(snapshot, entry, waiting, links, datetime.now(UTC))
