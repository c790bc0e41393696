"""The first, second, third … call of store, storage or broker fails, until a run makes fewer calls.

Each time the promises hold: what was accepted ends once and well, what was refused leaves nothing.
The api's and the worker's own code runs, on a real store and storage; a list is the broker.
"""

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.faults.engine import PROCESS, content
from tests.simulation.world import OneQueue

from qanat_api.catalog import NOTHING, build
from qanat_api.jobs import Jobs, Limits
from qanat_api.negotiation import Preferences
from qanat_api.settings import CallbackSettings
from qanat_api.subscribers import Subscribers
from qanat_common.errors import JobGone, NoSuchJob, Unavailable
from qanat_common.expiry import Expiry
from qanat_common.jobs import TERMINAL
from qanat_common.listing import JobFilter
from qanat_common.protocol import Catalog, Offer, RunJob, ServiceEntry, StoredFile, Succeeded
from qanat_common.storage import Storage, job_key
from qanat_common.store import Store
from qanat_registry.janitor import Janitor, Keeping
from qanat_registry.sweeper import Sweeper
from qanat_worker.children import Children
from qanat_worker.confinement import Confinement
from qanat_worker.fetch import Fetcher
from qanat_worker.pulse import Pulse
from qanat_worker.runner import Runner
from qanat_worker.sandbox import scrubbed
from qanat_worker.settings import FetchSettings, LimitSettings
from qanat_worker.warm import EngineStart

redis = pytest.importorskip("redis")

ROOT = Path(__file__).parents[2]
ENTRY = ServiceEntry(name="s", queue="qanat.s", digests=["d"], workers=1, slots=1)
SNAPSHOT = build(
    Catalog(complete=True, services=[ENTRY]), {"d": Offer(processes=[PROCESS])}, (), NOTHING
)
INLINE = 64
"""Inputs larger than this go through the storage: so its calls are among those that fail."""

SWEEPS = 12
STORE = frozenset({"accept", "mark_published", "claim", "progress", "finish", "remove", "beat"})
STORAGE = frozenset({"put", "put_bytes", "get"})
TIDYING = frozenset({"keep", "expire", "bury", "unknown", "job_files", "remove_job", "remove"})
HOUR = 3600.0
PASSES = 4
BROKER = frozenset({"send", "publish"})


@dataclass
class Fault:
    """Fails one call of some; before it is done, or after: then only its answer is lost."""

    names: frozenset[str]
    at: int
    after: bool
    calls: int = 0

    def of(self, target: Any) -> Any:
        """The same, that fails."""
        return Failing(target, self)


class Failing:
    def __init__(self, target: Any, fault: Fault) -> None:
        self._target, self._fault = target, fault

    def __getattr__(self, name: str) -> Any:
        call, fault = getattr(self._target, name), self._fault
        if name not in fault.names:
            return call

        def counted(*args: Any, **named: Any) -> Any:
            fault.calls += 1
            if fault.calls != fault.at:
                return call(*args, **named)
            if fault.after:
                call(*args, **named)
            raise Unavailable("failed on purpose")

        return counted


@dataclass
class Queue:
    """The broker, for the api and for the sweeper."""

    messages: list[RunJob] = field(default_factory=list)

    def publish(self, job: RunJob) -> None:
        self.messages.append(RunJob.model_validate(job.model_dump(mode="json")))

    def waiting(self, service: str) -> int:
        return len(self.messages)


