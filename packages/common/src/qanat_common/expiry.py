"""How long jobs that have ended are kept, and which of them have expired.

The store remembers the rule and gives each job its time when it ends, so whoever ends a job need not
know it, and a time that clients were told stays when the rule changes. An expired job goes in two
steps: its record with all that names it, at once; then its files. Between the two it is *doomed*,
which the store remembers, so that a crash leaves no files.
"""

from collections.abc import Sequence
from datetime import datetime

from qanat_common.store import GONE_SECONDS, Store


class Expiry:
    """Expiring jobs of a store. `now` is by the store's own clock where it is None.

    Every method raises `Unavailable` when the store cannot be reached.
    """

    def __init__(self, store: Store) -> None:
        """Asks nothing yet."""
        self._store = store

    def keep(self, seconds: float | None, most: int, now: datetime | None = None) -> int:
        """From now on keep ended jobs so long (None: for ever).

        Also promise it, from now on, to at most `most` of those that ended while there was no
        rule; returns to how many.
        """
        ms = "" if seconds is None else round(seconds * 1000)
        return int(self._store.run("keep", ms, most, _ms(now)))

    def expire(self, most: int, now: datetime | None = None) -> Sequence[str]:
        """Take away the records of expired jobs; ids of jobs whose files are to be taken away.

        At most `most` are doomed at a time: none more expires while so many wait for their burial.
        """
        found = self._store.run("expire", _ms(now), most, GONE_SECONDS)
        return [job_id.decode() for job_id in found]

    def bury(self, job_id: str) -> None:
        """The files of a doomed job are gone."""
        self._store.run("bury", job_id)

    def unknown(self, job_ids: Sequence[str]) -> Sequence[str]:
        """Those of these jobs that have no record."""
        return [job_id.decode() for job_id in self._store.run("unknown", *job_ids)]


def _ms(now: datetime | None) -> str | int:
    return "" if now is None else round(now.timestamp() * 1000)
