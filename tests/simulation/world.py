"""Clients, api, queue, workers, store and sweeper on one thread and a clock of their own.

Each actor is a generator: it gives the seconds until its next step, and a step is one call of the
store or the broker. Between two steps anything may happen to it. A seed decides all of it. The
sweeper is the real one, records and states are the real ones, the store is the model of its scripts.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

from tests.simulation.model import EPOCH, ModelStore

from qanat_common.errors import Unavailable
from qanat_common.jobs import TERMINAL
from qanat_common.ogc import JobStatus
from qanat_common.protocol import RunJob
from qanat_common.store import Claimed, Store
from qanat_registry.sweeper import Sweeper

Actor = Generator[float, None, None]
T = TypeVar("T")

MAX_ATTEMPTS = 3
HARM_SECONDS = 30.0
"""For so long bad things happen."""

SETTLE_SECONDS = 2000.0
"""Then all jobs must end within this: the sweeper's pauses double up to five minutes."""

BEAT_SECONDS = 1.0


class BrokenPromise(AssertionError):
    """A promise was broken; the text says which."""


@dataclass
class Broker:
    """A queue that may lose a message, double it, or give it back late when its worker is gone."""

    chance: random.Random
    ready: deque[RunJob] = field(default_factory=deque)
    unacked: dict[int, RunJob] = field(default_factory=dict)
    away: bool = False
    loses: float = 0.0
    serial: int = 0

    def publish(self, job: RunJob) -> None:
        """Take a message; when it fails, the message may have been taken all the same."""
        if self.away:
            if self.chance.random() < 0.3:
                self.ready.append(job)
            raise Unavailable("the broker is away")
        if self.chance.random() < self.loses:
            return
        self.ready.append(job)

    def waiting(self, queue: str) -> int:
        """Part of the sweeper's port."""
        if self.away:
            raise Unavailable("the broker is away")
        return len(self.ready)

    def take(self) -> tuple[int, RunJob] | None:
        """A message for a worker, not acknowledged yet."""
        if self.away or not self.ready:
            return None
        self.serial += 1
        self.unacked[self.serial] = self.ready.popleft()
        return self.serial, self.unacked[self.serial]

    def ack(self, tag: int) -> None:
        """It has been dealt with."""
        self.unacked.pop(tag, None)

    def give_back(self, tag: int) -> None:
        """Its worker is gone: to the next."""
        job = self.unacked.pop(tag, None)
        if job is not None:
            self.ready.appendleft(job)


class OneQueue:
    """All jobs go to one queue, from which somebody takes them: part of the sweeper's port."""

    def queue(self, job: RunJob) -> str | None:
        """The queue of a job."""
        return "q"

    def is_consumed(self, queue: str, service: str) -> bool:
        """Workers come back."""
        return True


