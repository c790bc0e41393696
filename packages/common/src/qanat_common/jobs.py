"""The job record and its state machine: pure; `store` keeps it, and checks it by the same table."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from qanat_common.ogc import JobStatus
from qanat_common.protocol import Outcome, RunJob

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.ACCEPTED: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.DISMISSED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.RUNNING, JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED}
    ),
    JobStatus.SUCCESSFUL: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.DISMISSED: frozenset(),
}
"""Where a job may go from each state: running → running is a new attempt after a lost worker."""

TERMINAL = frozenset(status for status, after in TRANSITIONS.items() if not after)
"""States that never change."""


class JobSummary(BaseModel):
    """What is told of a job in a list. Times are in UTC, by the clock of the store.

    `attempt` counts the starts; `token` fences the current one: only its holder may write; `boot`
    is the worker that runs it; `published` says that the broker has confirmed the message, `queue` in
    which queue where that is not its service's; `lines`
    counts the log of this attempt, also what is no longer kept; from `expires` on, a job that has
    ended may be taken away. `owner` is who may see it, where the api asks for that.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str
    process_id: str
    service: str
    owner: str | None = None
    status: JobStatus = JobStatus.ACCEPTED
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    progress: int = 0
    message: str | None = None
    attempt: int = 0
    lines: int = 0
    token: str | None = None
    boot: str | None = None
    published: bool = False
    queue: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the job is in a state that never changes."""
        return self.status in TERMINAL


class JobRecord(JobSummary):
    """All that is known of a job: what it was asked for, and what came of it."""

    request: RunJob
    outcome: Outcome | None = Field(default=None)
