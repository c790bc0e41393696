"""The command qanat-registry: settings → parts → application → HTTP server."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from qanat_common import systemd
from qanat_common.command import command
from qanat_common.expiry import Expiry
from qanat_common.monitor import Monitor
from qanat_common.protocol import Announcement
from qanat_common.storage import Storage
from qanat_common.store import Store
from qanat_registry.app import create_app, hears
from qanat_registry.board import Board
from qanat_registry.broker import Listener, Queues, make_app
from qanat_registry.catalog import Roster
from qanat_registry.dispatch import Dispatch
from qanat_registry.janitor import Janitor, Keeping
from qanat_registry.metrics import Done, cluster_metrics
from qanat_registry.settings import RegistrySettings, Settings
from qanat_registry.sweeper import Sweeper
from qanat_registry.workers import show

logger = logging.getLogger("qanat_registry")

GRACE_SECONDS = 1
"""How long answers may take after the registry was told to stop."""


class Messenger:
    """Hands what the listener's thread hears to the board, in the event loop."""

    def __init__(self, board: Board, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` is the one in which the board lives."""
        self._board = board
        self._loop = loop

    def listening(self) -> None:
        """Announcements are heard."""
        self._loop.call_soon_threadsafe(self._board.listening)

    def deaf(self) -> None:
        """The broker was lost."""
        self._loop.call_soon_threadsafe(self._board.deaf)

    def hear(self, announcement: Announcement) -> None:
        """A worker announced itself."""
        self._loop.call_soon_threadsafe(self._board.hear, announcement)


class Server(uvicorn.Server):
    """A server that lets held requests go as soon as it is told to stop."""

    board: Board | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            systemd.tell(systemd.READY)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Answer who waits for a change of the catalogue, then stop."""
        systemd.tell(systemd.STOPPING)
        super().handle_exit(sig, frame)
        if self.board:
            self.board.close()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    # uvicorn raises the signal again when it has stopped: the end is status 0, not death by signal
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _nothing_more)
    threading.excepthook = _end_with_thread
    listening = _bind(settings.registry)
    asyncio.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> None:
    own = settings.registry
    celery = make_app(settings.broker_url)
    store = Store(settings.store_url)
    board = Board(Roster(own.lease_seconds), time.monotonic)
    messenger = Messenger(board, asyncio.get_running_loop())
    dispatch = Dispatch(lambda: board.snapshot.catalog, store)
    checks = {"store": store.ping}
    counted = cluster_metrics(lambda: board.snapshot.catalog.services, store)
    done = Done(counted)
    parts = (
        Monitor(own.monitor, {"broker": hears(board), **checks}, counted),
        Listener(celery, messenger, own.scan_seconds),
        Sweeper(store, Queues(celery), dispatch, own.sweep_seconds, time.monotonic, done.resent),
        Janitor(
            store,
            Expiry(store),
            lambda: Storage(settings.storage_url),
            _keeping(own),
            expired=done.expired,
        ),
    )
    app = create_app(board, parts, checks)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config)
    server.board = board
    logger.info("the registry listens on http://%s:%d", *listening.getsockname()[:2])
    await server.serve(sockets=[listening])
    store.close()


def _keeping(own: RegistrySettings) -> Keeping:
    return Keeping(own.keep_seconds or None, own.orphan_seconds, own.clean_seconds)


def _bind(own: RegistrySettings) -> socket.socket:
    """The socket that is listened on; ends the command when the address is taken."""
    try:
        family = socket.AF_INET6 if ":" in own.host else socket.AF_INET
        server = socket.create_server((own.host, own.port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        where = f"{own.host} port {own.port} (settings registry.host, registry.port)"
        logger.critical("cannot listen on %s: %s", where, reason)
        sys.exit(1)
    # the loop does this only for sockets it made itself; without it each answer takes 40 ms
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _nothing_more(number: int, frame: FrameType | None) -> None:
    """A signal after the end."""


def _end_with_thread(args: threading.ExceptHookArgs) -> None:
    """A part that fails must not leave a registry that looks alive: end, and be started anew."""
    if args.exc_value is not None:
        logger.error("a part of the registry failed", exc_info=args.exc_value)
    logging.shutdown()
    os._exit(1)


def workers(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that is known, as JSON.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Print it again each two seconds.")
    ] = False,
) -> None:
    """List the workers that the running registry knows."""
    show(context.obj, as_json=as_json, watch=watch)


main = command(
    "qanat-registry",
    "qanat-registry",
    Settings,
    run,
    "Knows which workers are there and what they offer, and serves the catalogue of it.",
    {"workers": workers},
)

if __name__ == "__main__":
    main()
