"""Jobs: the list, a status, what was said, and the dismissal."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from qanat_api import documents, filters, html, pages
from qanat_api.following import Heard
from qanat_api.links import both, json_link, profile, with_query
from qanat_api.negotiation import profiles
from qanat_api.pace import retry_after
from qanat_api.routes import HtmlOf, LinksOf, PartsOf, SiteOf, get
from qanat_api.status import listed, status_document, status_info
from qanat_common.errors import InvalidParameter
from qanat_common.ogc import JSON

router = APIRouter()


@get(router, "/jobs")
async def job_list(
    request: Request, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Jobs, newest first; the links keep the filters."""
    query = request.query_params
    which = filters.job_filter(query)
    limit = min(filters.number(query, "limit", 1) or filters.JOBS_LIMIT, filters.JOBS_MOST)
    try:
        page = await parts.jobs.page(which, limit, query.get("cursor"))
    except ValueError:
        raise InvalidParameter("cursor: not one of a `next` link") from None
    given = {name: query.getlist(name) for name in query if name != "f"}
    own = both(with_query(links.jobs, given))
    if page.cursor:
        after = with_query(links.jobs, {**given, "cursor": [page.cursor]})
        own.append(json_link(after, "next"))
    document = {
        "jobs": [listed(record, links) for record in page.records],
        "links": [link.document() for link in own],
    }
    if as_html:
        return html.page(request, pages.jobs(site, document, given))
    named = documents.linked(document, profile("jobs-list")["Link"])
    return documents.plain(document, headers=documents.NO_STORE | named)


@get(router, "/jobs/{job_id}")
async def status(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """How far a job is."""
    record = await parts.jobs.record(job_id)
    document, now = status_document(record, links), datetime.now(UTC)
    if as_html:
        log = await parts.jobs.log(job_id)
        return html.page(
            request, pages.job(site, record, document, log, now, parts.described(record))
        )
    seconds = retry_after(record, now)
    again = {"Retry-After": str(seconds)} if seconds else {}
    named = documents.linked(document, profile("job-description")["Link"])
    headers = documents.NO_STORE | named | again
    if "job-description" in profiles(filters.values(request.query_params, "profile")):
        document["processID"] = links.process(record.process_id)
    return documents.plain(document, headers=headers)


@get(router, "/jobs/{job_id}/inputs")
async def inputs(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """What a job was asked for: an execute request that asks for the same again."""
    own = [
        *both(links.inputs(job_id), "These inputs"),
        json_link(links.job(job_id), "up", "The job"),
    ]
    asked = await parts.jobs.request(job_id)
    document = {**asked, "links": [link.document() for link in own]}
    if as_html:
        return html.page(request, pages.inputs(site, document))
    content = await asyncio.to_thread(documents.encode, document)
    return Response(content, headers=documents.NOSNIFF | documents.NO_STORE, media_type=JSON)


@dataclass(frozen=True)
class Follower:
    """A client that follows a job, and what it has heard before."""

    job_id: str
    heard: Heard


async def follower(
    job_id: str,
    parts: PartsOf,
    links: LinksOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[Follower]:
    """Someone who follows a job; there is such a job, and a place."""
    record = await parts.jobs.record(job_id)
    heard = Heard.of(last_event_id)
    await parts.following.check(record, heard, lambda seen: status_document(seen, links))
    with parts.following.place():
        yield Follower(job_id, heard)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def events(
    follower: Annotated[Follower, Depends(follower)], parts: PartsOf, links: LinksOf
) -> AsyncIterator[ServerSentEvent]:
    """What happens to a job, as it happens, to its end."""
    told = parts.following.events(
        follower.job_id, follower.heard, lambda record: status_document(record, links)
    )
    async for event in told:
        yield event


@router.head("/jobs/{job_id}/events", response_model=None)
async def events_head(job_id: str, parts: PartsOf) -> Response:
    """Whether a job may be followed."""
    await parts.jobs.record(job_id)
    return Response(media_type=EventSourceResponse.media_type, headers=documents.NO_STORE)


@get(router, "/jobs/{job_id}/log")
async def log(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """What the algorithm of a job said; with `q` the lines that have its words."""
    await parts.jobs.record(job_id)
    everything = await parts.jobs.log(job_id)
    words = filters.words(request.query_params)
    entries = filters.said(everything, words)
    href = with_query(links.log(job_id), {"q": " ".join(words)} if words else {})
    own = [*both(href, "This log"), json_link(links.job(job_id), "up", "The job")]
    document = {
        "log": [entry.model_dump(mode="json") for entry in entries],
        "links": [link.document() for link in own],
    }
    if as_html:
        return html.page(
            request, pages.log(site, document, entries, " ".join(words), len(everything))
        )
    return documents.plain(document, headers=documents.NO_STORE)


@router.delete("/jobs/{job_id}", response_model=None)
async def dismiss(job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Cancel a job; or remove one that has ended, with its files."""
    record = await parts.jobs.dismiss(job_id)
    return documents.plain(status_info(record, links), headers=documents.NO_STORE)
