"""Each broker in turn, an empty store, and workers that speak the control protocol and run nothing."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from kombu.pidbox import Mailbox

from qanat_common.protocol import (
    COMMAND_ANNOUNCE,
    COMMAND_ANNOUNCE_YOURSELF,
    MAILBOX,
    Announcement,
    WorkerState,
    wire,
)
from qanat_common.store import Store
from qanat_common.transport import celery_settings


@pytest.fixture(params=["valkey_server", "rabbitmq_server"])
def broker(request: pytest.FixtureRequest) -> Any:
    """Each test that asks for it passes on both."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(valkey: Any) -> Iterator[Store]:
    """A store with nothing in it."""
    store = Store(valkey.url)
    yield store
    store.close()


def an_announcement(**fields: Any) -> Announcement:
    given = {"boot": "boot-1", "serial": 1, "service": "default", **fields}
    given.setdefault("node", f"{given['service']}-{given['boot']}@host")
    given.setdefault("queue", f"qanat.{given['service']}")
    given.setdefault("digest", "0" * 64)
    return Announcement(**given)


class FakeWorker:
    """Announces itself as a worker does: on our mailbox, and when Celery's control exchange asks."""

    def __init__(self, broker_url: str, **fields: Any) -> None:
        self._app = Celery("worker", set_as_current=False)
        self._app.conf.update(celery_settings(broker_url))
        self.boot = str(uuid.uuid4())
        self._fields = {"boot": self.boot, **fields}
        self._serial = 0
        self.asked = 0
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> "FakeWorker":
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def say(self, state: WorkerState = WorkerState.READY) -> None:
        self._serial += 1
        announcement = an_announcement(**self._fields, serial=self._serial, state=state)
        self.cast({"announcement": wire(announcement)})

    def cast(self, arguments: Any, command: str = COMMAND_ANNOUNCE) -> None:
        with self._app.connection_for_write() as connection:
            box = Mailbox(MAILBOX, "fanout", connection, accept=["json"], serializer="json")
            box._publish(command, arguments)

    def _listen(self) -> None:
        with self._app.connection_for_read() as connection:
            node = self._app.control.mailbox(connection).Node(
                f"worker-{self.boot}",
                channel=connection.channel(),
                handlers={COMMAND_ANNOUNCE_YOURSELF: lambda state: self._asked.set()},
            )
            node.listen()
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.05)
                self._listening.set()
                if self._asked.is_set():
                    self._asked.clear()
                    self.asked += 1
                    self.say()


@pytest.fixture
def fake_worker() -> Iterator[Callable[..., FakeWorker]]:
    """Makes workers that have started to listen; all are stopped in the end."""
    made: list[FakeWorker] = []

    def make(broker_url: str, **fields: Any) -> FakeWorker:
        made.append(FakeWorker(broker_url, **fields).start())
        return made[-1]

    yield make
    for worker in made:
        worker.stop()
