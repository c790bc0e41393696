"""Many workers in one process: each speaks the real control protocol, and runs nothing.

`python crowd.py BROKER_URL COUNT [BEAT_SECONDS]`; prints a line when all listen, and after each command
that it reads from its standard input: `say STATE`, `change DIGEST`, `flood COUNT`.
"""

import queue
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from celery import Celery
from kombu import Connection, Exchange, Producer
from kombu.pidbox import Mailbox

from qanat_common.protocol import (
    COMMAND_ANNOUNCE,
    COMMAND_ANNOUNCE_YOURSELF,
    MAILBOX,
    Announcement,
    ProviderInfo,
    WorkerState,
    offer_queue_name,
    queue_name,
    wire,
)
from qanat_common.transport import celery_settings

MALFORMED: tuple[Any, ...] = (
    {"announcement": {"boot": 1}},
    {"announcement": None},
    {"announcement": {"x": "y" * 10_000}},
    [],
    "announcement",
    {},
)
PROVIDERS = [
    ProviderInfo(id=name, name=name.title(), version="3.40.3", algorithms=90)
    for name in ("native", "gdal", "qgis", "model")
]


class Worker:
    """What one worker says of itself."""

    def __init__(self, number: int) -> None:
        self.boot = uuid.uuid4().hex
        self.service = f"s{number % 10}"
        self.state = WorkerState.READY
        self.digest = f"{number % 10}" * 64
        self.serial = 0

    def announcement(self) -> dict[str, Any]:
        self.serial += 1
        return wire(
            Announcement(
                boot=self.boot,
                serial=self.serial,
                node=f"{self.service}-{self.boot}@host",
                service=self.service,
                queue=queue_name(self.service),
                title="A service of the crowd",
                state=self.state,
                versions={"qanat-worker": "0.1.0", "qgis": "3.40.3", "gdal": "3.10.3"},
                providers=PROVIDERS,
                processes=350,
                slots=2,
                digest=self.digest,
                offer_queue=offer_queue_name(self.service, self.digest),
            )
        )


class Crowd:
    """All of them on one connection; nothing is sent from within a callback."""

    def __init__(self, broker_url: str, count: int, beat: float) -> None:
        self._app = Celery("crowd", set_as_current=False)
        self._app.conf.update(celery_settings(broker_url))
        self._workers = [Worker(number) for number in range(count)]
        self._beat = beat
        self._due: list[Worker] = []
        self._commands: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        with self._app.connection_for_read() as connection:
            self._listen(connection)
            _tell()
            self._live(connection)

    def _read(self) -> None:
        for line in sys.stdin:
            self._commands.put(line.strip())
        self._commands.put("end")

    def _listen(self, connection: Connection) -> None:
        for worker in self._workers:
            # a channel for each: on Redis, kombu gives a broadcast to one queue of a channel only
            node = self._app.control.mailbox(connection).Node(
                f"{worker.service}-{worker.boot}",
                channel=connection.channel(),
                handlers={
                    COMMAND_ANNOUNCE_YOURSELF: lambda _state, own=worker: self._due.append(own)
                },
            )
            node.listen()
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.05)

    def _live(self, connection: Connection) -> None:
        said = time.monotonic()
        while True:
            with suppress(TimeoutError):
                connection.drain_events(timeout=0.02)
            if self._beat and time.monotonic() - said > self._beat:
                said = time.monotonic()
                self._due = list(self._workers)
            due, self._due = self._due, []
            self._publish(connection, ({"announcement": one.announcement()} for one in due))
            with suppress(queue.Empty):
                if not self._obey(connection, self._commands.get_nowait()):
                    return

    def _obey(self, connection: Connection, line: str) -> bool:
        command, _, value = line.partition(" ")
        if command == "end":
            return False
        if command == "flood":
            flood = (MALFORMED[number % len(MALFORMED)] for number in range(int(value)))
            self._publish(connection, flood)
        for worker in self._workers if command in ("say", "change") else ():
            worker.state = WorkerState(value) if command == "say" else worker.state
            worker.digest = value if command == "change" else worker.digest
        if command != "flood":
            told = ({"announcement": worker.announcement()} for worker in self._workers)
            self._publish(connection, told)
        _tell()
        return True

    def _publish(self, connection: Connection, messages: Iterator[Any]) -> None:
        exchange = Exchange(
            Mailbox.exchange_fmt % MAILBOX, "fanout", durable=False, delivery_mode="transient"
        )
        producer = Producer(connection.default_channel, serializer="json")
        nobody_special = {"destination": None, "pattern": None, "matcher": None}
        for arguments in messages:
            producer.publish(
                {"method": COMMAND_ANNOUNCE, "arguments": arguments, **nobody_special},
                exchange=exchange.name,
                declare=[exchange],
                headers={"clock": 0, "expires": 0},
            )


def _tell() -> None:
    sys.stdout.write("done\n")
    sys.stdout.flush()


if __name__ == "__main__":
    url, count, *beat = sys.argv[1:]
    Crowd(url, int(count), float(beat[0]) if beat else 0.0).run()
