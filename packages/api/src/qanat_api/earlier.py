"""What was run before: how long a process took, its last jobs, and results that may be inputs now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Protocol

from qanat_api import shown
from qanat_api.fields import Field
from qanat_api.links import Links
from qanat_api.negotiation import media_range
from qanat_api.shown import Shown
from qanat_common.errors import Forbidden, JobGone, NoSuchJob, Unauthorized, Unavailable
from qanat_common.jobs import JobRecord, JobSummary
from qanat_common.listing import JobFilter, JobPage
from qanat_common.ogc import JobStatus, Process
from qanat_common.protocol import Succeeded

RUNS = 50
"""So many of the last jobs of a process say how long it takes."""

LISTED = 5
"""So many of them are listed."""

SOURCES = 10
"""Of so many jobs, of any process, the results may be chosen as inputs."""


class Kept(Protocol):
    """The jobs that who asks may see. Raises Unavailable, or what refuses who asks."""

    async def page(self, which: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """Some jobs, newest first."""

    async def record(self, job_id: str) -> JobRecord:
        """The record of a job. Raises NoSuchJob or JobGone."""


@dataclass(frozen=True)
class Result:
    """A file that a job made; `process` is what people call its process."""

    process: str
    finished: datetime | None
    output: Shown


@dataclass(frozen=True)
class Earlier:
    """The last jobs of a process, for how many seconds half of its `runs` took at most, and results."""

    jobs: Sequence[JobSummary] = ()
    usual: float | None = None
    runs: int = 0
    results: Sequence[Result] = ()

    def fitting(self, field: Field) -> list[Result]:
        """The results that a field takes, by their media types."""
        taken = {media_range(medium.media_type) for medium in field.media}
        return [each for each in self.results if each.output.media_type in taken]


NOTHING = Earlier()


async def find(
    kept: Kept,
    links: Links,
    process_id: str,
    described: Callable[[JobRecord], Process | None],
    *,
    layers: bool,
) -> Earlier:
    """What was run before; nothing where who asks has no jobs, or the store is away.

    `layers` says whether the process takes any.
    """
    try:
        page = await kept.page(JobFilter(processes=[process_id]), RUNS, None)
        results = await _results(kept, links, described) if layers else []
    except (Unavailable, Unauthorized, Forbidden):
        return NOTHING
    times = [seconds for job in page.records if (seconds := _ran(job)) is not None]
    usual = median(times) if times else None
    return Earlier(page.records[:LISTED], usual, len(times), results)


def _ran(job: JobSummary) -> float | None:
    """For how many seconds a job ran that was successful."""
    if job.status is not JobStatus.SUCCESSFUL or not job.started or not job.finished:
        return None
    return (job.finished - job.started).total_seconds()


async def _results(
    kept: Kept, links: Links, described: Callable[[JobRecord], Process | None]
) -> list[Result]:
    page = await kept.page(JobFilter(statuses=[JobStatus.SUCCESSFUL]), SOURCES, None)
    found: list[Result] = []
    for job in page.records:
        try:
            record = await kept.record(job.job_id)
        except (NoSuchJob, JobGone):  # it was removed just now
            continue
        made = record.outcome.outputs if isinstance(record.outcome, Succeeded) else {}
        process = described(record)
        title = (process.title if process else None) or record.process_id
        outputs = shown.outputs(links, record.job_id, made, process)
        found += [Result(title, record.finished, output) for output in outputs if output.file]
    return found
