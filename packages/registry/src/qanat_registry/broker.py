"""The broker as the registry uses it: hear workers, ask who is there, publish jobs again.

The only file here that imports celery and kombu.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from celery import Celery
from kombu import Connection, Exchange, Message, Producer, Queue
from kombu.exceptions import KombuError, OperationalError
from kombu.pidbox import Mailbox
from pydantic import ValidationError

from qanat_common.errors import Unavailable
from qanat_common.protocol import (
    COMMAND_ANNOUNCE,
    COMMAND_ANNOUNCE_YOURSELF,
    MAILBOX,
    TASK_RUN,
    Announcement,
    RunJob,
    queue_name,
    wire,
)
from qanat_common.transport import EXCHANGE, celery_settings, queue_arguments

logger = logging.getLogger(__name__)

COMMAND_ECHO = "qanat_registry_echo"
"""Mailbox command, a registry to itself: what it hears is heard by others too."""

DRAIN_SECONDS = 0.5
"""How long the listener waits for a message before it looks whether it shall stop."""

ECHO_SECONDS = 5.0
"""How long a listener that does not hear itself takes its connection for good."""

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)
"""How long to wait before the broker is tried again: the last for ever."""

PUBLISH_SECONDS = 3.0
"""How long the broker may be quiet before it confirms a message; its heartbeats, each 5 s, are no quiet."""

COMPLAINTS = 100
"""So many different malformed announcements are logged, each once."""


class Ear(Protocol):
    """Who is told what the listener hears. Called from the listener's thread."""

    def listening(self) -> None:
        """The broker was reached, announcements are heard."""

    def deaf(self) -> None:
        """The broker was lost."""

    def hear(self, announcement: Announcement) -> None:
        """A worker announced itself."""


def make_app(broker_url: str) -> Celery:
    """A Celery app that sends; it runs nothing."""
    app = Celery("qanat-registry", set_as_current=False)
    app.conf.update(celery_settings(broker_url))
    return app


