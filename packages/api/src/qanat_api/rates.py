"""How often callers may do something: a bucket of tokens for each, in this process alone."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from qanat_api.access import Caller
from qanat_common.errors import TooManyRequests

CALLERS = 10_000
"""Of so many callers a bucket is kept; that of who was away longest goes first, and it is full."""


@dataclass
class Bucket:
    """What is left of a caller's share, and when that was counted."""

    left: float
    at: float


class Rates:
    """Lets each caller execute so often a minute; who was away may do as many at once."""

    def __init__(
        self, per_minute: int, what: str = "execute", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`what` in words; `clock` in seconds."""
        self._what = what
        self._most = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, caller: Caller) -> None:
        """Count one more. Raises TooManyRequests."""
        name, now = caller.name or f"at {caller.address}", self._clock()
        bucket = self._buckets.pop(name, None) or Bucket(float(self._most), now)
        each = 60 / self._most
        left = min(float(self._most), bucket.left + (now - bucket.at) / each)
        self._buckets[name] = Bucket(left - 1 if left >= 1 else left, now)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooManyRequests(
                f"You may {self._what} {self._most} times a minute here.",
                retry_after=max(1, math.ceil((1 - left) * each)),
            )
