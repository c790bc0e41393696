"""The command qanat-api: settings → parts → application → HTTP server."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn

from qanat_api.app import create_app
from qanat_api.broker import Broker
from qanat_api.callbacks import Caller, signing_key
from qanat_api.events import Events
from qanat_api.following import Following, Source
from qanat_api.gate import bounds_of, gate_of
from qanat_api.jobs import Jobs, Limits
from qanat_api.metrics import Requests
from qanat_api.refresher import Refresher
from qanat_api.routes import Parts
from qanat_api.settings import EXPOSED, ApiSettings, Settings
from qanat_api.subscribers import Subscribers
from qanat_common import systemd
from qanat_common.command import command
from qanat_common.monitor import Monitor
from qanat_common.notices import Notices
from qanat_common.signing import Seal
from qanat_common.storage import Storage
from qanat_common.store import Store
from qanat_common.tail import tail

logger = logging.getLogger(__name__)

SEND_SECONDS = 3
"""How long answers may take to be sent when jobs are no longer awaited."""

OPENING_SECONDS = 3.0
"""How long no connection is taken while no registry was heard: a proxy asks another api instead."""

HEAR_SECONDS = 0.5
"""How long a connection may have been made and not yet said what it wants, when no more are taken."""

SECRET_LENGTH = 16
"""So many characters a secret has at least."""


class Server(uvicorn.Server):
    """A server that lets go of clients who follow jobs when it is told to stop, of those who wait later."""

    def __init__(self, config: uvicorn.Config, events: Events, drain_timeout: float) -> None:
        """Clients are waited with for `drain_timeout` seconds more."""
        super().__init__(config)
        self._events = events
        self._drain_timeout = drain_timeout

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            systemd.tell(systemd.READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, answer those that there are."""
        systemd.tell(systemd.STOPPING)
        self._events.end_streams()
        asyncio.get_running_loop().call_later(self._drain_timeout, self._events.release)
        await self._hear_out()
        await super().shutdown(sockets)

    async def _hear_out(self) -> None:
        """Take what has connected, and no more: uvicorn hangs up on who has not yet asked."""
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        await asyncio.sleep(HEAR_SECONDS)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    own = settings.api
    if own.exposed:
        logger.critical("%s", EXPOSED)
        sys.exit(1)
    store, storage = Store(settings.store_url), Storage(settings.storage_url)
    broker, events = Broker(settings.broker_url), Events(store)
    catalog = Refresher(own.registry_url, store, own.service_order)
    limits = Limits(own.inline_limit, own.sync_limit, bounds_of(own))
    subscribers = Subscribers(own.callbacks)
    seal = Seal(settings.job_secret)
    jobs = Jobs(lambda: catalog.snapshot, store, storage, broker, events, limits, subscribers, seal)

    def close() -> None:
        broker.close()
        store.close()

    source = Source(store.get, partial(tail, store))
    following = Following(source, events, own.event_streams, own.event_seconds)
    parts = Parts(own, catalog, jobs, storage, following, store.ping, store.waiting, gate_of(own))
    requests = Requests()
    checks = {"store": store.ping, "catalogue": catalog.check}
    monitor = Monitor(own.monitor, checks, requests.metrics)
    callers = _callers(own, store, storage, requests.called)
    app = create_app(
        parts,
        monitor,
        events,
        *callers,
        close=close,
        requests=requests,
        opening=lambda: catalog.heard(OPENING_SECONDS),
    )
    # uvicorn raises the signal again when it has stopped: the end is status 0, not death by signal
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _nothing_more)
    logger.info("the api listens on http://%s:%d", own.host, own.port)
    config = uvicorn.Config(
        app,
        host=own.host,
        port=own.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(own.drain_timeout) + SEND_SECONDS,
    )
    server = Server(config, events, own.drain_timeout)
    server.run()
    if not server.started:
        sys.exit(1)


def _callers(
    own: ApiSettings, store: Store, storage: Storage, called: Callable[[str], None]
) -> list[Caller]:
    """Who calls back, if anybody may be called; ends the command when it could not sign."""
    if not own.callbacks.on:
        return []
    secret = own.callbacks.secret.get_secret_value()
    try:
        long = len(secret) >= SECRET_LENGTH and bool(signing_key(secret))
    except ValueError:
        long = False
    if not long:
        logger.critical(
            "api.callbacks.secret: to call anybody back, at least %d characters are needed, or whsec_"
            " and base64",
            SECRET_LENGTH,
        )
        sys.exit(1)
    return [Caller(Notices(store), store.get, storage, own.callbacks, called=called)]


def _nothing_more(number: int, frame: FrameType | None) -> None:
    """A signal after the end."""


main = command(
    "qanat-api",
    "qanat-api",
    Settings,
    run,
    "The OGC API - Processes front end: lists processes, takes jobs, serves their results.",
)

if __name__ == "__main__":
    main()
