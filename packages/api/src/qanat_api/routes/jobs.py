"""Jobs: the list, a status, and the dismissal."""

from fastapi import APIRouter, Request, Response

from qanat_api import documents, filters
from qanat_api.jobs import status_info
from qanat_api.links import json_link, with_query
from qanat_api.routes import LinksOf, PartsOf, get
from qanat_common.errors import InvalidParameter

router = APIRouter()


@get(router, "/jobs")
async def job_list(request: Request, parts: PartsOf, links: LinksOf) -> Response:
    """Jobs, newest first; the links keep the filters."""
    query = request.query_params
    which = filters.job_filter(query)
    limit = min(filters.number(query, "limit", 1) or filters.JOBS_LIMIT, filters.JOBS_MOST)
    try:
        page = await parts.jobs.page(which, limit, query.get("cursor"))
    except ValueError:
        raise InvalidParameter("cursor: not one of a `next` link") from None
    given = {name: query.getlist(name) for name in query}
    own = [json_link(with_query(links.jobs, given), "self")]
    if page.cursor:
        after = with_query(links.jobs, {**given, "cursor": [page.cursor]})
        own.append(json_link(after, "next"))
    return documents.plain(
        {
            "jobs": [status_info(record, links).document() for record in page.records],
            "links": [link.document() for link in own],
        },
        headers=documents.NO_STORE,
    )


@get(router, "/jobs/{job_id}")
async def status(job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """How far a job is."""
    record = await parts.jobs.record(job_id)
    return documents.plain(status_info(record, links), headers=documents.NO_STORE)


@router.delete("/jobs/{job_id}", response_model=None)
async def dismiss(job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Cancel a job; or remove one that has ended, with its files."""
    record = await parts.jobs.dismiss(job_id)
    return documents.plain(status_info(record, links), headers=documents.NO_STORE)
