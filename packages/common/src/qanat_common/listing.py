"""Which jobs are listed, and a page of them: what the listing script is given, and what it answers; pure."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from qanat_common.jobs import JobSummary
from qanat_common.ogc import JobStatus

logger = logging.getLogger(__name__)

SCAN_CAP = 600
"""How many jobs a page looks at, before it answers with what it has and a cursor: some 4 ms.

Only filters that no set answers alone look at jobs that they leave out: a duration beside a state or
a process, an owner beside others.
"""

FIELDS = tuple(JobSummary.model_fields)
TIMES = frozenset({"created", "started", "finished", "updated", "expires"})
"""Fields that the store keeps as milliseconds since 1970."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVERY_STATUS = frozenset(JobStatus)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list: each filter given must hold; times compare with `created`.

    `shortest` and `longest` are durations in seconds, both inclusive, as `after` and `before` are.
    """

    statuses: Sequence[JobStatus] = ()
    processes: Sequence[str] = ()
    after: datetime | None = None
    before: datetime | None = None
    shortest: float | None = None
    longest: float | None = None
    owner: str | None = None

    def as_json(self) -> str:
        """The filter as the listing script reads it."""
        statuses = [] if set(self.statuses) >= EVERY_STATUS else list(dict.fromkeys(self.statuses))
        given = {
            "statuses": [str(status) for status in statuses] or None,
            "processes": list(dict.fromkeys(self.processes)) or None,
            "after": None if self.after is None else -(-_microseconds(self.after) // 1000),
            "before": None if self.before is None else _microseconds(self.before) // 1000,
            "shortest": None if self.shortest is None else self.shortest * 1000,
            "owner": self.owner,
            "longest": None if self.longest is None else self.longest * 1000,
        }
        return json.dumps({name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class JobPage:
    """Some jobs, newest first; `cursor` asks for the next page, None at the end."""

    records: list[JobSummary] = field(default_factory=list)
    cursor: str | None = None


def arguments(which: JobFilter, limit: int, cursor: str | None) -> list[str | int]:
    """What the listing script is given. Raises ValueError for a cursor that no page gave."""
    created, _, last = (cursor or "").partition("_")
    if cursor and not (created.isascii() and created.isdigit() and len(created) < 16 and last):
        raise ValueError(cursor)
    return [which.as_json(), limit, SCAN_CAP, created, last, *FIELDS]


def page(answer: Sequence[bytes]) -> JobPage:
    """What the listing script answered."""
    jobs, created, last = answer
    found = (_summary(values) for values in orjson.loads(jobs))
    records = [record for record in found if record is not None]
    return JobPage(records, f"{created.decode()}_{last.decode()}" if created else None)


def time(ms: str) -> datetime:
    """A time as the store keeps it."""
    return datetime.fromtimestamp(int(float(ms)) / 1000, UTC)


def _summary(values: Sequence[Any]) -> JobSummary | None:
    """A job from the values of its fields; None when it cannot be read."""
    given = {
        name: time(value) if name in TIMES else value
        for name, value in zip(FIELDS, values, strict=True)
        if value is not False
    }
    try:
        return JobSummary.model_validate(given)
    except ValidationError:
        logger.exception("job %s: its record cannot be read", given.get("job_id"))
        return None


def _microseconds(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)
