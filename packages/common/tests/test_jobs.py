"""The state machine of a job."""

from qanat_common.jobs import TERMINAL, TRANSITIONS
from qanat_common.ogc import JobStatus


def test_a_terminal_state_never_changes() -> None:
    assert {JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED} == TERMINAL


def test_every_job_can_end() -> None:
    assert all(after & TERMINAL for status, after in TRANSITIONS.items() if status not in TERMINAL)
