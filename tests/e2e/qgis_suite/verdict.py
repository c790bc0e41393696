"""How a case went, by one way; what stops it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The end of a case."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Verdict:
    """The end of a case by one way; `reason` is empty when it passed."""

    key: str
    algorithm: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0


class Different(Exception):
    """A result is not what it must be; the text says where."""


class JobFailed(Exception):
    """The algorithm, or the service before it, gave no results; the text says why."""


class NotOffered(Exception):
    """The service has no such process, input or output; the text says which."""
