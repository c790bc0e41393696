"""Jobs to the broker: sent, and known to be taken. The only file here that imports celery and kombu."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import Celery
from kombu import Exchange, Producer, Queue
from kombu.exceptions import KombuError

from qanat_common.errors import Unavailable
from qanat_common.protocol import TASK_RUN, RunJob, queue_name, wire
from qanat_common.transport import EXCHANGE, celery_settings, queue_arguments

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 5.0
"""How long a client waits for the broker to confirm, before it is told to come again."""

CONFIRM_SECONDS = 3.0
"""How long RabbitMQ may be quiet before it confirms; its heartbeats, each 5 s, are no quiet."""

SILENT_SECONDS = 2.0
"""How long a queue that took no message in time is sent none: others would wait for it in vain."""


def _hopeless(error: Exception, _pause: float) -> None:
    """A broker that does not answer is not asked again: its client waits."""
    if isinstance(error, TimeoutError):
        raise error


RETRIES: dict[str, Any] = {
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
    "errback": _hopeless,
}
"""A pooled connection may have died while it was idle: another one is tried."""

THREADS = 8
"""Messages sent at once; their own threads, so that a broker that hangs holds up nothing else."""


class Broker:
    """The broker at a URL. Connections are made on first use, and made anew when lost."""

    def __init__(self, url: str) -> None:
        """Does not connect yet."""
        self._app = Celery("qanat-api", set_as_current=False)
        self._app.conf.update(celery_settings(url))
        connection = self._app.connection_for_write()
        # a pool of our own: those of kombu are shared by all who know the URL, and closed for all
        self._connections = connection.Pool(limit=THREADS)
        self._lost: tuple[type[BaseException], ...] = (
            *connection.connection_errors,
            *connection.channel_errors,
            KombuError,
            OSError,
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="publish")
        self._silent: dict[str, float] = {}

    async def send(self, message: RunJob) -> None:
        """Send a job to the queue of its service. Raises Unavailable.

        Then the message may be on its way all the same: a lost connection does not tell.
        """
        queue = message.queue or queue_name(message.service)
        if time.monotonic() < self._silent.get(queue, 0.0):
            raise _away()
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, self._send, message, queue)
        try:
            await asyncio.wait_for(sending, PUBLISH_SECONDS)
        except TimeoutError:
            logger.warning("the queue %s took no message in time", queue)
            self._silent[queue] = time.monotonic() + SILENT_SECONDS
            raise _away() from None

    def _send(self, message: RunJob, queue: str) -> None:
        """Raises Unavailable, and TimeoutError when a queue of a broker that is there takes nothing."""
        with self._connections.acquire(block=True) as connection:
            try:
                self._publish(connection, message, queue)
            except self._lost as error:
                # or a confirmation that comes late would be taken for that of the next message
                connection.collect()
                if isinstance(error.__cause__ or error, TimeoutError):
                    raise TimeoutError from error
                logger.warning("the broker cannot be reached: %s", error)
                raise _away() from error

    def _publish(self, connection: Any, message: RunJob, queue: str) -> None:
        self._app.send_task(
            TASK_RUN,
            kwargs={"job": wire(message)},
            task_id=message.job_id,
            queue=_queue(queue),  # type: ignore[arg-type]  # celery-types knows names only
            producer=Producer(connection, auto_declare=False),
            ignore_result=True,
            kwargsrepr="",
            retry=True,
            retry_policy=RETRIES,
            timeout=CONFIRM_SECONDS,
        )

    def close(self) -> None:
        """Give the connections back; a thread that hangs is left to the end of the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._connections.force_close_all()


def _queue(name: str) -> Queue:
    """A queue of jobs, as the workers declare it."""
    return Queue(
        name,
        Exchange(EXCHANGE, "direct"),
        routing_key=name,
        durable=True,
        queue_arguments=queue_arguments(name),
    )


def _away() -> Unavailable:
    return Unavailable("Jobs cannot be taken now: the broker is away.", retry_after=5)
