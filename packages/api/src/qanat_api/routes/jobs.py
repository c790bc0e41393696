"""Jobs: the list, a status, what was said, and the dismissal."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from qanat_api import documents, filters, html, pages
from qanat_api.jobs import status_info
from qanat_api.links import both, json_link, with_query
from qanat_api.routes import HtmlOf, LinksOf, PartsOf, SiteOf, get
from qanat_common.errors import InvalidParameter

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
        "jobs": [status_info(record, links).document() for record in page.records],
        "links": [link.document() for link in own],
    }
    if as_html:
        return html.page(request, pages.jobs(site, document, given))
    return documents.plain(document, headers=documents.NO_STORE)


@get(router, "/jobs/{job_id}")
async def status(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """How far a job is."""
    record = await parts.jobs.record(job_id)
    document = status_info(record, links).document()
    if as_html:
        log = await parts.jobs.log(job_id)
        return html.page(request, pages.job(site, record, document, log, datetime.now(UTC)))
    return documents.plain(document, headers=documents.NO_STORE)


@get(router, "/jobs/{job_id}/log")
async def log(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """What the algorithm of a job said."""
    await parts.jobs.record(job_id)
    entries = await parts.jobs.log(job_id)
    own = [*both(links.log(job_id), "This log"), json_link(links.job(job_id), "up", "The job")]
    document = {
        "log": [entry.model_dump(mode="json") for entry in entries],
        "links": [link.document() for link in own],
    }
    if as_html:
        return html.page(request, pages.log(site, document, entries))
    return documents.plain(document, headers=documents.NO_STORE)


@router.delete("/jobs/{job_id}", response_model=None)
async def dismiss(job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Cancel a job; or remove one that has ended, with its files."""
    record = await parts.jobs.dismiss(job_id)
    return documents.plain(status_info(record, links), headers=documents.NO_STORE)
