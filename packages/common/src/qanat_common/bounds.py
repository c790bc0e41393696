"""How many jobs there may be, checked by the store as it accepts one; pure."""

from dataclasses import dataclass

from qanat_common.errors import QueueFull, TooManyJobs

RETRY_SECONDS = 30


@dataclass(frozen=True)
class Bounds:
    """How many jobs may wait in all, and how many unfinished ones an owner may have; None: any."""

    waiting: int | None = None
    per_owner: int | None = None

    def check(self, answer: int) -> None:
        """Raises what the answer of the accepting script means to a job too many."""
        if answer == -1:
            raise QueueFull(
                f"{self.waiting} jobs wait already, the limit of this server.",
                retry_after=RETRY_SECONDS,
            )
        if answer == -2:
            raise TooManyJobs(
                f"You have {self.per_owner} jobs that have not ended, the limit of this server.",
                retry_after=RETRY_SECONDS,
            )


UNBOUNDED = Bounds()
