"""Job records, their logs and events, and content-addressed offers, in Redis or Valkey.

The only file that imports redis. Every change of state is one atomic compare-and-set (a Lua script
of the folder `lua`), so a job ends exactly once, by whomever. Times are by the clock of the store.
"""

import logging
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import resources
from typing import Any, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from qanat_common import listing, offers
from qanat_common.bounds import UNBOUNDED, Bounds
from qanat_common.errors import Unavailable
from qanat_common.hashes import Hash, record_of
from qanat_common.jobs import JobRecord
from qanat_common.listing import JobFilter, JobPage
from qanat_common.ogc import JobStatus
from qanat_common.protocol import Failed, JobEvent, LogEntry, Offer, RunJob, Succeeded

logger = logging.getLogger(__name__)

PREFIX = "qanat:"
LOG_LINES = 1000
"""How many lines of a job's log are kept; the oldest go first."""

GONE_SECONDS = 30 * 86_400
"""How long the id of a removed job is remembered, so that a late message does not revive it."""

OFFER_SECONDS = 7 * 86_400
"""How long an offer stays after its last worker was heard."""

REFUSALS = re.compile(
    r"\b(MISCONF|OOM|READONLY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY)\b"
    r"|command not allowed when used memory|You can't write against a read only"
)
"""How a store says that it takes nothing for now: its disk or memory is full, or it is no master.

redis-py takes the first word off the errors that it knows.
"""

WORKER_MS = 6_000
"""How long a worker counts as alive after its last beat."""

_SHARED = "index"
_SCRIPTS = (
    *("accept", "published", "claim", "progress", "finish", "remove", "list"),
    *("keep", "expire", "bury", "unknown", "tail", "due", "notified"),
)


class Claimed(StrEnum):
    """What became of a worker's claim on a job."""

    CLAIMED = "claimed"
    ENDED = "ended"
    GONE = "gone"
    BUSY = "busy"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Claim:
    """The answer to a claim; `attempt` counts from 1."""

    result: Claimed
    attempt: int


@dataclass(frozen=True)
class Waiting:
    """Jobs that wait for a worker: how many, and when the oldest was accepted."""

    count: int
    oldest: datetime | None = None


