"""Who is still to be told of a job: kept in the store from the moment it happened until it is told.

A job's notice comes into being in the same step as the change that it tells of, so no crash loses
it. Whoever tells takes it for a while; one that was taken and not settled is due again after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from qanat_common.store import Store


class Occasion(StrEnum):
    """What somebody is told of."""

    SUCCESS = "success"
    FAILURE = "failure"
    PROGRESS = "progress"


@dataclass(frozen=True)
class Notice:
    """Something to tell; `attempt` counts from 1."""

    occasion: Occasion
    job_id: str
    attempt: int

    @property
    def key(self) -> str:
        """Its name, the same at each attempt."""
        return f"{self.occasion}:{self.job_id}"


class Notices:
    """The notices of a store. Every method raises `Unavailable` when it cannot be reached."""

    def __init__(self, store: Store) -> None:
        """Asks nothing yet."""
        self._store = store

    def take(self, seconds: float, most: int) -> Sequence[Notice]:
        """Notices that are due; nobody else gets them for so many seconds."""
        found = []
        for key, attempt in self._store.run("due", round(seconds * 1000), most):
            occasion, _, job_id = key.decode().partition(":")
            found.append(Notice(Occasion(occasion), job_id, attempt))
        return found

    def settle(self, notice: Notice) -> None:
        """It was told, or is not to be told any more."""
        self._store.run("notified", notice.key, "")

    def postpone(self, notice: Notice, seconds: float) -> None:
        """It is to be told again in so many seconds."""
        self._store.run("notified", notice.key, round(seconds * 1000))
