"""The whole registry as a process: told by a worker, killed, started again, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qanat_common.protocol import Catalog, RunJob, WorkerState
from qanat_common.store import Store
from qanat_registry.broker import Queues, make_app

pytestmark = pytest.mark.broker


class Registry:
    """The command qanat-registry in a process of its own."""

    def __init__(self, port: int, broker_url: str, store_url: str, storage: Path) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._env = {
            **os.environ,
            "QANAT_BROKER_URL": broker_url,
            "QANAT_STORE_URL": store_url,
            "QANAT_STORAGE_URL": f"file://{storage}",
            "QANAT_REGISTRY__PORT": str(port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qanat_registry"], env=self._env, stderr=subprocess.PIPE
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        assert self.process.stderr
        self.process.send_signal(number)
        status = self.process.wait(10)
        self.process.stderr.close()
        return status

    def get(self, path: str, **headers: str) -> Any:
        request = urllib.request.Request(self.base + path, headers=headers)  # noqa: S310  # ours
        with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310  # ours
            return json.load(answer)

    def catalog(self) -> Catalog | None:
        try:
            return Catalog.model_validate(self.get("/catalog"))
        except (urllib.error.URLError, ConnectionError):
            return None

    def names(self) -> list[str]:
        catalog = self.catalog()
        return [service.name for service in catalog.services] if catalog else []

    def ready(self) -> bool:
        try:
            return bool(self.get("/readyz"))
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture
def registry(broker: Any, store: Store, valkey: Any, tmp_path: Path) -> Iterator[Registry]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    made = Registry(port, broker.broker_url, valkey.url, tmp_path)
    made.start()
    yield made
    if made.process and made.process.poll() is None:
        made.stop(signal.SIGKILL)


def test_a_worker_is_listed_as_soon_as_it_is_ready_and_until_it_leaves(
    registry: Registry, broker: Any, fake_worker: Any, until: Callable[..., Any]
) -> None:
    until(registry.ready)
    worker = fake_worker(broker.broker_url, service="late")

    worker.say()
    until(lambda: registry.names() == ["late"])

    worker.say(WorkerState.LEAVING)
    until(lambda: registry.names() == [])


def test_a_killed_registry_knows_everybody_again_and_is_not_complete_before(
    registry: Registry, broker: Any, fake_worker: Any, until: Callable[..., Any]
) -> None:
    until(registry.ready)
    for name in "abc":
        fake_worker(broker.broker_url, service=name).say()
    until(lambda: registry.names() == ["a", "b", "c"])

    registry.stop(signal.SIGKILL)
    registry.start()

    first = until(registry.catalog)
    while [service.name for service in first.services] != ["a", "b", "c"]:
        assert not first.complete
        first = until(registry.catalog, 5)
    assert not first.complete


def test_sigterm_ends_the_registry_in_time_though_a_reader_waits(
    registry: Registry, until: Callable[..., Any]
) -> None:
    until(registry.ready)
    reader = subprocess.Popen(
        [sys.executable, "-c", WAITING_READER, registry.base], stdout=subprocess.PIPE
    )
    assert reader.stdout
    assert reader.stdout.readline() == b"waiting\n"

    assert registry.stop() == 0  # long before the reader has waited enough
    assert reader.communicate(timeout=10)[0] == b"304\n"


WAITING_READER = """
import sys, http.client, urllib.parse
where = urllib.parse.urlparse(sys.argv[1])
client = http.client.HTTPConnection(where.hostname, where.port)
client.request("GET", "/catalog")
answer = client.getresponse()
etag = answer.headers["etag"]
answer.read()
client.request("GET", "/catalog", headers={"If-None-Match": etag, "Prefer": "wait=30"})
print("waiting", flush=True)
print(client.getresponse().status)
"""


def test_a_taken_port_ends_the_registry_with_a_word_on_the_setting(
    registry: Registry, until: Callable[..., Any]
) -> None:
    until(registry.ready)
    port = int(registry.base.rpartition(":")[2])
    second = subprocess.run(
        [sys.executable, "-m", "qanat_registry"],
        env={**os.environ, "QANAT_REGISTRY__PORT": str(port)},
        capture_output=True,
        timeout=30,
    )

    assert second.returncode == 1
    assert b"registry.port" in second.stderr
    assert str(port).encode() in second.stderr


def test_a_job_whose_worker_is_lost_is_published_again(
    registry: Registry, broker: Any, store: Store, until: Callable[..., Any]
) -> None:
    until(registry.ready)
    service = f"s{uuid.uuid4().hex}"
    job = RunJob(
        job_id=str(uuid.uuid4()), process_id="p", service=service, created=datetime.now(UTC)
    )
    store.accept(job)
    store.mark_published(job.job_id)
    store.claim(job, "token", "a worker that never beat", 3)
    queues = Queues(make_app(broker.broker_url))

    until(lambda: queues.waiting(f"qanat.{service}") == 1)
    queues.close()
