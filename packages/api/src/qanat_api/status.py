"""The status of a job as clients read it; pure."""

from typing import Any

from qanat_api.links import Links, both, json_link
from qanat_common.jobs import JobSummary
from qanat_common.ogc import REL, JobStatus, Link, StatusInfo

OWN_REL = "urn:qanat:rel:"
"""Prefix of the relations of links that nobody has registered."""


def status_info(record: JobSummary, links: Links) -> StatusInfo:
    """The status of a job as clients read it."""
    return StatusInfo(
        job_id=record.job_id,
        process_id=record.process_id,
        status=record.status,
        message=record.message,
        created=record.created,
        started=record.started,
        finished=record.finished,
        updated=record.updated,
        expires=record.expires,
        progress=record.progress,
        links=_links(record, links),
    )


def status_document(record: JobSummary, links: Links) -> dict[str, Any]:
    """The status of a job by itself: with links to what a list does not name."""
    more = [
        Link(href=links.events(record.job_id), rel=OWN_REL + "events", type="text/event-stream"),
        json_link(links.inputs(record.job_id), OWN_REL + "inputs", "What it was asked for"),
    ]
    info = status_info(record, links)
    return info.model_copy(update={"links": [*info.links, *more]}).document()


_ENDS = {JobStatus.SUCCESSFUL: "results", JobStatus.FAILED: "exceptions"}
"""What the address of the results tells, of a job that has ended."""


def _links(record: JobSummary, links: Links) -> list[Link]:
    own = links.job(record.job_id)
    found = [*both(own, "This job"), json_link(own, "monitor"), json_link(links.jobs, "up")]
    found.append(json_link(links.log(record.job_id), REL + "log", "What the algorithm said"))
    if record.status in _ENDS:
        rel = REL + _ENDS[record.status]
        media_type = "application/json" if record.status is JobStatus.FAILED else None
        found.append(Link(href=links.results(record.job_id), rel=rel, type=media_type))
    return found
