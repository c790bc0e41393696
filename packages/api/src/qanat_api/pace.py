"""When a client should ask for a job again; pure."""

import math
from datetime import datetime

from qanat_common.jobs import JobSummary

LEAST, MOST = 1, 30
"""A client is never told to wait for fewer, or more, seconds."""


def retry_after(record: JobSummary, now: datetime) -> int | None:
    """In how many seconds; None for a job that has ended.

    By its progress, when it should be done; else after half of the time that it has taken so far:
    so whoever keeps to it hears of the end late by no more than half of the job's time.
    """
    if record.ended:
        return None
    spent = (now - (record.started or record.created)).total_seconds()
    if record.started and 0 < record.progress < 100:
        guess = spent * (100 - record.progress) / record.progress
    else:
        guess = spent / 2
    return min(max(LEAST, math.ceil(guess)), MOST)
