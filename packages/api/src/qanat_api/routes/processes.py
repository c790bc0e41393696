"""Processes: the list, a description, and an execution."""

import asyncio
import uuid
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from qanat_api import body, content, documents, earlier, filters, forms, html, negotiation, pages
from qanat_api.catalog import Offered
from qanat_api.fields import Filled
from qanat_api.html import Site
from qanat_api.jobs import Execution
from qanat_api.links import Links, header, profile
from qanat_api.negotiation import Preferences
from qanat_api.responses import answer
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_api.status import outcome, status_document
from qanat_common.errors import NoSuchOutput, QanatError, Unavailable
from qanat_common.jobs import JobRecord
from qanat_common.ogc import Return, Transmission
from qanat_common.protocol import RunJob

router = APIRouter()

LISTED = documents.VARY | profile("ogc-process-list")
DESCRIBED = documents.VARY | profile("ogc-process-description")


@get(router, "/processes")
async def process_list(
    request: Request, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Every process, or those that the query is about."""
    query, snapshot = filters.process_query(request.query_params), parts.jobs.offered(links.project)
    if query == filters.ProcessQuery():
        if as_html:
            return html.conditional(request, pages.whole_list(snapshot, site))
        return documents.conditional(request, snapshot.listing(links.base), headers=LISTED)
    page = snapshot.page(links.base, query)
    if as_html:
        made = pages.processes(site, page.found, len(snapshot), query, page.links)
        return html.conditional(request, documents.ready_bytes(made))
    return documents.conditional(request, page.document, headers=LISTED)


@get(router, "/processes/{process_id}")
async def process(
    request: Request,
    process_id: str,
    parts: PartsOf,
    links: LinksOf,
    site: SiteOf,
    as_html: HtmlOf,
) -> Response:
    """What a process takes and gives."""
    offered = parts.jobs.process(process_id, links.project)
    if as_html:
        again = request.query_params.get("again")
        filled = await _again(parts, offered, again) if again else None
        made = await page_of(parts, site, offered, filled)
        if filled is not None or parts.secured:  # what is somebody's own is kept by no cache
            return html.page(request, made)
        return html.conditional(request, documents.ready_bytes(made))
    ready = parts.jobs.offered(links.project).description(links.base, offered.id)
    return documents.conditional(request, ready, headers=DESCRIBED)


async def page_of(
    parts: Parts,
    site: Site,
    offered: Offered,
    filled: Filled | None = None,
    error: QanatError | None = None,
    *,
    checked: bool = False,
) -> bytes:
    """The page of a process, with its form: as it is at first, or as it was filled in."""
    links = site.links
    layers = any(field.media for field in pages.form_of(offered.process))
    before = await earlier.find(parts.jobs, links, offered.id, parts.described, layers=layers)
    document = {"links": parts.jobs.offered(links.project).links_of(links, offered)}
    return pages.process(
        site,
        offered,
        document,
        list(parts.catalog.snapshot.published),
        filled,
        error,
        secured=parts.secured,
        checked=checked,
        waiting=await _waiting(parts, offered.service),
        earlier=before,
    )


async def _waiting(parts: Parts, service: str) -> int | None:
    """How many jobs of a service wait; None while the store is away: the page is there all the same."""
    try:
        return (await asyncio.to_thread(parts.waiting, service)).count
    except Unavailable:
        return None


async def _again(parts: Parts, offered: Offered, job_id: str) -> Filled:
    """The form as it would ask for what a job was asked for. Raises NotFound."""
    asked = await parts.jobs.request(job_id)
    return forms.again(offered.process, pages.form_of(offered.process), asked)


@router.post("/processes/{process_id}/execution", response_model=None)
async def execute(
    request: Request, process_id: str, parts: PartsOf, links: LinksOf, as_html: HtmlOf
) -> Response:
    """Run a process; whoever likes HTML best is sent to the page of the results."""
    offered = parts.jobs.process(process_id, links.project)
    limit = parts.settings.body_limit
    body.check_headers(request.headers, limit)
    given = await body.read(request.stream(), limit)
    profiles = negotiation.profiles(filters.values(request.query_params, "profile"))
    wanted = negotiation.preferences(
        request.headers.getlist("prefer"),
        document="ogc-results" in profiles,
        accept=request.headers.get("accept"),
    )
    return await run(request, parts, links, Asked(offered, given, wanted, as_html))


@dataclass(frozen=True)
class Asked:
    """An execution that a client asks for: the body is that of a POST, as JSON."""

    offered: Offered
    body: bytes
    wanted: Preferences
    as_html: bool


async def run(request: Request, parts: Parts, links: Links, asked: Asked) -> Response:
    """Run a process, and answer as the client prefers."""
    execution = await parts.jobs.execute(
        asked.offered, asked.body, asked.wanted, lambda: _gone(request), links.base
    )
    if asked.as_html and not execution.mode.asynchronous:
        return Response(status_code=303, headers={"Location": links.job(execution.record.job_id)})
    respond = _accepted if execution.mode.asynchronous else _ended
    applied = _applied(execution, asked.wanted)
    return await respond(request, parts, links, execution, applied)


async def _gone(request: Request) -> None:
    """Returns when the client has closed its connection; its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _applied(execution: Execution, wanted: Preferences) -> dict[str, str]:
    """The header that says which preferences were honoured, if any."""
    returns = wanted.returns if execution.record.request.returns else None
    names = [execution.mode.applied, f"return={returns}" if returns else None]
    applied = ", ".join(name for name in names if name)
    return {"Preference-Applied": applied} if applied else {}


async def _accepted(
    request: Request, parts: Parts, links: Links, execution: Execution, applied: dict[str, str]
) -> Response:
    """201 with the status of the job (/req/core/process-execute-success-async)."""
    place = {"Location": links.job(execution.record.job_id)}
    headers = documents.NO_STORE | place | applied
    return documents.plain(status_document(execution.record, links), 201, headers)


async def _ended(
    request: Request, parts: Parts, links: Links, execution: Execution, applied: dict[str, str]
) -> Response:
    """The results, or why there are none; with a link to the job either way, if it is kept."""
    job_id = execution.record.job_id
    kept = parts.settings.keep_sync_jobs or _needed(execution.record.request)
    headers = documents.NO_STORE | applied
    if kept:
        headers["Link"] = header(links.job(job_id), "monitor")
    response = await _results(request, parts, links, execution.record, headers)
    if not kept:
        response.background = BackgroundTask(parts.jobs.remove, job_id)
    return response


async def _results(
    request: Request, parts: Parts, links: Links, record: JobRecord, headers: dict[str, str]
) -> Response:
    """The results of a job that has ended, or its error."""
    try:
        made = answer(
            outcome(record).outputs,
            record.request,
            lambda name: links.output(record.job_id, name),
            uuid.uuid4().hex,
        )
        return await content.respond(parts.files, made, headers)
    except FileNotFoundError:
        raise NoSuchOutput("A file of the results is no longer there.") from None
    except QanatError as error:
        return documents.problem(request, error, headers)


def _needed(request: RunJob) -> bool:
    """Whether the results must stay: an answer points at them, or somebody is still to be told."""
    asked = (request.outputs or {}).values()
    kept = request.subscriber is not None or request.returns is Return.MINIMAL
    return kept or any(output.transmission_mode is Transmission.REFERENCE for output in asked)
