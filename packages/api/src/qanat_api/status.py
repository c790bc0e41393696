"""A job as clients are told of it: its status, its links, its results or why there are none; pure."""

from typing import Any

from qanat_api.documents import report
from qanat_api.links import Links, in_format, json_link
from qanat_api.negotiation import HTML
from qanat_common.errors import (
    Fault,
    Internal,
    JobDismissed,
    QanatError,
    ResultNotAvailable,
    ResultNotReady,
    all_errors,
)
from qanat_common.jobs import JobRecord, JobSummary
from qanat_common.ogc import JSON, REL, ExceptionReport, JobStatus, Link, StatusInfo
from qanat_common.protocol import Failed, Succeeded

OWN_REL = "urn:qanat:rel:"
"""Prefix of the relations of links that nobody has registered."""


def outcome(record: JobRecord) -> Succeeded:
    """The results of a job. Raises what is to be told where there are none."""
    if isinstance(record.outcome, Succeeded):
        return record.outcome
    if isinstance(record.outcome, Failed):
        raise failure(record.outcome)
    if record.status is JobStatus.DISMISSED:
        raise JobDismissed("A dismissed job has no results.")
    if record.ended:
        raise Internal("The outcome of the job was lost.")
    raise ResultNotReady(f"The job is {record.status}; its results come when it is successful.")


def available(record: JobRecord) -> Succeeded:
    """The results of a job that asked for any. Raises what is to be told where there are none."""
    found = outcome(record)
    if record.request.outputs is not None and not record.request.outputs:
        raise ResultNotAvailable("The execution asked for no outputs.")
    return found


def failure(failed: Failed) -> QanatError:
    """The error of a failed job, as the worker told it."""
    faults = (Fault(failed.pointer, failed.message),) if failed.pointer else ()
    return all_errors().get(failed.code, Internal)(failed.message, *faults)


def status_info(record: JobSummary, links: Links) -> StatusInfo:
    """The status of a job as clients read it."""
    found = [Link(**link) for link in _links(record, links)]
    return _without_links(record).model_copy(update={"links": found})


def listed(record: JobSummary, links: Links) -> dict[str, Any]:
    """The same as a member of a list: links as they are, for models of a thousand take milliseconds."""
    return _without_links(record).document() | {"links": _links(record, links)}


def _without_links(record: JobSummary) -> StatusInfo:
    return StatusInfo(
        job_id=record.job_id,
        id=record.job_id,
        process_id=record.process_id,
        status=record.status,
        message=record.message,
        exception=_exception(record),
        created=record.created,
        started=record.started,
        finished=record.finished,
        updated=record.updated,
        expires=record.expires,
        progress=record.progress,
    )


def status_document(record: JobSummary, links: Links) -> dict[str, Any]:
    """The status of a job by itself: with links to what a list does not name."""
    more = [
        Link(href=links.events(record.job_id), rel=OWN_REL + "events", type="text/event-stream"),
        json_link(links.inputs(record.job_id), OWN_REL + "inputs", "What it was asked for"),
    ]
    info = status_info(record, links)
    return info.model_copy(update={"links": [*info.links, *more]}).document()


def _exception(record: JobSummary) -> ExceptionReport | None:
    """Why a job failed, where all of its record is known."""
    if isinstance(record, JobRecord) and isinstance(record.outcome, Failed):
        return report(failure(record.outcome))
    return None


_ENDS = {JobStatus.SUCCESSFUL: "results", JobStatus.FAILED: "exceptions"}
"""What the address of the results tells, of a job that has ended."""


def _links(record: JobSummary, links: Links) -> list[dict[str, str]]:
    """The members of each link; addresses below `own`, since each costs something to make."""
    own, page = links.job(record.job_id), "This job as HTML"
    log, end = f"{own}/log", _ENDS.get(record.status)
    found = [
        {"href": own, "rel": "self", "type": JSON, "title": "This job"},
        {"href": in_format(own, "html"), "rel": "alternate", "type": HTML, "title": page},
        {"href": own, "rel": "monitor", "type": JSON},
        {"href": links.jobs, "rel": "up", "type": JSON},
        {"href": log, "rel": REL + "log", "type": JSON, "title": "What the algorithm said"},
    ]
    if end is not None:
        made = {"href": f"{own}/results", "rel": REL + end}
        found.append(made | {"type": JSON} if record.status is JobStatus.FAILED else made)
    return found
