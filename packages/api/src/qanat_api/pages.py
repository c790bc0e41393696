"""The pages: of each resource, what its JSON document says, and all of its links."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import orjson

from qanat_api import forms, shown
from qanat_api.catalog import Offered, Snapshot
from qanat_api.documents import Ready, ready_bytes, report
from qanat_api.earlier import NOTHING, Earlier
from qanat_api.fields import Field, Filled, fields, roles
from qanat_api.filters import ProcessQuery
from qanat_api.html import Site, render
from qanat_api.kinds import KINDS
from qanat_api.links import in_format, with_query
from qanat_api.schemas import media_types
from qanat_api.snippets import snippets
from qanat_api.status import failure
from qanat_common.errors import QanatError
from qanat_common.jobs import JobRecord
from qanat_common.ogc import JobStatus, Process, ProcessSummary
from qanat_common.protocol import Failed, LogEntry, OutputValue, Project, Succeeded

IN_FULL = 100
"""Up to so many processes are listed with all that their summaries say."""

SHOWN = 10_000
"""So many characters of an input are shown."""

KEPT_LISTS = 12
"""So many pages of the whole process list are kept ready."""

Document = Mapping[str, Any]

STATES: Mapping[str, tuple[str, str]] = {
    JobStatus.ACCEPTED: ("◷", "Waiting"),
    JobStatus.RUNNING: ("▶", "Running"),
    JobStatus.SUCCESSFUL: ("✓", "Successful"),
    JobStatus.FAILED: ("✕", "Failed"),
    JobStatus.DISMISSED: ("⊘", "Dismissed"),
}
"""Status → a sign and a word."""

WAITED, RAN, RUNS = "Waited", "Ran", "Running for"
"""What a job did, and for how long."""

CRS_EXAMPLES = (
    ("EPSG:4326", "WGS 84: longitude and latitude"),
    ("EPSG:3857", "Web Mercator"),
    ("EPSG:3035", "Europe, equal area (LAEA)"),
    ("EPSG:25832", "ETRS89 / UTM zone 32N"),
    ("EPSG:25833", "ETRS89 / UTM zone 33N"),
    ("EPSG:32632", "WGS 84 / UTM zone 32N"),
    ("EPSG:2154", "RGF93 / Lambert-93, France"),
    ("EPSG:27700", "British National Grid"),
    ("EPSG:8857", "WGS 84 / Equal Earth"),
)
"""Reference systems that a form proposes."""


def landing(site: Site, document: Document, count: int, projects: int) -> Ready:
    """What this service is, and where to go."""
    return _ready(
        "landing.html", site, document, f"{site.links.base}/", count=count, projects=projects
    )


def projects(site: Site, document: Document) -> bytes:
    """The published projects."""
    return _page("projects.html", site, document, site.links.projects)


def project(site: Site, described: Project, document: Document) -> bytes:
    """What a project has."""
    return _page("project.html", site, document, _self(document), project=described)


def conformance(site: Site, document: Document) -> Ready:
    """The conformance classes."""
    return _ready("conformance.html", site, document, f"{site.links.base}/conformance")


def api(site: Site, document: Document) -> Ready:
    """The operations of the API definition, to be read."""
    return _ready("api.html", site, document, f"{site.links.base}/api")


@lru_cache(KEPT_LISTS)
def whole_list(snapshot: Snapshot, site: Site) -> Ready:
    """All processes; made once for each catalogue."""
    query = ProcessQuery()
    return ready_bytes(processes(site, snapshot.summaries(query), len(snapshot), query, ()))


def processes(
    site: Site,
    found: Sequence[ProcessSummary],
    count: int,
    query: ProcessQuery,
    links: Sequence[Document],
) -> bytes:
    """Some processes, by provider and group."""
    groups = [
        (provider, [(group, list(several)) for group, several in groupby(those, _group)])
        for provider, those in groupby(sorted(found, key=_place), _provider)
    ]
    own = links or [link.document() for link in site.links.of_list()]
    document = {"links": own}
    return _page(
        "processes.html",
        site,
        document,
        site.links.processes,
        groups=groups,
        found=len(found),
        in_full=len(found) <= IN_FULL,
        count=count,
        query=query,
    )


def process(
    site: Site,
    offered: Offered,
    document: Document,
    projects: Sequence[str] = (),
    filled: Filled | None = None,
    error: QanatError | None = None,
    *,
    secured: bool = False,
    checked: bool = False,
    waiting: int | None = None,
    earlier: Earlier = NOTHING,
) -> bytes:
    """A process with the form that runs it; as it was filled in, with what is wrong with it.

    `projects` are the names of those in which it may run; `secured` says that who runs it must show
    who it is, `checked` that what is filled in can be run; `waiting` how many
    jobs of its service wait, `earlier` what was run before.
    """
    form = form_of(offered.process)
    filled = filled or forms.initial(offered.process, form)
    return _page(
        "process.html",
        site,
        document,
        site.links.process(offered.id),
        process=offered.process,
        process_id=offered.id,
        service=offered.service,
        qgis=offered.qgis,
        project=offered.project,
        projects=projects,
        notes=roles(offered.process),
        metadata=offered.process.metadata or (),
        shown=form,
        required=[each for each in form if each.required],
        optional=[each for each in form if not each.required and "advanced" not in each.roles],
        advanced=[each for each in form if not each.required and "advanced" in each.roles],
        outputs=list(_output_choices(offered.process)),
        filled=filled,
        snippets=snippets(offered, form, filled, site.links, secured=secured),
        error=error,
        checked=checked,
        waiting=waiting,
        earlier=earlier,
        states=STATES,
        faults=forms.by_field(error.faults) if error else {},
        crs_examples=CRS_EXAMPLES,
    )


def form_of(described: Process) -> list[Field]:
    """The fields of a process's form."""
    return fields(described, KINDS)


