"""The floor of a dispatch: a bare Celery task that does nothing, told back by a publication.

The same broker, pool and settings as Qanat's worker, and nothing else of it:
`python -m bench.noop URL` runs the worker; `Noop` is the client.
"""

import sys
import threading
import uuid

import redis
from celery import Celery

from qanat_common.transport import celery_settings


def make_app(broker_url: str) -> Celery:
    """The app of client and worker, with its one task."""
    app = Celery("noop", set_as_current=False)
    app.conf.update(celery_settings(broker_url) | {"task_create_missing_queues": True})
    app.conf.task_default_queue = "bench.noop"
    client = _client(broker_url)

    @app.task(name="noop")
    def noop(channel: str) -> None:
        client.publish(channel, "done")

    return app


def _client(broker_url: str) -> redis.Redis:
    address = broker_url.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(address.replace("virtual_host=", "db="))


class Noop:
    """Calls the task and waits for its publication."""

    def __init__(self, broker_url: str) -> None:
        self._task = make_app(broker_url).tasks["noop"]
        self._channel = f"bench:{uuid.uuid4()}"
        self._done = threading.Event()
        pubsub = _client(broker_url).pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(**{self._channel: lambda _: self._done.set()})
        self._thread = pubsub.run_in_thread(sleep_time=1.0, daemon=True)

    def call(self) -> None:
        """One round trip."""
        self._done.clear()
        self._task.apply_async(args=[self._channel])
        if not self._done.wait(10):
            raise TimeoutError("the bare Celery worker does not answer")

    def close(self) -> None:
        self._thread.stop()


if __name__ == "__main__":
    options = "worker --pool threads --concurrency 2 --without-mingle --without-gossip"
    make_app(sys.argv[1]).worker_main([*options.split(), "-n", f"noop-{uuid.uuid4()}@%h"])
