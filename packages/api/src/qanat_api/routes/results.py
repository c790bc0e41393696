"""Results of a job: all as the execution asked for them, or one output as it is."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from qanat_api import content, documents, filters, html, negotiation, pages
from qanat_api.html import Site
from qanat_api.links import both, json_link
from qanat_api.responses import Answer, answer, file_headers, media_type_of, negotiated, single
from qanat_api.routes import HtmlOf, LinksOf, Parts, PartsOf, SiteOf, get
from qanat_api.status import available
from qanat_common.errors import (
    InvalidParameter,
    NoSuchOutput,
    QanatError,
    RangeNotSatisfiable,
    UnknownOutput,
)
from qanat_common.jobs import JobRecord
from qanat_common.ogc import Return
from qanat_common.protocol import OutputValue, StoredFile, Value

router = APIRouter()

VARY = {"Vary": "Accept, Prefer"}


@get(router, "/jobs/{job_id}/results", document=False)
async def results(
    request: Request, job_id: str, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """The results in the form that the execute request asked for, or that this one does."""
    record = await parts.jobs.record(job_id)
    outputs = _named(request, record, available(record).outputs)
    if as_html:
        return html.page(request, await _page(parts, site, record, outputs))
    made = _answer(request, record, outputs, lambda name: links.output(job_id, name))
    try:
        return await content.respond(parts.files, made, documents.REVALIDATE | VARY)
    except FileNotFoundError:
        raise NoSuchOutput("A file of the results is no longer there.") from None


def _named(
    request: Request, record: JobRecord, outputs: Mapping[str, OutputValue]
) -> Mapping[str, OutputValue]:
    """The outputs that the parameter `outputs` names; all of them without it."""
    names = filters.values(request.query_params, "outputs")
    known = {**dict.fromkeys(record.request.outputs or ()), **outputs}
    for name in names:
        if name not in known:
            raise InvalidParameter(f"outputs: {name[:100]!r} is not one of {', '.join(known)}")
    return {name: outputs[name] for name in outputs if not names or name in names}


def _answer(
    request: Request,
    record: JobRecord,
    outputs: Mapping[str, OutputValue],
    href: Callable[[str], str],
) -> Answer:
    """By what this request prefers, if anything (2.0 draft), else by what the execution asked for."""
    wanted = negotiation.preferences(request.headers.getlist("prefer"))
    profiles = negotiation.profiles(filters.values(request.query_params, "profile"))
    returns = wanted.returns or record.request.returns
    if returns or "ogc-results" in profiles:
        made = negotiated(outputs, record.request, href, returns or Return.MINIMAL, document=True)
        applied = (("Preference-Applied", f"return={wanted.returns}"),) if wanted.returns else ()
        return replace(made, headers=(*made.headers, *applied))
    names, asked = filters.values(request.query_params, "outputs"), record.request.outputs
    some = {name: output for name, output in (asked or {}).items() if not names or name in names}
    shown = record.request.model_copy(update={"outputs": some}) if asked else record.request
    return answer(outputs, shown, href, boundary=f"results-{record.job_id}")


async def _page(
    parts: Parts, site: Site, record: JobRecord, outputs: Mapping[str, OutputValue]
) -> bytes:
    links = site.links
    own = both(links.results(record.job_id), "These results")
    own.append(json_link(links.job(record.job_id), "up", "The job"))
    document = {"links": [link.document() for link in own]}
    described = parts.described(record)
    return await pages.results(
        site, parts.files, record, outputs, described, document, secured=parts.secured
    )


@get(router, "/jobs/{job_id}/results/{output}", document=False)
async def result(request: Request, job_id: str, output: str, parts: PartsOf) -> Response:
    """One output as it is: a file with ranges, or a value."""
    record = await parts.jobs.record(job_id)
    outputs = available(record).outputs
    found = outputs.get(output)
    if found is None:
        raise _missing(parts, record, output, ", ".join(outputs) or "none")
    etag = _etag(record)
    if negotiation.matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=documents.REVALIDATE | {"ETag": etag})
    if isinstance(found, Value):
        made_of = single(found, media_type_of(found))
        return await content.respond(parts.files, made_of, documents.REVALIDATE | {"ETag": etag})
    return await _file(request, parts, found, etag)


def _missing(parts: Parts, record: JobRecord, output: str, made: str) -> QanatError:
    """What is to be told of an output that a job did not make."""
    offered = parts.catalog.snapshot.get(f"{record.process_id}@{record.service}")
    if offered and output not in offered.process.outputs:
        known = ", ".join(offered.process.outputs) or "none"
        return UnknownOutput(f"The process has no output {output[:100]!r}; it has: {known}")
    return NoSuchOutput(f"The job has no output {output[:100]!r}; it has: {made}")


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
