"""The queues that a worker takes jobs from: none of them holds up the others.

RabbitMQ may have a quorum queue without a leader: for ever, when it crashed within moments of the queue's
making (rabbitmq-server, issues 10070 and 15725), or while most of its nodes are away. Then it
answers nobody who wants to consume the queue, and whoever waits for it does nothing else.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from qanat_common.errors import Unavailable
from qanat_common.offers import digest
from qanat_common.protocol import Offer, offer_queue_name, queue_name
from qanat_common.transport import EXCHANGE, queue_arguments

ANSWER_SECONDS = 3.0
"""How long RabbitMQ may be quiet while an answer is waited for; it takes milliseconds. Its heartbeats, each 5 s
(`broker_heartbeat` of `transport`), are no quiet: this is less."""

DELETE_SECONDS = 60.0
"""How long it may take to delete a queue: one without a leader took 5 s."""


class Silent(OSError):
    """A queue does not answer: for Celery a lost connection, after which it connects again."""

    def __init__(self, name: str) -> None:
        """Of the queue `name`."""
        super().__init__(f"the queue {name} does not answer")
        self.name = name


class JobQueue(Queue):
    """A queue of jobs; who begins to consume it waits until it has answered, but not for ever."""

    def consume(self, *args: Any, **more: Any) -> Any:
        """Part of Queue. Raises Silent."""
        try:
            return super().consume(*args, **more | {"nowait": False})
        except TimeoutError as error:
            raise Silent(self.name) from error


def job_queue(name: str) -> JobQueue:
    """The queue of a name, as all services declare it."""
    return JobQueue(
        name,
        Exchange(EXCHANGE, "direct"),
        routing_key=name,
        durable=True,
        queue_arguments=queue_arguments(name),
    )


def bound(connection: Connection, seconds: float = ANSWER_SECONDS) -> None:
    """Have RabbitMQ's answers on a connection that was made be waited for so long and no longer."""
    socket = getattr(connection.connection, "sock", None)
    if socket is not None:
        socket.settimeout(seconds)


def lost(connection: Connection) -> tuple[type[Exception], ...]:
    """What a broker that goes away may raise."""
    return (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)


class WorkerQueues:
    """The queue of the service, and that of those who offer just what this worker does.

    The second is another one when the offer changes.
    """

    def __init__(self, app: Celery, service: str, look_after: Callable[[str], None]) -> None:
        """`look_after` is told of queues that do not answer."""
        self._app = app
        self._service = service
        self._look_after = look_after
        self._lock = threading.Lock()
        self._offered: str | None = None
        self._consumer: Consumer | None = None

    def follow(self, offer: Offer) -> None:
        """Take jobs from the queue of this offer, and from that of the one before no more."""
        name = offer_queue_name(self._service, digest(offer))
        with self._lock:
            old, self._offered = self._offered, name
        if name == old:
            return
        self._when_consuming(self._add, name)
        if old is not None:
            self._when_consuming(self._leave, old)

    def consumed_by(self, consumer: Consumer) -> None:
        """The worker begins to consume what was selected."""
        with self._lock:
            self._consumer = consumer

    def silent(self, name: str) -> None:
        """A queue does not answer: the worker goes on without it. In the consumer's thread."""
        self._app.amqp.queues.deselect([name])
        self._look_after(name)

    def answers(self, name: str) -> None:
        """A queue answers again. From any thread."""
        with self._lock:
            wanted = name in (queue_name(self._service), self._offered)
        if wanted:
            self._when_consuming(self._add, name)

    def _when_consuming(self, act: Callable[[Consumer | None, str], None], name: str) -> None:
        """At once when nothing is consumed yet, else in the thread of who consumes."""
        with self._lock:
            consumer = self._consumer
        if consumer is None:
            act(None, name)
        else:
            consumer.call_soon(act, consumer, name)

    def _add(self, consumer: Consumer | None, name: str) -> None:
        self._app.amqp.queues.select_add(job_queue(name))
        if consumer is not None:
            consumer.add_task_queue(name)

    def _leave(self, consumer: Consumer | None, name: str) -> None:
        self._app.amqp.queues.deselect([name])
        if consumer is not None:
            consumer.cancel_task_queue(name)


class Ward:
    """Asks queues and makes them anew, over connections of its own. For one thread."""

    def __init__(self, app: Celery) -> None:
        """Connects when needed."""
        self._app = app

    def answers(self, name: str) -> bool:
        """Whether the queue can be consumed; a job that comes goes back to it. Raises Unavailable."""
        with self._connected() as connection:
            bound(connection)
            channel: Any = connection.channel()
            queue = job_queue(name)(channel)
            queue.declare()
            channel.basic_qos(0, 1, False)
            try:
                queue.consume(consumer_tag=f"is-it-there-{name}", callback=_nothing)
            except Silent:
                return False
            return True

    def renew(self, name: str) -> None:
        """Delete the queue, and declare it anew. Raises Unavailable."""
        with self._connected() as connection:
            bound(connection, DELETE_SECONDS)
            queue = job_queue(name)(connection.channel())
            queue.delete()
            queue.declare()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = self._app.connection_for_write(heartbeat=0)
        try:
            connection.ensure_connection(max_retries=0)
            yield connection
        except lost(connection) as error:
            raise Unavailable(f"The broker does not answer: {error}") from error
        finally:
            with suppress(*lost(connection)):
                connection.collect()


def _nothing(_message: Any) -> None:
    """Does nothing with a message: it goes back with the connection."""