class Listener:
    """Hears announcements in a thread of its own, and asks for them; reconnects for ever.

    That it hears is proved, not supposed: it speaks to itself over the broker, and asks the workers
    to announce themselves only after it has heard that. A connection that is open and dead is
    found out in the same way.
    """

    def __init__(self, app: Celery, ear: Ear, scan_seconds: float) -> None:
        """`scan_seconds` is how often workers are asked to announce themselves."""
        self._app = app
        self._ear = ear
        self._scan_seconds = scan_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._complaints: set[str] = set()
        self._commands: dict[str, Callable[[Any], None]] = {
            COMMAND_ANNOUNCE: self._announced,
            COMMAND_ECHO: self._echoed,
        }
        self._ticket = ""
        self._echo_heard = False

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, within a second; a connection that hangs is left to the end of the process."""
        self._stopping.set()
        self._thread.join(2 * DRAIN_SECONDS)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            connection = self._app.connection_for_read(heartbeat=self._app.conf.broker_heartbeat)
            try:
                connection.ensure_connection(max_retries=0)
                if failures:
                    logger.info("the broker is back")
                failures = 0
                self._listen(connection)
            except _lost(connection) as error:
                if not failures:
                    logger.warning("the broker cannot be reached, trying on: %s", error)
                self._ear.deaf()
                self._stopping.wait(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
            finally:
                _close(connection)

    def _listen(self, connection: Connection) -> None:
        """Hear until told to stop; raises when the connection is lost."""
        # a new name each time: RabbitMQ may still hold the exclusive queue of the one before
        name = f"registry-{uuid.uuid4()}"
        mailbox = Mailbox(MAILBOX, "fanout", connection, accept=["json"], serializer="json")
        node = mailbox.Node(name, channel=connection.channel())
        node.Consumer(callbacks=[self._take], on_decode_error=self._undecodable).consume()
        self._ticket, self._echo_heard = name, False
        _drain(connection, 0.01)  # Redis subscribes only now
        asked = time.monotonic()
        scanned: float | None = None
        self._cast(connection, MAILBOX, COMMAND_ECHO, {"ticket": name})
        while not self._stopping.is_set():
            _drain(connection, DRAIN_SECONDS)
            now = time.monotonic()
            if connection.supports_heartbeats:
                connection.heartbeat_check()
            if self._echo_heard:
                if scanned is None:
                    self._ear.listening()
                self._cast(connection, self._app.conf.control_exchange, COMMAND_ANNOUNCE_YOURSELF)
                self._echo_heard, scanned = False, now
            elif (scanned is None or scanned < asked) and now - asked > ECHO_SECONDS:
                raise OperationalError("the connection is open, but what is sent is not heard")
            elif scanned is not None and now - scanned > self._scan_seconds:
                asked = now
                self._cast(connection, MAILBOX, COMMAND_ECHO, {"ticket": name})

    def _cast(
        self,
        connection: Connection,
        namespace: str,
        command: str,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        """Broadcast a control command, as a Mailbox of that namespace does, but without retrying."""
        exchange = Exchange(
            Mailbox.exchange_fmt % namespace, "fanout", durable=False, delivery_mode="transient"
        )
        nobody_special = {"destination": None, "pattern": None, "matcher": None}
        Producer(connection.default_channel, serializer="json").publish(
            {"method": command, "arguments": arguments or {}, **nobody_special},
            exchange=exchange.name,
            declare=[exchange],
            headers={"clock": 0, "expires": 0},
            timeout=PUBLISH_SECONDS,
        )

    def _take(self, body: Any, message: Message) -> None:
        """A message came in. Nothing is sent from here: it would re-enter the draining."""
        if not isinstance(body, dict):
            self._complain("not an object")
            return
        command = self._commands.get(str(body.get("method")))
        if command:
            command(body.get("arguments"))

    def _announced(self, arguments: Any) -> None:
        try:
            announcement = Announcement.model_validate((arguments or {}).get("announcement"))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "announcement"
            self._complain(f"{where}: {problem['msg']}")
        except AttributeError:
            self._complain("arguments: not an object")
        else:
            self._ear.hear(announcement)

    def _echoed(self, arguments: Any) -> None:
        if arguments == {"ticket": self._ticket}:
            self._echo_heard = True

    def _undecodable(self, message: Message, error: Exception) -> None:
        self._complain(f"cannot be decoded: {type(error).__name__}")

    def _complain(self, problem: str) -> None:
        if problem not in self._complaints and len(self._complaints) < COMPLAINTS:
            self._complaints.add(problem)
            logger.warning("passed over a malformed announcement (told once): %s", problem)


class Queues:
    """The queues of the services. For use by one thread; connects when needed."""

    def __init__(self, app: Celery) -> None:
        """The connection is made on first use."""
        self._app = app
        self._connection: Connection | None = None

    def waiting(self, name: str) -> int:
        """How many messages wait in a queue. Raises Unavailable."""
        with self._connected() as connection:
            channel = connection.channel()
            try:
                queue: Any = Queue(name, channel=channel)
                return int(queue.queue_declare(passive=True).message_count)
            except connection.channel_errors:
                return 0  # there is no such queue: nobody ever sent to it
            finally:
                connection.maybe_close_channel(channel)

    def publish(self, job: RunJob) -> None:
        """Send a job to its queue, and wait until the broker has it. Raises Unavailable."""
        name = job.queue or queue_name(job.service)
        queue = Queue(
            name,
            Exchange(EXCHANGE, "direct"),
            routing_key=name,
            durable=True,
            queue_arguments=queue_arguments(name),
        )
        with self._connected() as connection:
            self._app.send_task(
                TASK_RUN,
                kwargs={"job": wire(job)},
                task_id=job.job_id,
                queue=queue,  # type: ignore[arg-type]  # celery-types knows names only
                producer=Producer(connection.default_channel),
                retry=False,
                timeout=PUBLISH_SECONDS,
            )

    def close(self) -> None:
        """Give the connection back."""
        if self._connection:
            _close(self._connection)
        self._connection = None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = self._connection or self._app.connection_for_write()
        self._connection = connection
        try:
            connection.ensure_connection(max_retries=0)
            yield connection
        except _lost(connection) as error:
            self.close()
            raise Unavailable("The broker cannot be reached.", retry_after=5) from error


def _lost(connection: Connection) -> tuple[type[Exception], ...]:
    """What a broker that goes away may raise."""
    errors = (*connection.connection_errors, *connection.channel_errors)
    return (*errors, KombuError, OSError)


def _drain(connection: Connection, seconds: float) -> None:
    with suppress(TimeoutError):
        connection.drain_events(timeout=seconds)


def _close(connection: Connection) -> None:
    """Close what may be dead already, without a farewell: a broker in trouble would not answer it."""
    with suppress(*_lost(connection)):
        collect = getattr(connection.connection, "collect", None) if connection.connected else None
        if collect:
            collect()
        connection.release()
