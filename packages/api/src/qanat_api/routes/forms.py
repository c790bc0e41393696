"""What the pages send, and the files that they need; no part of the API itself."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response

from qanat_api import documents, forms, html, pages
from qanat_api.catalog import Offered
from qanat_api.documents import NO_STORE, problem_headers
from qanat_api.fields import Filled
from qanat_api.html import Site
from qanat_api.negotiation import Preferences
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_api.routes.processes import page_of
from qanat_api.snippets import snippets
from qanat_common.errors import NotFound, QanatError

router = APIRouter()

ASYNCHRONOUS = Preferences(respond_async=True)


@dataclass(frozen=True)
class Sent:
    """A form that was sent: of which process it is, and what was filled in."""

    offered: Offered
    filled: Filled


async def sent_form(request: Request, process_id: str, parts: PartsOf, links: LinksOf) -> Sent:
    """The form of this request. Raises CrossSite, NoSuchProcess, and what `forms.read` raises."""
    forms.check_origin(request.headers, links.base)
    offered = parts.jobs.process(process_id, links.project)
    filled = await forms.read(request.headers, request.stream(), parts.settings.body_limit)
    return Sent(offered, filled)


@router.post("/processes/{process_id}/form", response_model=None)
async def run(
    request: Request,
    sent: Annotated[Sent, Depends(sent_form)],
    parts: PartsOf,
    links: LinksOf,
    site: SiteOf,
) -> Response:
    """Run a process by its form: on to the page of the job, or back to the form with what is wrong."""
    try:
        job_id = await _execute(parts, sent, links.base)
    except QanatError as error:
        return await _wrong(request, parts, site, sent, error)
    return _see(links.job(job_id))


@router.post("/processes/{process_id}/form/request", response_model=None)
async def sketch(
    request: Request,
    sent: Annotated[Sent, Depends(sent_form)],
    parts: PartsOf,
    links: LinksOf,
    site: SiteOf,
    as_html: HtmlOf,
) -> Response:
    """The request that a form would make, as code: for the script of its page, or as that page."""
    if as_html:
        return html.page(request, await page_of(parts, site, sent.offered, sent.filled))
    shown = pages.form_of(sent.offered.process)
    made = snippets(sent.offered, shown, sent.filled, links, secured=parts.secured)
    return documents.plain({each.name: each.code for each in made}, headers=NO_STORE)


@router.post("/processes/{process_id}/form/check", response_model=None)
async def check(
    request: Request,
    sent: Annotated[Sent, Depends(sent_form)],
    parts: PartsOf,
    links: LinksOf,
    site: SiteOf,
    as_html: HtmlOf,
) -> Response:
    """Whether what is filled in can be run: as a document for the script of the page, or as the page."""
    try:
        await parts.jobs.check(sent.offered, await asyncio.to_thread(_body, sent), links.base)
    except QanatError as error:
        if not as_html:
            return documents.problem(request, error)
        return await _wrong(request, parts, site, sent, error)
    if not as_html:
        return documents.plain({"valid": True}, headers=NO_STORE)
    return html.page(request, await page_of(parts, site, sent.offered, sent.filled, checked=True))


async def _wrong(
    request: Request, parts: Parts, site: Site, sent: Sent, error: QanatError
) -> Response:
    """The form as it was filled in, with what is wrong with it."""
    made = await page_of(parts, site, sent.offered, sent.filled, error)
    return html.page(request, made, error.status, problem_headers(error))


async def _execute(parts: Parts, sent: Sent, base: str) -> str:
    """The id of the job. The form says nothing that an execute request could not."""
    body = await asyncio.to_thread(_body, sent)
    execution = await parts.jobs.execute(sent.offered, body, ASYNCHRONOUS, base=base)
    return execution.record.job_id


def _body(sent: Sent) -> bytes:
    shown = pages.form_of(sent.offered.process)
    return orjson.dumps(forms.execute_request(sent.offered, shown, sent.filled))


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