class Failing:
    """The store as its users see it: away at times, and then an answer may be lost after the deed."""

    def __init__(self, store: ModelStore, chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self.away = False

    def __getattr__(self, name: str) -> Callable[..., object]:
        call = getattr(self._store, name)

        def perhaps(*args: object, **named: object) -> object:
            if not self.away:
                return call(*args, **named)
            if self._chance.random() < 0.3:
                call(*args, **named)
            raise Unavailable("the store is away")

        return perhaps


@dataclass
class Worker:
    """One boot of a worker with one slot."""

    boot: str
    actors: list[int] = field(default_factory=list)
    held: int | None = None
    frozen_until: float = 0.0


class World:
    """Runs one seed to its end, and checks the promises on the way."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # no secret is made of it
        self.now = 0.0
        self.stepped = 0.0
        self.model = ModelStore(lambda: self.now + self.stepped)
        self.store = Failing(self.model, self.chance)
        self.broker = Broker(self.chance)
        queues: Store = self.store  # type: ignore[assignment]  # the calls that the sweeper makes
        self.sweeper = Sweeper(queues, self.broker, OneQueue(), 1.0, lambda: self.now)
        self.accepted: set[str] = set()
        self.dismissed: set[str] = set()
        self.succeeded: dict[str, int] = {}
        self.deadly: set[str] = set()
        self.workers: dict[str, Worker] = {}
        self.trace: list[str] = []
        self._agenda: list[tuple[float, int]] = []
        self._actors: dict[int, tuple[Actor, Worker | None]] = {}
        self._serial = 0
        self._boots = 0

    def run(self) -> None:
        """Raises BrokenPromise."""
        for number in range(self.chance.randint(1, 4)):
            self._begin(self._client(f"j{number}"), self.chance.uniform(0, HARM_SECONDS / 2))
        for _ in range(2):
            self._start_worker()
        self._begin(self._sweep())
        self._begin(self._harm())
        while self._agenda:
            self.now, key = heapq.heappop(self._agenda)
            self._step(key)
            if self.now > HARM_SECONDS and self._over():
                break
            if self.now > HARM_SECONDS + SETTLE_SECONDS:
                break
        self._check()

    # Actors -----------------------------------------------------------------------------------

    def _begin(self, actor: Actor, after: float = 0.0, of: Worker | None = None) -> int:
        self._serial += 1
        self._actors[self._serial] = (actor, of)
        heapq.heappush(self._agenda, (self.now + after, self._serial))
        return self._serial

    def _step(self, key: int) -> None:
        actor, worker = self._actors.get(key, (None, None))
        if actor is None:
            return
        if worker is not None and worker.frozen_until > self.now:
            heapq.heappush(self._agenda, (worker.frozen_until, key))
            return
        pause = next(actor, None)
        if pause is None:
            self._actors.pop(key, None)
        elif key in self._actors:
            heapq.heappush(self._agenda, (self.now + pause, key))

    def _client(self, job_id: str) -> Actor:
        """As `qanat_api.jobs`: the record, the message, the mark; or all of it taken back."""
        if self.chance.random() < 0.1:
            self.deadly.add(job_id)
        request = RunJob(job_id=job_id, process_id="p", service="s", created=EPOCH)
        try:
            self.store.accept(request)
            yield self._moment()
            self.broker.publish(request)
        except Unavailable:
            yield self._moment()
            self._guarded(lambda: self.store.remove(job_id))
            return
        yield self._moment()
        if self.chance.random() < 0.1:
            return  # the api is killed: the client was never answered
        self._guarded(lambda: self.store.mark_published(job_id))
        self.accepted.add(job_id)
        self._say(f"{job_id} accepted")
        yield self.chance.uniform(0, HARM_SECONDS)
        if self.chance.random() < 0.3 and self._guarded(
            lambda: self.store.end(job_id, "", JobStatus.DISMISSED)
        ):
            self.dismissed.add(job_id)
            self._say(f"{job_id} dismissed")

    def _start_worker(self) -> None:
        self._boots += 1
        worker = Worker(f"b{self._boots}")
        self.workers[worker.boot] = worker
        worker.actors = [
            self._begin(self._beats(worker), 0.0, worker),
            self._begin(self._slot(worker), 0.01, worker),
        ]

    def _beats(self, worker: Worker) -> Actor:
        while True:
            self._guarded(lambda: self.store.beat(worker.boot))
            yield BEAT_SECONDS

    def _slot(self, worker: Worker) -> Actor:
        """As `qanat_worker.runner`: claim, run, tell, acknowledge."""
        while True:
            taken = self.broker.take()
            if taken is None:
                yield self.chance.uniform(0.1, 0.5)
                continue
            worker.held, job = taken
            yield self._moment()
            yield from self._job(worker, job)
            self.broker.ack(worker.held)
            worker.held = None
            yield self._moment()

    def _job(self, worker: Worker, job: RunJob) -> Actor:
        token = f"{worker.boot}-{self.broker.serial}"
        word = yield from self._patiently(lambda: self._claim(job, token, worker.boot))
        if word is Claimed.EXHAUSTED:
            end = JobStatus.FAILED
            yield from self._patiently(lambda: self.store.end(job.job_id, "", end))
        if word is not Claimed.CLAIMED:
            return
        self._say(f"{job.job_id} runs at {worker.boot}")
        if job.job_id in self.deadly:
            self._kill(worker)
            yield 0.0
            return
        for _ in range(self.chance.randint(0, 4)):
            yield self.chance.uniform(0.1, 1.5)
            if self._guarded(lambda: self.store.progress(job.job_id, token)) is False:
                return
        end = JobStatus.SUCCESSFUL
        if (yield from self._patiently(lambda: self.store.end(job.job_id, token, end))):
            self.succeeded[job.job_id] = self.succeeded.get(job.job_id, 0) + 1
            self._say(f"{job.job_id} succeeded at {worker.boot}")

    def _claim(self, job: RunJob, token: str, boot: str) -> Claimed:
        claim = self.store.claim(job, token, boot, MAX_ATTEMPTS)
        if claim.result is Claimed.BUSY:  # type: ignore[attr-defined]  # see Failing
            record = self.store.get(job.job_id)
            if record is not None and record.token == token:  # type: ignore[attr-defined]
                return Claimed.CLAIMED
        result: Claimed = claim.result  # type: ignore[attr-defined]
        return result

    def _patiently(self, call: Callable[[], T]) -> Generator[float, None, T]:
        while True:
            try:
                found = call()
            except Unavailable:
                yield 0.3
            else:
                yield self._moment()
                return found

    def _guarded(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except Unavailable:
            return None

    def _sweep(self) -> Actor:
        while True:
            self._guarded(self.sweeper.sweep)
            yield 1.0

    # Harm -------------------------------------------------------------------------------------

    def _harm(self) -> Actor:
        ways = (
            self._kill_one,
            self._freeze_one,
            self._lose_store,
            self._lose_broker,
            self._leak,
            self._step_clock,
        )
        while self.now < HARM_SECONDS:
            yield self.chance.uniform(0.5, 6.0)
            yield from self.chance.choice(ways)()
        self.store.away = self.broker.away = False
        self.broker.loses = 0.0

    def _kill_one(self) -> Actor:
        if self.workers:
            self._kill(self.chance.choice(list(self.workers.values())))
        yield 0.0

    def _kill(self, worker: Worker) -> None:
        """kill -9: its messages come back at once, late, or never; another worker is started."""
        self._say(f"{worker.boot} killed")
        self.workers.pop(worker.boot, None)
        for key in worker.actors:
            self._actors.pop(key, None)
        if worker.held is not None and self.chance.random() < 0.7:
            self._begin(self._returns(worker.held), self.chance.choice([0.1, 3.0, 20.0]))
        self._begin(self._restarts(), self.chance.uniform(0.5, 5.0))

    def _returns(self, tag: int) -> Actor:
        self.broker.give_back(tag)
        yield 0.0

    def _restarts(self) -> Actor:
        self._start_worker()
        yield 0.0

    def _freeze_one(self) -> Actor:
        """SIGSTOP, or a machine that is cut off: it wakes, and knows nothing of it."""
        if not self.workers:
            return
        worker = self.chance.choice(list(self.workers.values()))
        worker.frozen_until = self.now + self.chance.choice([2.0, 8.0, 20.0])
        self._say(f"{worker.boot} frozen until {worker.frozen_until:.1f}")
        if worker.held is not None and self.chance.random() < 0.5:
            self._begin(self._returns(worker.held), 5.0)
        yield 0.0

    def _lose_store(self) -> Actor:
        self.store.away = True
        yield self.chance.uniform(0.1, 8.0)
        self.store.away = False

    def _lose_broker(self) -> Actor:
        self.broker.away = True
        yield self.chance.uniform(0.1, 8.0)
        self.broker.away = False

    def _step_clock(self) -> Actor:
        """The clock of the store is put to another time, by which its keys expire."""
        self.stepped = self.chance.choice([-7200.0, -60.0, 0.0, 60.0, 7200.0])
        yield 0.0

    def _leak(self) -> Actor:
        self.broker.loses = 0.5
        yield self.chance.uniform(0.1, 3.0)
        self.broker.loses = 0.0

    # Promises ---------------------------------------------------------------------------------

    def _moment(self) -> float:
        return self.chance.uniform(0.0, 0.02)

    def _say(self, words: str) -> None:
        self.trace.append(f"{self.now:8.2f} {words}")

    def _over(self) -> bool:
        """Whether nothing can happen any more."""
        rows = self.model.rows
        return not self.broker.ready and all(row.status in TERMINAL for row in rows.values())

    def _check(self) -> None:
        for job_id in self.accepted:
            row = self.model.rows.get(job_id)
            self._promise(row is not None, f"{job_id} was accepted, and is not there")
            assert row is not None
            self._promise(row.status in TERMINAL, f"{job_id} has not ended: {row.status}")
            ends = [status for status in row.trace if status in TERMINAL]
            self._promise(len(ends) == 1, f"{job_id} ended as {ends}")
            self._promise(row.attempt <= MAX_ATTEMPTS, f"{job_id} ran {row.attempt} times")
            if job_id in self.dismissed:
                self._promise(
                    row.status is JobStatus.DISMISSED, f"{job_id} was dismissed: {row.status}"
                )
            if row.status is JobStatus.FAILED:
                lost = row.attempt == MAX_ATTEMPTS
                self._promise(lost, f"{job_id} failed after {row.attempt} attempts")
        twice = [job_id for job_id, times in self.succeeded.items() if times > 1]
        self._promise(not twice, f"succeeded more than once: {twice}")

    def _promise(self, kept: bool, words: str) -> None:
        if not kept:
            raise BrokenPromise("\n".join([words, *self.trace[-60:]]))