class Sender:
    """The api's side of it."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    async def send(self, message: RunJob) -> None:
        self._queue.publish(message)


class NoWatch:
    @contextmanager
    def watch(self, job_id: str) -> Iterator[None]:
        yield None


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    home = tmp_path_factory.mktemp("parent")
    extra = {"PYTHONPATH": str(ROOT)}
    start = EngineStart(
        engine="tests.faults.engine:start",
        options={},
        environment=scrubbed(os.environ, extra, home),
        folder=home,
        confinement=Confinement(sandbox="off"),
        spares=1,
        timeout=60,
    )
    started = Children(start, lambda able: None)
    started.start()
    yield started
    started.close()


@pytest.fixture
def run(valkey: Any, children: Children, tmp_path: Path) -> Iterator[Callable[[Fault], None]]:
    """One job from its submission to its end, with that fault; raises where a promise is broken."""
    store, storage, numbers = Store(valkey.url), Storage(f"file://{tmp_path}/s"), itertools.count()

    def one(fault: Fault) -> None:
        queue, folder = Queue(), tmp_path / f"w{next(numbers)}"
        folder.mkdir()
        scene = Scene(store, storage, queue, fault)
        accepted = asyncio.run(scene.submit())
        scene.drain(children, folder)
        scene.check(accepted)
        assert list(folder.iterdir()) == []

    yield one
    store.close()


@dataclass
class Scene:
    store: Store
    storage: Storage
    queue: Queue
    fault: Fault

    async def submit(self) -> str | None:
        """The id of the job; None when it was refused."""
        jobs = Jobs(
            lambda: SNAPSHOT,
            self.fault.of(self.store),
            self.fault.of(self.storage),
            Sender(self.fault.of(self.queue)),
            NoWatch(),  # type: ignore[arg-type]  # nobody waits here
            Limits(INLINE, 1.0),
            Subscribers(CallbackSettings()),
        )
        inputs = {"text": "t" * 100, "seconds": 0, "size": 5000}
        body = json.dumps({"inputs": inputs}).encode()
        try:
            wanted = Preferences(respond_async=True)
            made = await jobs.execute(jobs.process("faults:work"), body, wanted)
        except Unavailable:
            return None
        return made.record.job_id

    def drain(self, children: Children, folder: Path) -> None:
        """Run all that is in the queue, and what the sweeper puts there."""
        now = itertools.count(0, 10)
        sweeper = Sweeper(
            self.fault.of(self.store),
            self.fault.of(self.queue),
            OneQueue(),
            1.0,
            lambda: float(next(now)),
        )
        for turn in range(SWEEPS):
            boot = f"boot-{turn}"
            store = self.fault.of(self.store)
            runner = Runner(
                boot=boot,
                folder=folder,
                limits=LimitSettings(),
                max_attempts=3,
                children=children,
                fetcher=Fetcher(FetchSettings()),
                pulse=Pulse(store, boot),
                store=store,
                storage=self.fault.of(self.storage),
            )
            while self.queue.messages:
                runner.run(self.queue.messages.pop(0))
            with suppress(Unavailable):
                sweeper.sweep()

    def check(self, accepted: str | None) -> None:
        every = self.store.list(JobFilter(), 100).records
        assert all(record.status in TERMINAL for record in every)
        if accepted is None:
            return
        record = self.store.get(accepted)
        assert record is not None
        assert isinstance(record.outcome, Succeeded), record.outcome
        file = record.outcome.outputs["file"]
        assert isinstance(file, StoredFile)
        assert self.storage.get(file.key) == content("t" * 100, 5000)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("names", [STORE, STORAGE, BROKER], ids=["store", "storage", "broker"])
def test_whichever_call_fails_the_promises_hold(
    run: Callable[[Fault], None], names: frozenset[str], after: bool
) -> None:
    until_none_fails(names, after, run)


def until_none_fails(names: frozenset[str], after: bool, run: Callable[[Fault], None]) -> None:
    """The first call fails, the second, the third …, each in a run of its own."""
    for at in itertools.count(1):
        fault = Fault(names, at, after)
        run(fault)
        if fault.calls < at:
            break
    assert at > 1, "no call was made at all"


@dataclass
class House:
    """Jobs that have ended, with a file each: what is to go of them, goes, and nothing else."""

    store: Store
    storage: Storage
    now: datetime

    def furnish(self) -> None:
        for job_id in ("expired", "removed", "kept"):
            job = RunJob(job_id=job_id, process_id=PROCESS.id, service="s", created=self.now)
            self.store.accept(job)
            self.store.claim(job, "t", "boot", 3)
            self.storage.put_bytes(job_key(job_id, "file"), job_id.encode())
            if job_id == "kept":
                Expiry(self.store).keep(1000 * HOUR, 10)
            self.store.finish(job_id, "t", Succeeded())
        self.storage.put_bytes(job_key("stray", "file"), b"of a job that was never accepted")

    def tidy(self, fault: Fault) -> None:
        """A client takes one away, the janitor the others; who fails comes again."""
        later = self.now + timedelta(hours=9)
        storage = fault.of(self.storage)
        keeping = Keeping(jobs=1000 * HOUR, orphans=HOUR, every=1.0)
        expiry = fault.of(Expiry(self.store))
        janitor = Janitor(self.store, expiry, lambda: storage, keeping, lambda: later)
        jobs = Jobs(
            lambda: SNAPSHOT,
            fault.of(self.store),
            storage,
            Sender(Queue()),
            NoWatch(),  # type: ignore[arg-type]  # nobody waits here
            Limits(INLINE, 1.0),
            Subscribers(CallbackSettings()),
        )
        for _ in range(PASSES):
            with suppress(Unavailable, NoSuchJob, JobGone):
                asyncio.run(jobs.dismiss("removed"))
            with suppress(Unavailable):
                janitor.clean()

    def check(self) -> None:
        assert [record.job_id for record in self.store.list(JobFilter(), 100).records] == ["kept"]
        assert {job_id for job_id, _ in self.storage.job_files()} == {"kept"}
        assert self.storage.get(job_key("kept", "file")) == b"kept"
        assert all(self.store.was_removed(job_id) for job_id in ("expired", "removed"))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whichever_call_fails_what_is_to_go_goes_completely_and_nothing_else(
    valkey: Any, tmp_path: Path, after: bool
) -> None:
    client = redis.Redis.from_url(valkey.url)

    def run(fault: Fault) -> None:
        client.flushdb()
        store = Store(valkey.url)
        house = House(store, Storage(f"file://{tmp_path}/{fault.at}"), datetime.now(UTC))
        Expiry(store).keep(HOUR, 10)
        house.furnish()
        house.tidy(fault)
        house.check()
        store.close()

    until_none_fails(TIDYING, after, run)
    client.close()