class Store:
    """The store at a URL: `redis://…`, `rediss://…` or `unix:///path?db=0`. Safe to use from threads.

    Every method raises `Unavailable` when the store cannot be reached.
    """

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        """Connects on first use; `timeout` in seconds bounds each call."""
        self._redis: redis.Redis = redis.Redis.from_url(
            url,
            decode_responses=False,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
            health_check_interval=30,
        )
        self._scripts = {name: self._script(name) for name in _SCRIPTS}

    def _script(self, name: str) -> Callable[..., Any]:
        folder = resources.files("qanat_common.lua")
        parts = (folder.joinpath(f"{part}.lua").read_text("utf-8") for part in (_SHARED, name))
        return self._redis.register_script("\n".join(parts))

    def run(self, script: str, *args: str | int) -> Any:
        """Run one of our scripts that names its keys itself; for the other parts of the store."""
        with _reachable():
            return self._scripts[script](args=[PREFIX, *args])

    def close(self) -> None:
        """Give back the connections."""
        self._redis.close()

    def ping(self) -> None:
        """Raises Unavailable when the store does not answer."""
        with _reachable():
            self._redis.ping()

    # Jobs, for the api ------------------------------------------------------------------------

    def accept(
        self, request: RunJob, bounds: Bounds = UNBOUNDED, *, restored: bool = False
    ) -> bool:
        """Create the record of a job; False when its id is known, or was removed.

        A restored record keeps the time at which the request was made. Raises QueueFull or
        TooManyJobs when it is one too many.
        """
        args: list[str | int] = [
            PREFIX,
            request.job_id,
            request.listed_id or request.process_id,
            request.service,
            request.model_dump_json(by_alias=True, exclude_none=True),
            str(_ms(request.created)) if restored else "",
            request.queue or "",
            request.owner or "",
            *("" if bound is None else bound for bound in (bounds.waiting, bounds.per_owner)),
            " ".join(_occasions(request)),
        ]
        keys = [_job(request.job_id), _gone(request.job_id)]
        with _reachable():
            answer = self._scripts["accept"](keys=keys, args=args)
        bounds.check(int(answer))
        return bool(answer)

    def mark_published(self, job_id: str, queue: str = "") -> None:
        """Note that the broker has taken the job's message; into `queue`, if it is another one."""
        with _reachable():
            self._scripts["published"](keys=[_job(job_id)], args=[1, queue])

    def mark_unpublished(self, job_id: str) -> None:
        """Note that the job's message is no more: the sweeper sends another, to where it is run."""
        with _reachable():
            self._scripts["published"](keys=[_job(job_id)], args=[0, ""])

    def count(self, status: JobStatus) -> int:
        """How many jobs are in a state."""
        with _reachable():
            return self._redis.zcard(f"{PREFIX}jobs:s:{status}")

    def waiting(self, service: str) -> Waiting:
        """How many jobs of a service no worker has begun, and since when the oldest waits."""
        index = f"{PREFIX}jobs:w:{service}"
        with _reachable():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zcard(index)
            pipeline.zrange(index, 0, 0, withscores=True)
            count, oldest = pipeline.execute()
        since = datetime.fromtimestamp(oldest[0][1] / 1000, UTC) if oldest else None
        return Waiting(int(count), since)

    def get(self, job_id: str) -> JobRecord | None:
        """The record of a job."""
        with _reachable():
            return record_of(cast(Hash, self._redis.hgetall(_job(job_id))))

    def was_removed(self, job_id: str) -> bool:
        """Whether there was such a job, and it was removed."""
        with _reachable():
            return bool(self._redis.exists(_gone(job_id)))

    def list(self, which: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        """A page of jobs, newest first. A page may hold fewer than `limit` and still have a next.

        Raises ValueError for a cursor that no page gave.
        """
        return listing.page(self.run("list", *listing.arguments(which, limit, cursor)))

    def dismiss(self, job_id: str) -> bool:
        """End a job that has not ended as dismissed; False when it had ended, or is unknown."""
        return self._finish(job_id, "", JobStatus.DISMISSED, "", "The job was dismissed.")

    def remove(self, job_id: str) -> bool:
        """Take a job away, and remember that it was removed."""
        with _reachable():
            args = [PREFIX, job_id, GONE_SECONDS]
            return bool(self._scripts["remove"](keys=[_job(job_id)], args=args))

    def log(self, job_id: str) -> Sequence[LogEntry]:
        """What the algorithm of a job said, in order."""
        with _reachable():
            lines = self._redis.lrange(_log(job_id), 0, -1)
        return [LogEntry.model_validate_json(line) for line in lines]

    def events(self, wait: float = 1.0) -> Iterator[JobEvent | None]:
        """Changes of jobs as they happen; None when `wait` seconds passed without one.

        Raises Unavailable when the connection is lost: events of that time are lost too, so
        read the records again that you wait for.
        """
        with _reachable(), self._pubsub() as pubsub:
            pubsub.subscribe(PREFIX + "events")
            while True:
                message = pubsub.get_message(timeout=wait)
                yield JobEvent.model_validate_json(message["data"]) if message else None

    def _pubsub(self) -> "redis.client.PubSub":
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        return cast("redis.client.PubSub", pubsub)

    # Jobs, for workers and the sweeper --------------------------------------------------------

    def claim(self, message: RunJob, token: str, boot: str, attempts: int) -> Claim:
        """Take a job to run it, at most `attempts` times in all; restores a record that was lost."""
        keys = [_job(message.job_id), _gone(message.job_id)]
        args = [PREFIX, message.job_id, token, boot, attempts]
        with _reachable():
            word, attempt = self._scripts["claim"](keys=keys, args=args)
        if word != b"unknown":
            return Claim(Claimed(word.decode()), int(attempt))
        logger.warning("job %s: its record was lost, restored from its message", message.job_id)
        self.accept(message, restored=True)
        return self.claim(message, token, boot, attempts)

    def progress(
        self,
        job_id: str,
        token: str,
        progress: int | None = None,
        message: str | None = None,
        log: Sequence[LogEntry] = (),
    ) -> bool:
        """Note how far a job is (percent) and what it said; False: it is no longer yours, stop it."""
        with _reachable():
            return bool(
                self._scripts["progress"](
                    keys=[_job(job_id), _log(job_id)],
                    args=[
                        PREFIX,
                        job_id,
                        token,
                        "" if progress is None else progress,
                        message or "",
                        LOG_LINES,
                        *(entry.model_dump_json() for entry in log),
                    ],
                )
            )

    def finish(self, job_id: str, token: str, outcome: Succeeded | Failed) -> bool:
        """Write the outcome of a job; False: it is no longer yours, the outcome is dropped."""
        if not token:
            raise ValueError("a token is needed to finish a job")
        return self._end(job_id, token, outcome)

    def give_up(self, job_id: str, failure: Failed) -> bool:
        """End a job that nobody can run as failed, whoever holds it."""
        return self._end(job_id, "", failure)

    def _end(self, job_id: str, token: str, outcome: Succeeded | Failed) -> bool:
        text = outcome.model_dump_json(by_alias=True, exclude_none=True)
        message = outcome.message if isinstance(outcome, Failed) else ""
        return self._finish(job_id, token, JobStatus(outcome.status), text, message)

    def _finish(
        self, job_id: str, token: str, status: JobStatus, outcome: str, message: str
    ) -> bool:
        args = [PREFIX, job_id, token, str(status), outcome, message]
        with _reachable():
            return bool(self._scripts["finish"](keys=[_job(job_id)], args=args))

    def beat(self, boot: str) -> None:
        """A worker says that it lives; counts for WORKER_MS, by the clock of the store."""
        key = PREFIX + "worker:" + boot
        with _reachable():
            pipeline = self._redis.pipeline()
            pipeline.incr(key)
            pipeline.pexpire(key, WORKER_MS)
            pipeline.execute()

    def leave(self, boot: str) -> None:
        """A worker says that it is no more."""
        with _reachable():
            self._redis.delete(PREFIX + "worker:" + boot)

    def beats(self, boot: str) -> int | None:
        """How often a worker has said that it lives; None when it has not within WORKER_MS."""
        with _reachable():
            found = cast(bytes | None, self._redis.get(PREFIX + "worker:" + boot))
        return None if found is None else int(found)

    def alive(self, boot: str) -> bool:
        """Whether a worker has said within WORKER_MS that it lives."""
        return self.beats(boot) is not None

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[bool]:
        """Hold a lock for at most `seconds`; yields False when another holds it."""
        held = self._redis.lock(f"{PREFIX}lock:{name}", timeout=seconds, blocking=False)
        with _reachable():
            taken = held.acquire()
        try:
            yield taken
        finally:
            if taken:
                self._release(held)

    def _release(self, held: "redis.lock.Lock") -> None:
        try:
            held.release()
        except redis.exceptions.RedisError as error:
            logger.warning("a lock ran out or was lost before its release: %s", error)

    # Offers -----------------------------------------------------------------------------------

    def put_offer(self, offer: Offer) -> str:
        """Keep an offer; returns its digest (SHA-256 of its JSON), the name to find it by."""
        text, digest = offers.encode(offer)
        with _reachable():
            self._redis.set(_offer(digest), zlib.compress(text), ex=OFFER_SECONDS)
        return digest

    def refresh_offer(self, digest: str) -> bool:
        """Keep an offer longer; False when the store has lost it: put it again."""
        with _reachable():
            return bool(self._redis.expire(_offer(digest), OFFER_SECONDS))

    def get_offer(self, digest: str) -> Offer | None:
        """The offer of a digest."""
        with _reachable():
            found = cast(bytes | None, self._redis.get(_offer(digest)))
        return None if found is None else Offer.model_validate_json(zlib.decompress(found))


def _occasions(request: RunJob) -> list[str]:
    """Of what somebody wants to be told."""
    wanted = request.subscriber.model_dump(exclude={"base"}) if request.subscriber else {}
    return [occasion for occasion, address in wanted.items() if address]


def _job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def _gone(job_id: str) -> str:
    return f"{PREFIX}gone:{job_id}"


def _log(job_id: str) -> str:
    return f"{PREFIX}log:{job_id}"


def _offer(digest: str) -> str:
    return f"{PREFIX}offer:{digest}"


def _ms(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)


@contextmanager
def _reachable() -> Iterator[None]:
    """Tell a lost store as what it is to a client: not available now."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise Unavailable("The job store cannot be reached.", retry_after=5) from error
    except redis.exceptions.ResponseError as error:
        if not REFUSALS.search(str(error)):
            raise
        logger.warning("the store takes nothing now: %s", error)
        raise Unavailable("The job store takes nothing now.", retry_after=5) from error
