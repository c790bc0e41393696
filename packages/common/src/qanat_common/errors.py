"""The failures a client may see: one class, one code, one exception URI, one HTTP status each.

`detail` is written for people: what was wrong, with the name and the value, and what would be
right. It never holds a path, a host name or a traceback.
"""

from dataclasses import dataclass

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
"""Prefix of the exception types that the standard fixes (1.0 and the 2.0 draft)."""

OWN = "urn:qanat:exception:"
"""Prefix of the exception types of our own."""


@dataclass(frozen=True)
class Fault:
    """A member of a request that is at fault; `pointer` is a JSON pointer (RFC 6901)."""

    pointer: str
    message: str


class QanatError(Exception):
    """A failure that a client may see. Subclasses set the class attributes."""

    code: str = "internal"
    type: str = OWN + "internal"
    title: str = "Internal error"
    status: int = 500

    def __init__(self, detail: str = "", *faults: Fault, retry_after: int | None = None) -> None:
        """`detail` in words; `faults` the members at fault; `retry_after` in seconds."""
        super().__init__(detail)
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after


class NoSuchProcess(QanatError):
    """Requirement /req/core/process-exception/no-such-process."""

    code, type, title, status = "no-such-process", OGC + "no-such-process", "No such process", 404


class NoSuchProject(QanatError):
    """The query parameter `project` names no published project."""

    code, type, title, status = "no-such-project", OWN + "no-such-project", "No such project", 404


class NoSuchJob(QanatError):
    """Requirement /req/core/job-exception-no-such-job."""

    code, type, title, status = "no-such-job", OGC + "no-such-job", "No such job", 404


class JobGone(QanatError):
    """The job was removed by its owner or expired (1.0, security of dismiss)."""

    code, type, title, status = "job-gone", OWN + "job-gone", "The job is gone", 410


class ResultNotReady(QanatError):
    """Requirement /req/core/job-results-exception/results-not-ready."""

    code, type, title = "result-not-ready", OGC + "result-not-ready", "The job is not finished"
    status = 404


class ResultNotAvailable(QanatError):
    """The execution asked for no outputs at all (2.0 draft: result-not-available)."""

    code, type = "result-not-available", OGC + "result-not-available"
    title, status = "No results were asked for", 404


class UnknownOutput(QanatError):
    """The process has no output of this id (2.0 draft: no-such-output)."""

    code, type, title, status = "unknown-output", OGC + "no-such-output", "Unknown output", 400


class NoSuchOutput(QanatError):
    """The job did not make this output, or its file is gone."""

    code, type, title, status = "no-such-output", OGC + "no-such-output", "No such output", 404


class InvalidInput(QanatError):
    """An input of an execute request is unknown, missing or wrong (…-input-validation)."""

    code, type, title = "invalid-input", OWN + "invalid-input", "Invalid input"
    status = 400


class InvalidRequest(QanatError):
    """The body is not an execute request, or not JSON."""

    code, type, title, status = "invalid-request", OWN + "invalid-request", "Invalid request", 400


class InvalidParameter(QanatError):
    """A query parameter has a wrong value."""

    code, type = "invalid-query-parameter-value", OGC + "invalid-query-parameter-value"
    title, status = "Invalid query parameter", 400


class NotFound(QanatError):
    """There is nothing at this path."""

    code, type, title, status = "not-found", OWN + "not-found", "Not found", 404


class CrossSite(QanatError):
    """A form was sent by a page of another site."""

    code, type, title, status = "cross-site", OWN + "cross-site", "Sent by another site", 403


class MethodNotAllowed(QanatError):
    """The resource is there, the method is not."""

    code, type, title = "method-not-allowed", OWN + "method-not-allowed", "Method not allowed"
    status = 405


class NotAcceptable(QanatError):
    """None of the media types the client accepts can be given."""

    code, type, title, status = "not-acceptable", OWN + "not-acceptable", "Not acceptable", 406


class TooLarge(QanatError):
    """The body is larger than this server takes."""

    code, type, title, status = "too-large", OWN + "too-large", "Request too large", 413


class UnsupportedMediaType(QanatError):
    """The body has a media type or an encoding this server does not read."""

    code, type = "unsupported-media-type", OWN + "unsupported-media-type"
    title, status = "Unsupported media type", 415


