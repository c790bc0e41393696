"""A warm parent as the main process sees it: one process, the thread that tends it, its children."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from qanat_common.protocol import Offer, ProviderInfo
from qanat_worker.confinement import Confinement
from qanat_worker.pipe import (
    FROM_PARENT,
    WORD,
    Broken,
    Done,
    Ended,
    Fork,
    Garbled,
    Line,
    Order,
    Pictures,
    Pipe,
    Progress,
    Ready,
    Retire,
    Sorry,
    Spare,
    Start,
    receive_packet,
    send_packet,
)
from qanat_worker.processes import kill_group, signal_group

logger = logging.getLogger(__name__)

TELL_SECONDS = 2.0
"""How long to wait for a parent to tell how a child of its ended."""

STOP_SECONDS = 5.0
"""How long a parent may take to end when it is told to."""

CODES_KEPT = 1000


@dataclass(frozen=True)
class Capabilities:
    """What a warm parent offers."""

    offer: Offer
    versions: dict[str, str]
    providers: list[ProviderInfo]
    sandbox: str

    @cached_property
    def processes(self) -> frozenset[str]:
        """The ids of what is offered."""
        return frozenset(process.id for process in self.offer.processes)

    @cached_property
    def projects(self) -> Mapping[str, frozenset[str]]:
        """Project → the ids of what is offered within it."""
        shared = self.processes | {process.id for process in self.offer.in_projects or ()}
        return {
            project.name: shared | {process.id for process in project.processes}
            for project in self.offer.projects or ()
        }

    def has(self, process_id: str, project: str | None) -> bool:
        """Whether a process is offered, within a project if one is named."""
        known = self.processes if project is None else self.projects.get(project, frozenset())
        return process_id in known


@dataclass(frozen=True)
class EngineStart:
    """How to start a warm parent: `environment` is all that it and its children see."""

    engine: str
    options: dict[str, JsonValue]
    environment: Mapping[str, str]
    folder: Path
    confinement: Confinement
    spares: int = 1
    log_level: str = "info"
    timeout: float = 180.0
    echo: bool = False


class Owner(Protocol):
    """Who hears of a warm parent's fate; called in the thread that tends it."""

    def has_spare(self, parent: "WarmParent", child: "Child") -> None:
        """A child is ready for a job."""

    def has_used(self, process_id: str, cpu_seconds: float, peak_bytes: int) -> None:
        """The child that ran a job of a process has ended; it took so much."""

    def has_lost(self, parent: "WarmParent") -> None:
        """The parent has ended."""


