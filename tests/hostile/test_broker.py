"""Somebody who reaches the broker: what is no job of ours runs nothing, and ends no worker."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Exchange, Queue

from qanat_common.ogc import JobStatus
from qanat_common.protocol import TASK_RUN, Inline, RunJob, queue_name, wire
from qanat_common.store import Store
from qanat_common.transport import EXCHANGE, celery_settings

pytestmark = pytest.mark.broker

SERVICE = "hostile"
QUEUE = queue_name(SERVICE)


COMMANDS: dict[str, dict[str, Any]] = {
    "shutdown": {},
    "pool_restart": {"reload": True, "modules": ["os"]},
    "pool_shrink": {"n": 2},
    "cancel_consumer": {"queue": QUEUE},
    "revoke": {"task_id": "honest", "terminate": True},
    "rate_limit": {"task_name": TASK_RUN, "rate_limit": "1/h"},
}


class Opened:
    """What a pickle does where it is opened."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._marker),)


@pytest.fixture
def worker(
    valkey: Any, tmp_path: Path, until: Callable[..., Any]
) -> Iterator[subprocess.Popen[bytes]]:
    environ = {
        "QANAT_BROKER_URL": valkey.broker_url,
        "QANAT_STORE_URL": valkey.url,
        "QANAT_STORAGE_URL": f"file://{tmp_path}/storage",
        "QANAT_WORKER__ENGINE": "echo",
        "QANAT_WORKER__WORK_FOLDER": f"{tmp_path}/work",
        "QANAT_WORKER__SERVICE": SERVICE,
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "qanat_worker"], env=os.environ | environ, stdout=out, stderr=out
        )
    until(lambda: "ready for the jobs" in log.read_text(), 60)
    yield process
    process.kill()
    process.wait(10)


@pytest.fixture
def runs(valkey: Any, until: Callable[..., Any]) -> Iterator[Callable[[], bool]]:
    """Whether the worker runs a job of ours, sent now."""
    app, store = Celery("test", set_as_current=False), Store(valkey.url)
    app.conf.update(celery_settings(valkey.broker_url))

    def run() -> bool:
        job = RunJob(
            job_id="honest",
            process_id="qanat:echo",
            service=SERVICE,
            created=datetime.now(UTC),
            inputs={"stringInput": Inline(value="x")},
        )
        store.accept(job)
        queue = Queue(QUEUE, Exchange(EXCHANGE, "direct"), routing_key=QUEUE)
        app.send_task(TASK_RUN, kwargs={"job": wire(job)}, queue=queue, task_id="honest")
        record: Any = until(lambda: (found := store.get("honest")) and found.ended and found, 30)
        return bool(record.status is JobStatus.SUCCESSFUL)

    yield run
    app.close()
    store.close()


def test_a_pickle_is_not_opened(
    valkey: Any, worker: subprocess.Popen[bytes], runs: Callable[[], bool], tmp_path: Path
) -> None:
    marker = tmp_path / "opened"
    body = pickle.dumps(((), {"job": Opened(marker)}, {}))
    with Connection(valkey.broker_url) as connection:
        connection.Producer(auto_declare=False).publish(
            body,
            exchange=EXCHANGE,
            routing_key=QUEUE,
            content_type="application/x-python-serialize",
            content_encoding="binary",
            headers={
                "task": TASK_RUN,
                "id": "evil",
                "lang": "py",
                "argsrepr": "",
                "kwargsrepr": "",
            },
            correlation_id="evil",
        )
    assert runs()
    assert worker.poll() is None
    assert not marker.exists()


def test_no_command_over_the_broker_is_obeyed(
    valkey: Any,
    worker: subprocess.Popen[bytes],
    runs: Callable[[], bool],
    until: Callable[..., Any],
    tmp_path: Path,
) -> None:
    with Celery("rogue", broker=valkey.broker_url, set_as_current=False) as rogue:
        for command, arguments in COMMANDS.items():
            rogue.control.broadcast(command, arguments=arguments)
    log = tmp_path / "log"
    for command in COMMANDS:
        until(lambda told=f"{command!r} came over the broker": told in log.read_text(), 20)
    assert runs()
    assert worker.poll() is None
