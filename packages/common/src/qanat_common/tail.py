"""What a job's algorithm said since somebody last looked."""

from collections.abc import Sequence
from dataclasses import dataclass

from qanat_common.protocol import LogEntry
from qanat_common.store import Store


@dataclass(frozen=True)
class Tail:
    """The newest lines of a log; `lines` counts all of this attempt, also those not kept."""

    attempt: int
    lines: int
    entries: Sequence[LogEntry] = ()


def tail(store: Store, job_id: str, attempt: int, lines: int) -> Tail:
    """The log of a job after so many lines of an attempt; all of it when there was another since.

    Raises Unavailable when the store cannot be reached.
    """
    number, total, *entries = store.run("tail", job_id, attempt, lines)
    return Tail(number, total, [LogEntry.model_validate_json(entry) for entry in entries])
