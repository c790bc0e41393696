"""Workers of the tests: a real store, real processes, an engine without QGIS."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import JsonValue

from qanat_common.jobs import JobRecord
from qanat_common.protocol import Failed, Inline, RunJob, Succeeded, Value
from qanat_common.storage import Storage
from qanat_common.store import Store
from qanat_worker.children import Children
from qanat_worker.confinement import Confinement
from qanat_worker.fetch import Fetcher
from qanat_worker.pulse import Pulse
from qanat_worker.runner import GivenBack, Runner
from qanat_worker.sandbox import scrubbed
from qanat_worker.settings import FetchSettings, LimitSettings
from qanat_worker.tally import Usage
from qanat_worker.warm import Capabilities, EngineStart

ENGINE = "fake_engine:FakeEngine"
MIB = 1 << 20
UNCONFINED = Confinement(sandbox="off")
"""Most tests have their jobs write files of the test, to be watched."""


@dataclass
class Bench:
    """A worker without its broker."""

    runner: Runner
    children: Children
    pulse: Pulse
    store: Store
    storage: Storage
    folder: Path
    boot: str
    ready: list[Capabilities]

    def accept(self, process_id: str, job_id: str = "j1", **inputs: Any) -> RunJob:
        """The message of a job whose record exists; plain values become inline inputs."""
        job = RunJob(
            job_id=job_id,
            process_id=process_id,
            service="default",
            created=datetime.now(UTC),
            inputs={
                name: Inline(value=value)
                if isinstance(value, str | int | float | None | dict)
                else value
                for name, value in inputs.items()
            },
        )
        self.store.accept(job)
        return job

    def record(self, job_id: str = "j1") -> JobRecord:
        found = self.store.get(job_id)
        assert found is not None
        return found

    def run(self, process_id: str, job_id: str = "j1", **inputs: Any) -> JobRecord:
        """The record of a job after it was run."""
        self.runner.run(self.accept(process_id, job_id, **inputs))
        return self.record(job_id)

    def values(self, process_id: str, **inputs: Any) -> dict[str, JsonValue]:
        """The outputs of a job that must succeed."""
        outcome = self.run(process_id, **inputs).outcome
        assert isinstance(outcome, Succeeded), outcome
        return {
            name: output.value
            for name, output in outcome.outputs.items()
            if isinstance(output, Value)
        }

    def failure(self, process_id: str, **inputs: Any) -> Failed:
        """How a job failed that must fail."""
        outcome = self.run(process_id, **inputs).outcome
        assert isinstance(outcome, Failed), outcome
        return outcome

    def begin(self, process_id: str, job_id: str = "j1", **inputs: Any) -> "Running":
        """Run a job in a thread of its own."""
        running = Running(self.runner, self.accept(process_id, job_id, **inputs))
        running.start()
        return running


class Running(Thread):
    """A job that runs; `given_back` after its end."""

    def __init__(self, runner: Runner, job: RunJob) -> None:
        super().__init__(daemon=True)
        self._runner, self._job = runner, job
        self.given_back = False

    def run(self) -> None:
        try:
            self._runner.run(self._job)
        except GivenBack:
            self.given_back = True


def engine_start(
    folder: Path, environment: dict[str, str], options: dict[str, JsonValue], confined: Confinement
) -> EngineStart:
    """Of the fake engine."""
    extra = {"PYTHONPATH": str(Path(__file__).parent)} | environment
    return EngineStart(
        engine=ENGINE,
        options=options,
        environment=scrubbed(os.environ, extra, folder),
        folder=folder,
        confinement=confined,
        spares=2,
        timeout=20,
    )


@pytest.fixture
def make_bench(valkey: Any, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Make a worker: limits and fetch settings by name, options of the engine."""
    made: list[Bench] = []

    def make(
        limits: LimitSettings | None = None,
        fetch: FetchSettings | None = None,
        boot: str = "b1",
        spares: int = 2,
        environment: dict[str, str] | None = None,
        echo: bool = False,
        picture: int = 0,
        confined: Confinement = UNCONFINED,
        usage: Usage | None = None,
        **options: JsonValue,
    ) -> Bench:
        store, ready = Store(valkey.url), list[Capabilities]()
        storage = Storage(f"file://{tmp_path}/storage")
        folder = tmp_path / boot
        home = tmp_path / f"parent-of-{boot}"
        for made_first in (folder, home):
            made_first.mkdir()
        start = engine_start(home, environment or {}, options, confined)
        children = Children(replace(start, spares=spares, echo=echo), ready.append, usage)
        pulse = Pulse(store, boot)
        runner = Runner(
            boot=boot,
            folder=folder,
            limits=limits or LimitSettings(wall_seconds=30, memory_bytes=512 * MIB),
            max_attempts=3,
            children=children,
            fetcher=Fetcher(fetch or FetchSettings()),
            pulse=pulse,
            store=store,
            storage=storage,
            picture=picture,
        )
        bench = Bench(runner, children, pulse, store, storage, folder, boot, ready)
        made.append(bench)
        children.start()
        pulse.start()
        return bench

    yield make
    for bench in made:
        bench.runner.give_back()
        bench.pulse.leave()
        bench.children.close()
        bench.store.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A worker with ordinary limits."""
    return make_bench()


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process runs; one that only waits to be buried does not."""

    def runs(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    return runs
