"""The worker on a real broker, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Connection, Exchange, Queue
from kombu.pidbox import Mailbox
from pydantic import SecretStr
from typer.testing import CliRunner

from qanat_common.ogc import JobStatus
from qanat_common.protocol import (
    COMMAND_ANNOUNCE,
    COMMAND_ANNOUNCE_YOURSELF,
    MAILBOX,
    TASK_RUN,
    Announcement,
    Inline,
    RunJob,
    Succeeded,
    Value,
    WorkerState,
    queue_name,
    wire,
)
from qanat_common.signing import Seal
from qanat_common.store import Store
from qanat_common.transport import EXCHANGE, celery_settings, queue_arguments
from qanat_worker.__main__ import main

pytestmark = pytest.mark.broker


@dataclass
class World:
    """A broker, a store, a registry's ear, and workers to start."""

    broker_url: str
    store: Store
    store_url: str
    folder: Path
    until: Callable[..., Any]
    heard: list[Announcement] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    service: str = "default"

    def __post_init__(self) -> None:
        self.app = Celery("test", set_as_current=False)
        self.app.conf.update(celery_settings(self.broker_url))
        self.reconnect()

    def reconnect(self) -> None:
        self.connection = Connection(self.broker_url)
        node = Mailbox(MAILBOX, "fanout", accept=["json"], serializer="json")(self.connection).Node(
            f"registry-{uuid.uuid4()}",
            channel=self.connection.channel(),
            handlers={COMMAND_ANNOUNCE: self._hear},
        )
        self.consumer = node.listen()

    def _hear(self, _state: Any, announcement: Any) -> None:
        self.heard.append(Announcement.model_validate(announcement))

    def listen(
        self, condition: Callable[[Announcement], bool], seconds: float = 20
    ) -> Announcement:
        """The first announcement, of those heard from now on, that is as asked for."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for announcement in self.heard:
                if condition(announcement):
                    return announcement
            try:
                self.connection.drain_events(timeout=0.2)
            except TimeoutError:
                continue
        pytest.fail(f"not heard; last: {self.heard[-1:]}; {self.log()}")

    def worker(self, **settings: str) -> subprocess.Popen[bytes]:
        environ = {
            "QANAT_BROKER_URL": self.broker_url,
            "QANAT_STORE_URL": self.store_url,
            "QANAT_STORAGE_URL": f"file://{self.folder}/storage",
            "QANAT_WORKER__ENGINE": "fake_engine:FakeEngine",
            "QANAT_WORKER__WORK_FOLDER": f"{self.folder}/work",
            "QANAT_WORKER__SERVICE": self.service,
            # Its jobs write files of the test, to be watched.
            "QANAT_WORKER__SANDBOX": "off",
            "PYTHONPATH": str(Path(__file__).parent),
        } | {f"QANAT_WORKER__{name.upper()}": value for name, value in settings.items()}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "qanat_worker"],
                env=os.environ | environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.processes.append(process)
        return process

    def ready_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        process = self.worker(**settings)
        self.listen(lambda said: said.state is WorkerState.READY)
        return process

    def send(self, process_id: str, job_id: str = "j1", **inputs: Any) -> None:
        job = RunJob(
            job_id=job_id,
            process_id=process_id,
            service=self.service,
            created=datetime.now(UTC),
            inputs={name: Inline(value=value) for name, value in inputs.items()},
        )
        self.store.accept(job)
        self.publish(job_id, wire(job))

    def publish(self, job_id: str, job: Any) -> None:
        name = queue_name(self.service)
        queue = Queue(
            name,
            Exchange(EXCHANGE, "direct"),
            routing_key=name,
            durable=True,
            queue_arguments=queue_arguments(),
        )
        self.app.send_task(TASK_RUN, kwargs={"job": job}, queue=queue, task_id=job_id)

    def ends(self, job_id: str = "j1", seconds: float = 20) -> JobStatus:
        """How a job ends."""

        def ended() -> JobStatus | None:
            record = self.store.get(job_id)
            return record.status if record and record.ended else None

        return self.until(ended, seconds)  # type: ignore[no-any-return]  # the fixture is untyped

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)
        self.connection.release()
        self.app.close()
        self.store.close()


@pytest.fixture
def world(servers: Any, tmp_path: Path, until: Callable[..., Any]) -> Iterator[World]:
    """On Valkey alone, and on RabbitMQ and Redis."""
    with redis.Redis.from_url(servers.store_url) as client:
        client.flushdb()
    service = f"s{uuid.uuid4().hex[:8]}"
    world = World(
        servers.broker_url,
        Store(servers.store_url),
        servers.store_url,
        tmp_path,
        until,
        service=service,
    )
    yield world
    world.close()


def test_a_ready_worker_announces_itself_and_its_offer_is_in_the_store(world: World) -> None:
    world.ready_worker(labels=json.dumps({"site": "north"}), slots="3")
    said = world.heard[0]
    assert (said.service, said.slots) == (world.service, 3)
    assert said.queue == f"qanat.{world.service}"
    assert (said.labels, said.versions["fake"]) == ({"site": "north"}, "1")
    assert said.boot in said.node
    offer = world.store.get_offer(said.digest)
    assert offer is not None
    assert len(offer.processes) == said.processes == said.providers[0].algorithms
    assert world.store.alive(said.boot)


def test_an_offer_that_the_store_lost_is_put_there_again(world: World) -> None:
    world.ready_worker(beat_seconds="0.3")
    digest = world.heard[0].digest
    with redis.Redis.from_url(world.store_url) as client:
        client.flushdb()
    world.until(lambda: world.store.get_offer(digest), 5)


def test_a_job_that_was_sent_before_the_worker_came_is_run(world: World) -> None:
    world.send("echo", x=1)
    world.ready_worker()
    assert world.ends() is JobStatus.SUCCESSFUL


def test_a_registry_that_asks_is_answered(world: World) -> None:
    world.ready_worker(beat_seconds="600")
    last = world.heard[-1].serial
    world.app.control.broadcast(COMMAND_ANNOUNCE_YOURSELF)
    world.listen(lambda said: said.serial > last, 3)


def test_a_stopped_worker_drains_ends_its_job_and_leaves(world: World, tmp_path: Path) -> None:
    process = world.ready_worker()
    marker = tmp_path / "marker"
    world.send("wait", x=str(marker))
    world.until(marker.exists)
    process.send_signal(signal.SIGTERM)
    world.listen(lambda said: said.state is WorkerState.DRAINING, 2)
    world.send("echo", "late", x=1)
    marker.unlink()
    assert world.ends() is JobStatus.SUCCESSFUL
    said = world.listen(lambda said: said.state is WorkerState.LEAVING, 5)
    assert process.wait(10) == 0
    assert not world.store.alive(said.boot)
    assert list((tmp_path / "work").iterdir()) == []
    late = world.store.get("late")
    assert late is not None
    assert late.status is JobStatus.ACCEPTED


def test_a_job_that_does_not_end_in_time_is_given_back_and_run_by_another(
    world: World, tmp_path: Path
) -> None:
    first = world.ready_worker(drain_timeout="0.5")
    marker = tmp_path / "marker"
    world.send("wait", x=str(marker))
    world.until(lambda: marker.exists() and marker.read_text())
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    marker.unlink()
    world.heard.clear()
    world.ready_worker()
    world.until(marker.exists, 20)
    marker.unlink()
    assert world.ends() is JobStatus.SUCCESSFUL
    record = world.store.get("j1")
    assert record is not None
    assert record.attempt == 2


def test_a_job_that_comes_while_a_worker_drains_is_another_workers_at_once(
    world: World, tmp_path: Path
) -> None:
    first = world.ready_worker(drain_timeout="600")
    marker = tmp_path / "marker"
    world.send("wait", x=str(marker))
    world.until(marker.exists)
    first.send_signal(signal.SIGTERM)
    world.listen(lambda said: said.state is WorkerState.DRAINING, 3)
    world.send("echo", "late", x=1)
    world.heard.clear()
    world.ready_worker()
    assert world.ends("late") is JobStatus.SUCCESSFUL
    assert first.poll() is None
    marker.unlink()
    assert world.ends() is JobStatus.SUCCESSFUL
    assert first.wait(20) == 0


def test_a_second_signal_stops_at_once(world: World, tmp_path: Path) -> None:
    process = world.ready_worker(drain_timeout="600")
    marker = tmp_path / "marker"
    world.send("wait", x=str(marker))
    world.until(marker.exists)
    process.send_signal(signal.SIGTERM)
    world.listen(lambda said: said.state is WorkerState.DRAINING, 3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_nothing_survives_a_worker_that_is_killed(
    world: World, tmp_path: Path, alive: Callable[[int], bool]
) -> None:
    process = world.ready_worker()
    marker = tmp_path / "marker"
    world.send("family", x=str(marker))
    world.until(lambda: marker.exists() and marker.read_text().count(" ") == 2)
    family = [int(word) for word in marker.read_text().split()]
    parent = int(Path(f"/proc/{family[0]}/stat").read_text().rpartition(") ")[2].split()[1])
    process.kill()
    world.until(lambda: not any(alive(pid) for pid in [*family, parent]), 5)


def test_the_folders_of_a_killed_worker_are_removed_by_the_next(
    world: World, tmp_path: Path
) -> None:
    first = world.ready_worker()
    first.kill()
    first.wait(10)
    left = next((tmp_path / "work").iterdir())
    world.heard.clear()
    world.ready_worker()
    assert not left.exists()


def test_a_message_that_cannot_be_read_ends_its_job_and_nothing_else(world: World) -> None:
    world.ready_worker()
    job = RunJob(job_id="bad", process_id="echo", service=world.service, created=datetime.now(UTC))
    world.store.accept(job)
    world.publish("none", "not an object")
    world.publish("bad", {"job_id": "bad", "process_id": 7})
    assert world.ends("bad") is JobStatus.FAILED
    world.send("echo", x=1)
    assert world.ends() is JobStatus.SUCCESSFUL


def test_with_a_secret_only_what_is_signed_by_it_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "known to api and workers"
    monkeypatch.setenv("QANAT_JOB_SECRET", secret)
    world.ready_worker()
    seal = Seal(SecretStr(secret))
    known = {"process_id": "echo", "service": world.service, "created": datetime.now(UTC)}
    signed = seal.signed(RunJob(job_id="signed", inputs={"x": Inline(value=1)}, **known))
    world.store.accept(signed)
    world.publish("signed", wire(signed) | {"inputs": {"x": {"kind": "inline", "value": 2}}})
    world.publish("signed", {"job_id": "signed", "process_id": 7})
    world.publish("never", wire(RunJob(job_id="never", **known)))
    world.publish("none", "not an object")
    world.send("echo", "unsigned", x=1)
    assert world.ends("unsigned") is JobStatus.FAILED
    failed = world.store.get("unsigned")
    assert failed is not None
    assert failed.outcome is not None
    assert "job_secret" in failed.outcome.message
    assert world.store.get("never") is None

    world.publish("signed", wire(signed.model_copy(update={"queue": "as the sweeper says"})))
    assert world.ends("signed") is JobStatus.SUCCESSFUL
    ran = world.store.get("signed")
    assert ran is not None
    assert isinstance(ran.outcome, Succeeded)
    assert ran.outcome.outputs["x"] == Value(value=1)
    assert world.log().count("is not signed by job_secret") == 5


def test_a_reload_is_announced(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tmp_path / "version"
    version.write_text("1")
    process = world.ready_worker(environment=json.dumps({"FAKE_VERSION": str(version)}))
    before = world.heard[-1]
    version.write_text("2")
    monkeypatch.setenv("QANAT_WORKER__WORK_FOLDER", str(tmp_path / "work"))
    told = CliRunner().invoke(main, ["reload"])  # type: ignore[arg-type]  # it is a Typer
    assert (told.exit_code, told.output) == (0, f"told the worker of process {process.pid}\n")
    after = world.listen(lambda said: said.versions["fake"] == "2", 10)
    assert after.digest != before.digest
    assert after.boot == before.boot
    assert world.store.get_offer(after.digest) is not None


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_a_worker_announces_itself_again_when_the_broker_is_back(world: World, valkey: Any) -> None:
    process = world.ready_worker(beat_seconds="1")
    boot = world.heard[0].boot
    valkey.stop(kill=True)
    valkey.start()
    world.reconnect()
    world.heard.clear()
    assert world.listen(lambda said: said.boot == boot, 20).state is WorkerState.READY
    world.send("echo", x=1)
    assert world.ends(seconds=30) is JobStatus.SUCCESSFUL
    assert process.poll() is None


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_a_worker_stops_while_broker_and_store_are_away(world: World, valkey: Any) -> None:
    process = world.ready_worker()
    valkey.stop()
    try:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        valkey.start()


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine": "no_such_module:start"}, "No module named 'no_such_module'"),
        ({"engine": "fake_engine:refusing"}, "there is no QGIS here"),
        (
            {"engine": "fake_engine:on_old_kernel", "sandbox": "required"},
            "worker.sandbox = 'required', but jobs are confined here by: none",
        ),
        ({"work_folder": "/proc/work"}, "worker.work_folder: /proc/work"),
    ],
)
def test_a_worker_that_cannot_start_says_so_in_one_line_and_fails(
    world: World, settings: dict[str, str], words: str
) -> None:
    process = world.worker(**settings)
    assert process.wait(20) == 1
    lines = world.log().splitlines()
    assert len(lines) == 1, lines
    assert words in json.loads(lines[0])["event"]


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_a_worker_told_to_stop_while_it_starts_stops(world: World, tmp_path: Path) -> None:
    process = world.worker(engine="fake_engine:slow")
    children = Path(f"/proc/{process.pid}/task")
    world.until(lambda: any(path.read_text() for path in children.glob("*/children")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert list((tmp_path / "work").iterdir()) == []