class WarmParent:
    """One warm parent. The kernel ends it with the *thread* that made it: so that one stays."""

    def __init__(self, start: EngineStart, owner: Owner) -> None:
        """Nothing happens before `begin`."""
        self._start = start
        self._owner = owner
        self._codes: dict[int, int] = {}
        self._at_work: dict[int, str] = {}
        self._changed = threading.Condition()
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._thread = threading.Thread(target=self._live, name="warm-parent", daemon=True)
        self._pause = 0.0
        self._closed = threading.Event()
        self.capabilities: Capabilities | None = None
        self.warm_since: float | None = None
        self.failure: str | None = None
        self.lost = False
        self.pid: int | None = None

    def begin(self, pause: float = 0.0) -> None:
        """Start the process, after a pause."""
        self._pause = pause
        self._thread.start()

    def _live(self) -> None:
        if not self._closed.wait(self._pause):
            process = self._spawn()
            try:
                self._attend()
            except (EOFError, OSError, Garbled) as error:
                logger.debug("the warm parent is silent: %r", error)
            self._await_end(process)
        self._control.close()
        self._theirs.close()
        with self._changed:
            self.lost = True
            self._changed.notify_all()
        self._owner.has_lost(self)

    def _spawn(self) -> subprocess.Popen[bytes]:
        ours = [str(self._theirs.fileno()), str(os.getpid())]
        process = subprocess.Popen(  # noqa: S603 - a module of ours, and numbers
            [sys.executable, "-m", "qanat_worker.parent", *ours],
            env=dict(self._start.environment),
            cwd=self._start.folder,
            pass_fds=[self._theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._theirs.close()
        self.pid = process.pid
        threading.Thread(target=_relay, args=(process,), name="relay", daemon=True).start()
        return process

    def _attend(self) -> None:
        self._control.settimeout(self._start.timeout)
        start = self._start
        self.say(
            Start(
                engine=start.engine,
                options=start.options,
                spares=start.spares,
                log_level=start.log_level,
                confinement=start.confinement,
                echo=start.echo,
            )
        )
        while True:
            self._note(*receive_packet(self._control, FROM_PARENT))

    def _note(self, message: Ready | Spare | Ended | Sorry, descriptor: int | None) -> None:
        match message:
            case Ready() if descriptor is not None:
                self.capabilities = _capabilities(message, descriptor)
            case Spare(pid=pid) if descriptor is not None:
                self._now_warm()
                self._owner.has_spare(self, Child(pid, socket.socket(fileno=descriptor), self))
            case Ended():
                self._has_ended(message.pid, message.code)
                process_id = self._at_work.pop(message.pid, None)
                if process_id is not None:
                    self._owner.has_used(process_id, message.cpu_seconds, message.peak_bytes)
            case Sorry(message=reason):
                self.failure = reason

    def _now_warm(self) -> None:
        """Its first spare says that it is warm: from now on it may be silent for any time."""
        if self.warm_since is None:
            self.warm_since = time.monotonic()
            self._control.settimeout(None)

    def _has_ended(self, pid: int, code: int) -> None:
        with self._changed:
            self._codes[pid] = code
            if len(self._codes) > CODES_KEPT:
                del self._codes[next(iter(self._codes))]
            self._changed.notify_all()

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        self.close()
        if self.warm_since is None and self.failure is None:
            # It may be deep in the start of the engine, where it hears nothing; it has no children.
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self.failure is None and self.warm_since is None:
            self.failure = f"the engine's process ended while starting ({process.returncode})"

    def say(self, message: Start | Fork | Retire) -> None:
        """Tell the parent something, if it lives."""
        try:
            send_packet(self._control, message)
        except OSError as error:
            logger.debug("the warm parent does not listen: %s", error)

    def close(self) -> None:
        """Hang up: the parent ends its children and itself."""
        self._closed.set()
        try:
            self._control.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            logger.debug("the warm parent has hung up before: %s", error)

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout)

    def works(self, pid: int, process_id: str) -> None:
        """A child begins a job of a process."""
        self._at_work[pid] = process_id

    def has_buried(self, pid: int) -> bool:
        """Whether a child has ended and is no more: its number may be another's."""
        with self._changed:
            return pid in self._codes

    def code_of(self, pid: int) -> int | None:
        """How a child ended; None when the parent does not tell."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._codes or self.lost, TELL_SECONDS)
            return self._codes.get(pid)


class Child:
    """One process for one job: gives it the order, hears it, ends it."""

    def __init__(self, pid: int, sock: socket.socket, parent: WarmParent) -> None:
        """A spare of `parent`, which listens at the other end of `sock`."""
        self.pid = pid
        self._pipe = Pipe(sock, WORD)
        self._parent = parent

    def order(self, order: Order) -> None:
        """Give it its job; raises EOFError when it has died before."""
        self._parent.works(self.pid, order.task.process_id)
        try:
            self._pipe.send(order)
        except OSError as error:
            raise EOFError from error

    def hear(self, timeout: float) -> Progress | Line | Done | Pictures | Broken | None:
        """What it says next; None after `timeout` seconds. Raises EOFError, Garbled."""
        return self._pipe.receive(timeout)

    def fit(self) -> bool:
        """Whether it still waits for its job."""
        return not self._pipe.ended()

    def halt(self) -> None:
        """Have it and all processes that it started do nothing more.

        Cheaper than their end, in which the kernel tidies up for longer than a small job runs.
        """
        if not self._parent.has_buried(self.pid):
            signal_group(self.pid, signal.SIGSTOP)

    def end(self) -> None:
        """End it at once, with all processes that it started."""
        self._pipe.close()
        if not self._parent.has_buried(self.pid):
            kill_group(self.pid)

    def code(self) -> int | None:
        """Its exit status, or minus its signal; None when its parent is lost, and it with it."""
        return self._parent.code_of(self.pid)


def _capabilities(message: Ready, descriptor: int) -> Capabilities:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as file:
        offer = Offer.model_validate_json(file.read())
    return Capabilities(offer, message.versions, message.providers, message.sandbox)


def _relay(process: subprocess.Popen[bytes]) -> None:
    """Write what the parent and its libraries say as log lines of this process."""
    assert process.stdout is not None  # noqa: S101 - asked for a pipe
    with process.stdout as lines:
        for raw in lines:
            _log(raw.decode("utf-8", "replace").rstrip())


def _log(text: str) -> None:
    try:
        line = json.loads(text)
        source, level, event = line["logger"], line["level"], line["event"]
    except (ValueError, TypeError, KeyError):
        logger.info("engine: %s", text)
        return
    trace = line.get("exception")
    number = logging.getLevelNamesMapping().get(str(level).upper(), logging.INFO)
    logging.getLogger(str(source)).log(number, "%s", f"{event}\n{trace}" if trace else event)
