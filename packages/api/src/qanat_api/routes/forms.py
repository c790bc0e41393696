"""What the pages send, and the files that they need; no part of the API itself."""

import asyncio
from collections.abc import Mapping

import orjson
from fastapi import APIRouter, Request, Response

from qanat_api import documents, forms, html, negotiation, pages
from qanat_api.catalog import Offered
from qanat_api.documents import NO_STORE, problem_headers
from qanat_api.fields import Filled
from qanat_api.html import Site
from qanat_api.negotiation import Preferences
from qanat_api.routes import LinksOf, Parts, PartsOf, SiteOf, get
from qanat_api.snippets import snippets
from qanat_common.errors import NotFound, QanatError

router = APIRouter()

ASYNCHRONOUS = Preferences(respond_async=True)


@router.post("/processes/{process_id}/form", response_model=None)
async def run(
    request: Request, process_id: str, parts: PartsOf, links: LinksOf, site: SiteOf
) -> Response:
    """Run a process by its form: on to the page of the job, or back to the form with what is wrong."""
    forms.check_origin(request.headers, links.base)
    offered = parts.jobs.process(process_id, links.project)
    filled = await forms.read(request.headers, request.stream(), parts.settings.body_limit)
    try:
        job_id = await _execute(parts, offered, filled, links.base)
    except QanatError as error:
        made = _again(parts, site, offered, filled, error)
        return html.page(request, made, error.status, problem_headers(error))
    return _see(links.job(job_id))


@router.post("/processes/{process_id}/form/request", response_model=None)
async def sketch(
    request: Request, process_id: str, parts: PartsOf, links: LinksOf, site: SiteOf
) -> Response:
    """The request that a form would make, as code: for the script of its page, or as that page."""
    forms.check_origin(request.headers, links.base)
    offered = parts.jobs.process(process_id, links.project)
    filled = await forms.read(request.headers, request.stream(), parts.settings.body_limit)
    if negotiation.wants_html(request.headers.get("accept"), request.query_params.get("f")):
        return html.page(request, _again(parts, site, offered, filled))
    made = snippets(
        offered, pages.form_of(offered.process), filled, links, secured=parts.gate is not None
    )
    return documents.plain({each.name: each.code for each in made}, headers=NO_STORE)


@router.post("/processes/{process_id}/form/check", response_model=None)
async def check(
    request: Request, process_id: str, parts: PartsOf, links: LinksOf, site: SiteOf
) -> Response:
    """Whether what is filled in can be run: as a document for the script of the page, or as the page."""
    forms.check_origin(request.headers, links.base)
    offered = parts.jobs.process(process_id, links.project)
    filled = await forms.read(request.headers, request.stream(), parts.settings.body_limit)
    as_html = negotiation.wants_html(request.headers.get("accept"), request.query_params.get("f"))
    try:
        body = await asyncio.to_thread(_body, offered, filled)
        await parts.jobs.check(offered, body, links.base)
    except QanatError as error:
        if not as_html:
            return documents.problem(request, error)
        made = _again(parts, site, offered, filled, error)
        return html.page(request, made, error.status, problem_headers(error))
    if not as_html:
        return documents.plain({"valid": True}, headers=NO_STORE)
    return html.page(request, _again(parts, site, offered, filled, checked=True))


def _again(
    parts: Parts,
    site: Site,
    offered: Offered,
    filled: Filled,
    error: QanatError | None = None,
    *,
    checked: bool = False,
) -> bytes:
    """The page of a process, with its form as it was filled in."""
    links = site.links
    document = {"links": parts.jobs.offered(links.project).links_of(links, offered)}
    names = list(parts.catalog.snapshot.published)
    secured = parts.gate is not None
    return pages.process(
        site, offered, document, names, filled, error, secured=secured, checked=checked
    )


async def _execute(parts: Parts, offered: Offered, filled: Filled, base: str) -> str:
    """The id of the job. The form says nothing that an execute request could not."""
    body = await asyncio.to_thread(_body, offered, filled)
    execution = await parts.jobs.execute(offered, body, ASYNCHRONOUS, base=base)
    return execution.record.job_id


def _body(offered: Offered, filled: Filled) -> bytes:
    shown = pages.form_of(offered.process)
    return orjson.dumps(forms.execute_request(offered, shown, filled))


@get(router, "/processes/{process_id}/form", document=False)
@get(router, "/processes/{process_id}/form/request", document=False)
@get(router, "/processes/{process_id}/form/check", document=False)
async def form(process_id: str, links: LinksOf) -> Response:
    """Who loads a form again that was sent: the page that has it."""
    return _see(links.process(process_id))


@router.post("/jobs/{job_id}/cancel", response_model=None)
async def cancel(request: Request, job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Cancel a job that has not ended."""
    forms.check_origin(request.headers, links.base)
    await parts.jobs.record(job_id)
    await parts.jobs.cancel(job_id)
    return _see(links.job(job_id))


@router.post("/jobs/{job_id}/remove", response_model=None)
async def remove(request: Request, job_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Remove a job that has ended, with its results."""
    forms.check_origin(request.headers, links.base)
    record = await parts.jobs.record(job_id)
    if not record.ended:
        return _see(links.job(job_id))
    await parts.jobs.remove(job_id)
    return _see(links.jobs)


@get(router, "/static/{name}", document=False)
async def static(request: Request, name: str) -> Response:
    """A file that pages need."""
    if name not in html.STATIC:
        raise NotFound("There is nothing at this path.")
    return html.send_file(request, name)


def _see(href: str, headers: Mapping[str, str] = NO_STORE) -> Response:
    """On to another page."""
    return Response(status_code=303, headers={"Location": href, **headers})