def services(site: Site, document: Document) -> bytes:
    """All services."""
    return _page("services.html", site, document, site.links.services)


def service(site: Site, document: Document) -> bytes:
    """A service."""
    return _page("service.html", site, document, site.links.service(document["name"]))


def jobs(site: Site, document: Document, query: Mapping[str, list[str]]) -> bytes:
    """Some jobs, with the filters by which they were found."""
    first = {name: several for name, several in query.items() if name != "cursor"}
    return _page(
        "jobs.html",
        site,
        document,
        _self(document),
        query=query,
        states=STATES,
        newest_href=with_query(site.links.jobs, first),
    )


def job(
    site: Site,
    record: JobRecord,
    document: Document,
    log: Sequence[LogEntry],
    now: datetime,
    described: Process | None = None,
) -> bytes:
    """How far a job is, what it said, what it made, and what can be done with it."""
    failed = failure(record.outcome) if isinstance(record.outcome, Failed) else None
    made = record.outcome.outputs if isinstance(record.outcome, Succeeded) else {}
    return _page(
        "job.html",
        site,
        document,
        _self(document),
        ended=record.ended,
        project=record.request.project,
        process_href=site.links.in_project(record.request.project).process(record.process_id),
        again_href=site.links.in_project(record.request.project).again(
            record.process_id, record.job_id
        ),
        failed=failed,
        log=log,
        service=record.service,
        state=STATES[record.status],
        spent=_spent(record, now),
        attempt=record.attempt,
        outputs=shown.outputs(site.links, record.job_id, made, described),
    )


def log(
    site: Site, document: Document, entries: Sequence[LogEntry], text: str, total: int
) -> bytes:
    """What the algorithm of a job said: the lines that have the words of a text, of so many."""
    return _page("log.html", site, document, _self(document), log=entries, text=text, total=total)


def inputs(site: Site, document: Document) -> bytes:
    """What a job was asked for."""
    inner = {name: _short(value) for name, value in document["inputs"].items()}
    asked = {name: value for name, value in document.items() if name not in ("inputs", "links")}
    return _page("inputs.html", site, document, _self(document), shown=inner, asked=_short(asked))


def _short(value: Any) -> tuple[str, bool]:
    """A value as JSON, and whether that is all of it."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text[:SHOWN], len(text) <= SHOWN


async def results(
    site: Site,
    files: shown.Files,
    record: JobRecord,
    outputs: Mapping[str, OutputValue],
    described: Process | None,
    document: Document,
    *,
    secured: bool = False,
) -> bytes:
    """The outputs of a job: each with a link to all of it, and a first look.

    `secured` says that who reads them must show who it is.
    """
    looked_into = [
        await asyncio.to_thread(shown.with_preview, each, files)
        for each in shown.outputs(site.links, record.job_id, outputs, described)
    ]
    return _page(
        "results.html",
        site,
        document,
        _self(document),
        record=record,
        outputs=looked_into,
        secured=secured,
    )


def problem(site: Site, error: QanatError) -> bytes:
    """An error."""
    return render(
        "problem.html", site, document=report(error, site.language).document(), json_href=None
    )


def _page(template: str, site: Site, document: Document, href: str, **context: Any) -> bytes:
    """A page of a resource whose address is `href`."""
    return render(template, site, document=document, json_href=in_format(href, "json"), **context)


def _ready(template: str, site: Site, document: Document, href: str, **context: Any) -> Ready:
    return ready_bytes(_page(template, site, document, href, **context))


def _self(document: Document) -> str:
    found: str = next(link["href"] for link in document["links"] if link["rel"] == "self")
    return found


def _provider(summary: ProcessSummary) -> str:
    return roles(summary).get("provider") or summary.id.partition(":")[0]


def _group(summary: ProcessSummary) -> str:
    return roles(summary).get("group", "")


def _place(summary: ProcessSummary) -> tuple[str, str, str, str]:
    named = _provider(summary), _group(summary), summary.title or summary.id, summary.id
    first, second, third, last = (text.casefold() for text in named)
    return first, second, third, last


def _output_choices(described: Process) -> Iterator[dict[str, Any]]:
    """The outputs as the form offers them, each with its formats."""
    for name, about in described.outputs.items():
        schema = about.schema_
        alternatives = schema.get("oneOf") or schema.get("anyOf") or [schema]
        yield {
            "name": name,
            "key": forms.output_key(name),
            "about": about,
            "note": roles(about).get("optional"),
            "formats": [
                {"media_type": found[0], "title": each.get("title") or found[0]}
                for each in alternatives
                if (found := media_types(each))
            ],
        }


def _spent(record: JobRecord, now: datetime) -> Mapping[str, float]:
    """What a job did → for how many seconds."""
    end = record.finished or now
    spent = {WAITED: ((record.started or end) - record.created).total_seconds()}
    if record.started:
        spent[RAN if record.finished else RUNS] = (end - record.started).total_seconds()
    return {name: max(0.0, seconds) for name, seconds in spent.items()}
