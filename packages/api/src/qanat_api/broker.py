"""Jobs to the broker: sent, and known to be taken. The only file here that imports celery and kombu."""

import asyncio
import logging
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

RETRIES: dict[str, Any] = {
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
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

    async def send(self, message: RunJob) -> None:
        """Send a job to the queue of its service. Raises Unavailable.

        Then the message may be on its way all the same: a lost connection does not tell.
        """
        sending = asyncio.get_running_loop().run_in_executor(self._threads, self._send, message)
        try:
            await asyncio.wait_for(sending, PUBLISH_SECONDS)
        except TimeoutError:
            logger.warning("the broker took no message within %s s", PUBLISH_SECONDS)
            raise _away() from None

    def _send(self, message: RunJob) -> None:
        try:
            with self._connections.acquire(block=True) as connection:
                self._app.send_task(
                    TASK_RUN,
                    kwargs={"job": wire(message)},
                    task_id=message.job_id,
                    queue=_queue(message.queue or queue_name(message.service)),  # type: ignore[arg-type]  # celery-types knows names only
                    producer=Producer(connection, auto_declare=False),
                    ignore_result=True,
                    kwargsrepr="",
                    retry=True,
                    retry_policy=RETRIES,
                )
        except self._lost as error:
            logger.warning("the broker cannot be reached: %s", error)
            raise _away() from error

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