class RangeNotSatisfiable(QanatError):
    """The asked range lies outside the file (RFC 9110, 14.4)."""

    code, type = "range-not-satisfiable", OWN + "range-not-satisfiable"
    title, status = "Range not satisfiable", 416


class Unauthorized(QanatError):
    """Who asks does not show who it is, or shows what is not valid (RFC 9110, 15.5.2)."""

    code, type, title, status = "unauthorized", OWN + "unauthorized", "Please log in", 401

    def __init__(self, detail: str = "", *faults: Fault, challenge: str = "") -> None:
        """`challenge` is what the header WWW-Authenticate says."""
        super().__init__(detail, *faults)
        self.challenge = challenge


class Forbidden(QanatError):
    """Who asks may not do this."""

    code, type, title, status = "forbidden", OWN + "forbidden", "Not allowed", 403


class TooManyJobs(QanatError):
    """Who asks has as many unfinished jobs as one may have; `retry_after` says when to come back."""

    code, type, title = "too-many-jobs", OWN + "too-many-jobs", "Too many jobs"
    status = 429


class TooManyRequests(QanatError):
    """Who asks executes more often than one may; `retry_after` says when to come back."""

    code, type, title = "too-many-requests", OWN + "too-many-requests", "Too many requests"
    status = 429


class QueueFull(QanatError):
    """As many jobs wait as may wait here; `retry_after` says when to come back."""

    code, type, title, status = "queue-full", OWN + "queue-full", "Too many jobs wait", 503


class Unavailable(QanatError):
    """A part that is needed is away for now; `retry_after` says when to come back."""

    code, type, title, status = "unavailable", OWN + "unavailable", "Not available now", 503


class SyncLimit(QanatError):
    """A synchronous execution took longer than a client may wait; its job was dismissed."""

    code, type = "sync-limit", OWN + "sync-limit"
    title, status = "Too long for a synchronous execution", 504


class JobDismissed(QanatError):
    """The results of a dismissed job were asked for."""

    code, type, title, status = "job-dismissed", OWN + "job-dismissed", "The job was dismissed", 410


# How a job may fail: the code stands in the record's Failed ------------------------------------


class InputRejected(QanatError):
    """An input passed its schema, and QGIS or the worker cannot use it."""

    code, type, title = "input-rejected", OWN + "input-rejected", "The input cannot be used"
    status = 400


class InputNotFetched(QanatError):
    """A referenced input could not be fetched, or may not be."""

    code, type = "input-not-fetched", OWN + "input-not-fetched"
    title, status = "A referenced input could not be fetched", 400


class AlgorithmFailed(QanatError):
    """The algorithm ended with an error of its own."""

    code, type = "algorithm-failed", OWN + "algorithm-failed"
    title, status = "The algorithm failed", 500


class ProcessCrashed(QanatError):
    """The job's process ended by a signal or without a word."""

    code, type = "process-crashed", OWN + "process-crashed"
    title, status = "The job's process crashed", 500


class TimeLimit(QanatError):
    """The job ran longer than it may."""

    code, type, title, status = "time-limit", OWN + "time-limit", "Time limit reached", 500


class MemoryLimit(QanatError):
    """The job used more memory than it may."""

    code, type, title, status = "memory-limit", OWN + "memory-limit", "Memory limit reached", 500


class OutputLimit(QanatError):
    """The job wrote more bytes than it may."""

    code, type, title, status = "output-limit", OWN + "output-limit", "Output limit reached", 500


class ProcessLimit(QanatError):
    """The job had more processes at a time than it may."""

    code, type, title = "process-limit", OWN + "process-limit", "Process limit reached"
    status = 500


class FileLimit(QanatError):
    """The job made more files than it may."""

    code, type, title, status = "file-limit", OWN + "file-limit", "File limit reached", 500


class DiskFull(QanatError):
    """The worker has no space left for the job's files: not the job's fault."""

    code, type, title, status = "disk-full", OWN + "disk-full", "The disk is full", 507


class WorkerLost(QanatError):
    """The job's worker was lost more often than the job may be tried."""

    code, type, title, status = "worker-lost", OWN + "worker-lost", "The worker was lost", 500


class Internal(QanatError):
    """A mistake of ours: logged where it happened, told without details."""


def all_errors() -> dict[str, type[QanatError]]:
    """Code → class, of every error."""
    errors: list[type[QanatError]] = QanatError.__subclasses__()
    return {error.code: error for error in errors}
