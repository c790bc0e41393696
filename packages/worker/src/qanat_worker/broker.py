"""The worker on its broker: takes jobs, announces itself, stops in order.

Only this file and `queues` import celery and kombu.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import Celery, bootsteps
from celery.app.trace import setup_worker_optimizations
from celery.exceptions import Reject
from celery.worker import WorkController
from celery.worker import state as celery_state
from celery.worker.consumer import Consumer
from celery.worker.control import Panel, control_command
from kombu import Connection, Exchange, Producer
from kombu.pidbox import Mailbox
from pydantic import ValidationError

from qanat_common.errors import Internal, Unavailable
from qanat_common.ogc import JobStatus
from qanat_common.protocol import (
    COMMAND_ANNOUNCE,
    COMMAND_ANNOUNCE_YOURSELF,
    MAILBOX,
    TASK_RUN,
    Announcement,
    Failed,
    RunJob,
    WorkerState,
    queue_name,
    wire,
)
from qanat_common.signing import Seal
from qanat_common.store import Store
from qanat_common.transport import celery_settings
from qanat_worker.attending import INTERNAL
from qanat_worker.herald import Herald
from qanat_worker.mending import Mender
from qanat_worker.presence import Identity
from qanat_worker.pulse import Pulse
from qanat_worker.queues import ANSWER_SECONDS, Silent, Ward, WorkerQueues, bound, job_queue, lost
from qanat_worker.runner import GivenBack, Runner
from qanat_worker.settings import WorkerSettings

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = ANSWER_SECONDS

RETRIES: dict[str, Any] = {
    "max_retries": None,
    "interval_start": 0.2,
    "interval_step": 0.4,
    "interval_max": 2.0,
}
"""How often a broker that is away is tried, in seconds."""

COMMANDS = frozenset({COMMAND_ANNOUNCE_YOURSELF, "ping"})
"""What a worker does when it is told over the broker."""

NOT_SIGNED = "The job is not signed as its worker asks for: api and workers of this server differ in job_secret."

UNUSED = frozenset({"celery.worker.consumer.delayed_delivery:DelayedDelivery"})
"""Steps of Celery's consumer that a worker without countdowns has no use for: 28 queues of them."""


@dataclass(frozen=True)
class Parts:
    """What the task and the steps of the worker need."""

    runner: Runner
    herald: Herald
    pulse: Pulse
    store: Store
    queues: WorkerQueues
    seal: Seal


def make_app(broker_url: str, settings: WorkerSettings) -> Celery:
    """The Celery app of a worker: its queue, and how it is consumed."""
    own = job_queue(queue_name(settings.service))
    app = Celery("qanat-worker", set_as_current=False)
    app.conf.update(
        celery_settings(broker_url),
        task_queues=[own],
        task_default_queue=own.name,
        worker_pool="threads",
        worker_concurrency=settings.slots,
        worker_consumer=JobConsumer,
    )
    return app


def make_queues(app: Celery, store: Store, settings: WorkerSettings) -> tuple[WorkerQueues, Mender]:
    """What jobs are taken from, and who looks after it from now on."""
    mender = Mender(Ward(app), store, settings.renew_queue_after, lambda name: queues.answers(name))
    queues = WorkerQueues(app, settings.service, mender.look_after)
    mender.start()
    return queues, mender


class Mouth:
    """Publishes announcements over a connection of its own. For one thread."""

    def __init__(self, app: Celery) -> None:
        """Connects on first use."""
        self._app = app
        self._connection: Connection | None = None
        self._exchange = Exchange(
            Mailbox.exchange_fmt % MAILBOX, "fanout", durable=False, delivery_mode="transient"
        )

    def publish(self, announcement: Announcement) -> None:
        """Cast an announcement as kombu's Mailbox does. Raises Unavailable.

        The broker may have closed a connection that was silent for long: then another is made. More
        is not tried: the next beat is the next attempt.
        """
        kept = self._connection is not None
        try:
            self._publish(announcement)
        except Unavailable:
            if not kept:
                raise
            self._publish(announcement)

    def _publish(self, announcement: Announcement) -> None:
        connection = self._connection or self._app.connection_for_write()
        self._connection = connection
        message = {
            "method": COMMAND_ANNOUNCE,
            "arguments": {"announcement": wire(announcement)},
            "destination": None,
            "pattern": None,
            "matcher": None,
        }
        try:
            connection.ensure_connection(max_retries=0)
            Producer(connection.default_channel, serializer="json").publish(
                message,
                exchange=self._exchange.name,
                declare=[self._exchange],
                headers={"clock": 0, "expires": 0},
                timeout=PUBLISH_SECONDS,
            )
        except lost(connection) as error:
            self.close()
            raise Unavailable("The broker cannot be reached.") from error

    def close(self) -> None:
        """Drop the connection; the next publication makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*lost(connection)):
                connection.collect()


class AnnounceStep(bootsteps.StartStopStep):
    """Announces the worker when it has begun to consume: at its start, and after each reconnect."""

    requires = ("celery.worker.consumer.tasks:Tasks", "celery.worker.consumer.control:Control")

    def start(self, parent: Any) -> None:
        """The queue is consumed from now on, and questions are heard."""
        logger.info("ready for the jobs of %s", ", ".join(parent.app.amqp.queues.consume_from))
        parent.controller.parts.queues.consumed_by(parent)
        parent.controller.parts.herald.is_now(WorkerState.READY)


class JobConsumer(Consumer):
    """Celery's consumer, without what is never used here; it comes back soon, and waits for no queue."""

    controller: Any
    pool: Any
    hub: Any

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type, misc]  # the stubs have a variable
        """The steps of the consumer."""

        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if step not in UNUSED
        )

    def connect(self) -> Connection:
        """Part of Consumer: whatever the worker asks on this connection is answered soon, or lost."""
        connection = super().connect()
        bound(connection)
        return connection

    def ensure_connected(self, conn: Connection) -> Connection:
        """Part of Consumer: its pauses grow to half a minute, in which a broker is there and not used."""
        failures = 0

        def failed(error: Exception, _pause: float) -> None:
            nonlocal failures
            failures += 1
            if failures == 1:
                logger.warning("the broker cannot be reached, trying on: %s", error)

        conn.ensure_connection(failed, callback=celery_state.maybe_shutdown, **RETRIES)
        self.first_connection_attempt = False
        if failures:
            logger.warning("the broker is back")
        return conn

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Part of Consumer: a queue that does not answer is not asked again at once."""
        if isinstance(exc, Silent):
            self.controller.parts.queues.silent(exc.name)
        super().on_connection_error_after_connected(exc)

    def stop(self) -> None:
        """Part of Consumer: begun jobs are seen out, all others are another worker's at once."""
        super().stop()
        connection = self.connection
        if connection is None or self.hub is None:
            return
        self.pool.executor.shutdown(wait=False, cancel_futures=True)
        for request in set(celery_state.reserved_requests) - set(celery_state.active_requests):
            request.reject(requeue=True)
            celery_state.task_ready(request)
        try:
            self._see_out()
        except lost(connection) as error:
            logger.warning("the broker was lost, the last messages come again: %s", error)

    def _see_out(self) -> None:
        """Talk on with the broker while jobs run: Celery would only wait for them.

        Their messages are acknowledged when they end, heartbeats go out, and a job that Redis
        gives to a question from before goes back.
        """
        loop = self.hub.create_loop()
        while celery_state.reserved_requests:
            try:
                next(loop)
            except StopIteration:
                loop = self.hub.create_loop()
        next(loop, None)


