"""Processes: the list, a description, and an execution."""

import uuid
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from qanat_api import body, content, documents, filters, html, negotiation, pages
from qanat_api.catalog import Snapshot
from qanat_api.html import Site
from qanat_api.jobs import Execution, outcome, status_info
from qanat_api.links import Links, header
from qanat_api.responses import answer
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_common.errors import NoSuchOutput, QanatError
from qanat_common.jobs import JobRecord
from qanat_common.ogc import Transmission
from qanat_common.protocol import RunJob

router = APIRouter()

LONGEST_QUERY = 200


@dataclass(frozen=True)
class Asked:
    """Which processes are asked for."""

    query: str
    limit: int | None
    offset: int


@get(router, "/processes")
async def process_list(
    request: Request, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Every process, or some of them by `q`, `limit` and `offset`."""
    query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
    limit = filters.number(request.query_params, "limit", 1)
    offset = filters.number(request.query_params, "offset", 0) or 0
    snapshot = parts.catalog.snapshot
    whole = limit is None and not offset and not query
    if as_html and whole:
        return html.conditional(request, pages.whole_list(snapshot, site))
    if as_html:
        return _found(request, snapshot, site, Asked(query, limit, offset))
    if whole:
        return documents.conditional(request, snapshot.listing(links.base))
    page = snapshot.page(links.base, query, limit, offset)
    return documents.conditional(request, documents.ready(page))


def _found(request: Request, snapshot: Snapshot, site: Site, asked: Asked) -> Response:
    """The page of some processes."""
    page = snapshot.page(site.links.base, asked.query, asked.limit, asked.offset)
    found = snapshot.summaries(asked.query)[asked.offset :][: asked.limit]
    made = pages.processes(site, found, len(snapshot), asked.query, page["links"])
    return html.conditional(request, html.ready(made))


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
    offered = parts.jobs.process(process_id)
    if as_html:
        document = {"links": [link.document() for link in links.of_process(offered.id)]}
        made = pages.process(site, offered, document)
        return html.conditional(request, html.ready(made))
    return documents.conditional(
        request, parts.catalog.snapshot.description(links.base, process_id)
    )


@router.post("/processes/{process_id}/execution", response_model=None)
async def execute(
    request: Request, process_id: str, parts: PartsOf, links: LinksOf, as_html: HtmlOf
) -> Response:
    """Run a process; whoever likes HTML best is sent to the page of the results."""
    offered = parts.jobs.process(process_id)
    limit = parts.settings.body_limit
    body.check_headers(request.headers, limit)
    given = await body.read(request.stream(), limit)
    wanted = negotiation.preferences(request.headers.getlist("prefer"))
    execution = await parts.jobs.execute(offered, given, wanted)
    if as_html and not execution.mode.asynchronous:
        return Response(status_code=303, headers={"Location": links.job(execution.record.job_id)})
    respond = _accepted if execution.mode.asynchronous else _ended
    return await respond(request, parts, links, execution)


async def _accepted(request: Request, parts: Parts, links: Links, execution: Execution) -> Response:
    """201 with the status of the job (/req/core/process-execute-success-async)."""
    headers = documents.NO_STORE | {"Location": links.job(execution.record.job_id)}
    if execution.mode.applied:
        headers["Preference-Applied"] = execution.mode.applied
    return documents.plain(status_info(execution.record, links), 201, headers)


async def _ended(request: Request, parts: Parts, links: Links, execution: Execution) -> Response:
    """The results, or why there are none; with a link to the job either way, if it is kept."""
    job_id = execution.record.job_id
    kept = parts.settings.keep_sync_jobs or _by_reference(execution.record.request)
    headers = dict(documents.NO_STORE)
    if kept:
        headers["Link"] = header(links.job(job_id), "monitor")
    if execution.mode.applied:
        headers["Preference-Applied"] = execution.mode.applied
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


def _by_reference(request: RunJob) -> bool:
    """Whether an answer points at results, which must stay for it."""
    asked = (request.outputs or {}).values()
    return any(output.transmission_mode is Transmission.REFERENCE for output in asked)
