"""Results of a job: all as the execution asked for them, or one output as it is."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from qanat_api import content, documents, html, negotiation, pages
from qanat_api.html import Site
from qanat_api.links import both, json_link
from qanat_api.responses import answer, file_headers, media_type_of, single
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_api.status import outcome
from qanat_common.errors import NoSuchOutput, RangeNotSatisfiable
from qanat_common.jobs import JobRecord
from qanat_common.protocol import OutputValue, StoredFile, Value

router = APIRouter()

VARY = {"Vary": "Accept"}


@get(router, "/jobs/{job_id}/results", document=False)
async def results(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """The results in the form that the execute request asked for."""
    record = await parts.jobs.record(job_id)
    outputs = outcome(record).outputs
    if as_html:
        return html.page(request, await _page(parts, site, record, outputs))
    made = answer(
        outputs,
        record.request,
        lambda name: links.output(job_id, name),
        boundary=f"results-{record.job_id}",
    )
    try:
        return await content.respond(parts.files, made, documents.REVALIDATE | VARY)
    except FileNotFoundError:
        raise NoSuchOutput("A file of the results is no longer there.") from None


async def _page(
    parts: Parts, site: Site, record: JobRecord, outputs: Mapping[str, OutputValue]
) -> bytes:
    links = site.links
    own = both(links.results(record.job_id), "These results")
    own.append(json_link(links.job(record.job_id), "up", "The job"))
    document = {"links": [link.document() for link in own]}
    offered = parts.catalog.snapshot.get(f"{record.process_id}@{record.service}")
    described = offered.process if offered else None
    return await pages.results(site, parts.files, record, outputs, described, document)


@get(router, "/jobs/{job_id}/results/{output}", document=False)
async def result(request: Request, job_id: str, output: str, parts: PartsOf) -> Response:
    """One output as it is: a file with ranges, or a value."""
    record = await parts.jobs.record(job_id)
    outputs = outcome(record).outputs
    found = outputs.get(output)
    if found is None:
        made = ", ".join(outputs) or "none"
        raise NoSuchOutput(f"The job has no output {output[:100]!r}; it has: {made}")
    etag = _etag(record)
    if negotiation.matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=documents.REVALIDATE | {"ETag": etag})
    if isinstance(found, Value):
        made_of = single(found, media_type_of(found))
        return await content.respond(parts.files, made_of, documents.REVALIDATE | {"ETag": etag})
    return await _file(request, parts, found, etag)


async def _file(request: Request, parts: Parts, file: StoredFile, etag: str) -> Response:
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Type": file.media_type,
        **file_headers(file),
    }
    asked = request.headers.get("range")
    if request.headers.get("if-range", etag) != etag:
        asked = None
    try:
        part = content.byte_range(asked, file.size)
        return await content.respond_file(parts.files, file, part, headers)
    except RangeNotSatisfiable as error:
        return documents.problem(request, error, {"Content-Range": f"bytes */{file.size}"})
    except FileNotFoundError:
        raise NoSuchOutput("The file of this output is no longer there.") from None


def _etag(record: JobRecord) -> str:
    """Outputs of a job that has ended never change; a job that ran again ended once all the same."""
    return f'"{record.job_id}-{record.attempt}"'