class JobWorker(WorkController):
    """A Celery worker as a part of this process: no banner, no signal handlers, no logging of its own."""

    def __init__(self, app: Celery, who: Identity, parts: Parts) -> None:
        """Connects when started."""
        self.parts = parts
        self._node = who.node
        add_task(app, parts)
        add_command(parts.herald)
        app.steps["consumer"].add(AnnounceStep)
        super().__init__(
            app=app,
            hostname=who.node,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
            optimization="fair",
        )

    def on_before_init(self, **kwargs: Any) -> None:
        """Part of WorkController: what Celery's own program does first."""
        setup_worker_optimizations(self.app, self._node)

    def drain(self) -> None:
        """Take no more jobs, and end when those that run have ended. From any thread."""
        self.parts.herald.is_now(WorkerState.DRAINING)
        celery_state.should_stop = 0  # type: ignore[assignment]  # None in the stubs: not yet
        hub: Any = self.hub
        if hub is not None:
            hub.call_soon(_nothing)


def _nothing() -> None:
    """Wakes the event loop: it looks then whether it is to stop."""


def add_task(app: Celery, parts: Parts) -> None:
    """The one task: a message becomes an outcome; acknowledged when this returns."""

    @app.task(name=TASK_RUN, shared=False)
    def run(job: Any) -> None:
        if celery_state.should_stop is not None:
            # What a slot takes up between the order to stop and the end of the consumer.
            raise Reject("stopping", requeue=True)
        if not parts.seal.is_on(job):
            _refuse(job, parts)
            return
        message = _parsed(job, parts.store)
        if message is None:
            return
        try:
            parts.runner.run(message)
        except GivenBack as back:
            # Before the message is back: nobody may take it for a job that still runs here.
            parts.pulse.leave()
            raise Reject("given back", requeue=True) from back


def _refuse(job: Any, parts: Parts) -> None:
    """Run nothing that is not signed; a job that was accepted so and waits for it has failed.

    Where the record is signed, somebody else has sent another message: its own is still on its way.
    """
    job_id = job.get("job_id") if isinstance(job, dict) else None
    shown = str(job_id)[:100]
    logger.error("a message is not signed by job_secret, and runs nothing; it names job %s", shown)
    if not isinstance(job_id, str):
        return
    with suppress(Unavailable):
        record = parts.store.get(job_id)
        if record is None or record.status is not JobStatus.ACCEPTED:
            return
        if not parts.seal.is_on(wire(record.request)):
            parts.store.give_up(job_id, Failed(code=Internal.code, message=NOT_SIGNED))


def _parsed(job: Any, store: Store) -> RunJob | None:
    """The message; one that cannot be read ends its job, if it says which."""
    try:
        return RunJob.model_validate(job)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        logger.error("a message cannot be read: %s: %s", problem["loc"], problem["msg"])  # noqa: TRY400 - the client's data would be in it
    job_id = job.get("job_id") if isinstance(job, dict) else None
    if isinstance(job_id, str):
        with suppress(Unavailable):
            store.give_up(job_id, Failed(code=Internal.code, message=INTERNAL))
    return None


def add_command(herald: Herald) -> None:
    """Answer a registry that asks who is there; no work is done within the callback itself.

    Of Celery's own commands none but a ping is obeyed: they stop workers, and take jobs away.
    """

    @control_command(name=COMMAND_ANNOUNCE_YOURSELF)
    def announce_yourself(_state: Any) -> None:
        herald.again()

    for name in set(Panel.data) - COMMANDS:
        Panel.data[name] = partial(_not_obeyed, name)


def _not_obeyed(name: str, _state: Any, **_arguments: Any) -> None:
    logger.warning("the command %r came over the broker, and is not obeyed", name)
