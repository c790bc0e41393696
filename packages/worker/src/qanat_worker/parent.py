"""The warm parent: a process that starts the engine once, and then does nothing but fork.

Started by `children` with a scrubbed environment, as `python -m qanat_worker.parent FD`. It never
holds data of a client, never renders, and never touches the network.
"""

import contextlib
import gc
import importlib
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from pydantic import JsonValue

from qanat_common import logs
from qanat_worker import child, confinement, sandbox
from qanat_worker.echo import Echo
from qanat_worker.pipe import (
    TO_PARENT,
    Ended,
    Fork,
    Ready,
    Retire,
    Sorry,
    Spare,
    Start,
    receive_packet,
    send_packet,
)
from qanat_worker.port import Engine
from qanat_worker.processes import children_of, group_of, kill_group, reap, signal_process

logger = logging.getLogger("qanat_worker.parent")

EngineFactory = Callable[[dict[str, JsonValue]], Engine]
"""Starts an engine with the options of its table of the settings."""

END_SECONDS = 2.0
"""How long the parent looks for what its children left, when it ends."""

PAUSE_SECONDS = 0.05
"""How long a fork waits while another spare stands ready: the job just begun needs the processor."""

ENGINES = {
    "qgis": "qanat_worker.engine.application:start",
    "echo": "qanat_worker.echo:alone",
}
"""Name → module:factory; any other name is module:factory itself."""


def load(name: str) -> EngineFactory:
    """The factory of an engine."""
    module, _, factory = ENGINES.get(name, name).partition(":")
    return cast(EngineFactory, getattr(importlib.import_module(module), factory))


KIB = 1024
"""The unit in which Linux tells the memory of a process."""

RETRY_SECONDS = 0.5
"""How long after a fork that failed the next is tried."""


class Forker:
    """Makes children ahead of their jobs, and buries them."""

    def __init__(
        self, control: socket.socket, engine: Engine, confined: confinement.Confinement
    ) -> None:
        self._control = control
        self._engine = engine
        self._confined = confined
        self._pid = os.getpid()
        self._group = os.getpgrp()
        self._children: dict[int, int] = {}
        self._spares = 0
        self._wanted = 0
        self._fork_at = 0.0
        self._retry_at = 0.0
        self._retired = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self, spares: int) -> None:
        """Fork what is asked for, until the main process is gone, or wants no more."""
        for _ in range(spares):
            self.fork()
        while self._children or not self._retired:
            for key, _ in self._selector.select(self._pause()):
                if key.data is None:
                    self._obey()
                else:
                    self._bury(key.data, key.fd)
            if self._pause() == 0:
                self._wanted -= 1
                self.fork()

    def _pause(self) -> float | None:
        """How long until the next fork; None when none is wanted."""
        if not self._wanted:
            return None
        due = max(self._fork_at, self._retry_at) if self._spares else self._retry_at
        return max(due - time.monotonic(), 0.0)

    def fork(self) -> None:
        """Make a child, and give its socket to the main process; or try again a little later."""
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError as error:
            # Running jobs end with this process: it must not end for the want of another.
            logger.warning("no process can be made now: %s", error.strerror)
            ours.close()
            theirs.close()
            self._wanted += 1
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return
        if pid == 0:
            self._forget(ours)
            child.serve(theirs, self._engine, self._pid, self._confined)
        theirs.close()
        handle = os.pidfd_open(pid)
        self._children[pid] = handle
        self._spares += 1
        self._selector.register(handle, selectors.EVENT_READ, pid)
        send_packet(self._control, Spare(pid=pid), ours.fileno())
        ours.close()

    def _forget(self, ours: socket.socket) -> None:
        """In a child: close what belongs to the parent or to other children."""
        self._selector.close()
        self._control.close()
        ours.close()
        for handle in self._children.values():
            os.close(handle)

    def _obey(self) -> None:
        message, _ = receive_packet(self._control, TO_PARENT)
        match message:
            case Fork() if not self._retired:
                self._spares -= 1
                self._wanted += 1
                self._fork_at = time.monotonic() + PAUSE_SECONDS
            case Retire():
                self._retired = True
                self._wanted = 0

    def _bury(self, pid: int, handle: int) -> None:
        """A child has ended: end its process group, which still bears its name, then reap it."""
        kill_group(pid)
        _, status, used = os.wait4(pid, 0)
        self._selector.unregister(handle)
        os.close(handle)
        del self._children[pid]
        self._end_strays()
        ended = Ended(
            pid=pid,
            code=os.waitstatus_to_exitcode(status),
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_bytes=used.ru_maxrss * KIB,
        )
        send_packet(self._control, ended)

    def _end_strays(self) -> None:
        """End what jobs left behind outside their process groups, and reap what has ended.

        Orphans become children of this process; those in a running job's group are its own.
        """
        for pid in children_of(self._pid):
            if pid in self._children:
                continue
            if group_of(pid) not in (self._group, *self._children):
                signal_process(pid, signal.SIGKILL)
            reap(pid)

    def end_all(self) -> None:
        """End every child with all that it started, wherever that has gone."""
        for pid in self._children:
            kill_group(pid)
        until = time.monotonic() + END_SECONDS
        while time.monotonic() < until:
            below = children_of(self._pid)
            if not below:
                return
            for pid in below:
                signal_process(pid, signal.SIGKILL)
                reap(pid)
            time.sleep(0.005)


def start(control: socket.socket) -> tuple[Forker, int]:
    """Start the engine as the main process says, offer, and warm up."""
    message, _ = receive_packet(control, TO_PARENT)
    assert isinstance(message, Start)  # noqa: S101 - the first message of `children`
    logs.setup(message.log_level, "json")
    engine = _with_echo(load(message.engine)(message.options), message.echo)
    confined = confinement.tried(message.confinement)
    offer = os.memfd_create("offer")
    with os.fdopen(offer, "wb", closefd=False) as file:
        file.write(engine.offer().model_dump_json(by_alias=True, exclude_none=True).encode())
    ready = Ready(versions=engine.versions(), providers=engine.providers(), sandbox=confined.level)
    send_packet(control, ready, offer)
    os.close(offer)
    engine.warm_up()
    gc.collect()
    gc.freeze()
    return Forker(control, engine, confined), message.spares


def _with_echo(engine: Engine, echo: bool) -> Engine:
    return Echo(engine) if echo and not isinstance(engine, Echo) else engine


def main() -> None:
    """Serve the main process whose socket is the descriptor given as argument."""
    # Until children are there, the end of the main process may end this one at any point.
    sandbox.die_with_parent(signal.SIGTERM, int(sys.argv[2]))
    sandbox.adopt_orphans()
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        forker, spares = start(control)
    except EOFError:
        return
    except Exception as error:
        # The main process says it in one line, with what to do about it.
        logger.debug("the engine cannot be started", exc_info=True)
        with contextlib.suppress(OSError):
            send_packet(control, Sorry(message=f"{type(error).__name__}: {error}"[:2000]))
        os._exit(1)

    def end(_number: int, _frame: FrameType | None) -> Any:
        forker.end_all()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    try:
        forker.serve(spares)
    except (EOFError, BrokenPipeError):
        logger.debug("the main process has ended or wants no more")
    forker.end_all()
    # As a child would: the engine's destructors have been seen to hang.
    os._exit(0)


if __name__ == "__main__":
    main()
