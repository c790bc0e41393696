"""Starts the parts in order, starts again what dies, stops all in reverse order. One thread."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from qanat.problems import CannotStart
from qanat.process import Part, Process, words
from qanat_common import systemd

STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
SIGNALS = STOPS | {signal.SIGCHLD}

POLL_SECONDS = 0.02
"""How often a part that starts is asked whether it is ready."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""How long to wait before a part that died is started again: doubled each time."""

GOOD_SECONDS = 60.0
"""A part that lived so long has recovered: its next death is its first."""

IDLE_SECONDS = 3600.0


class Told(Protocol):
    """Who is told what happens."""

    def ready(self, name: str, seconds: float) -> None:
        """A part does its work."""

    def serving(self, seconds: float) -> None:
        """All parts do."""

    def died(self, name: str, how: str, pause: float) -> None:
        """A part ended by itself, and is started again after a pause."""

    def stopping(self) -> None:
        """We were told to stop."""

    def killed(self, name: str, seconds: float) -> None:
        """A part did not stop in time."""


class Stopped(Exception):
    """We were told to stop."""


class Kept:
    """A part and what became of it."""

    def __init__(self, part: Part) -> None:
        """Not started yet."""
        self.part = part
        self.process: Process | None = None
        self.started = 0.0
        self.ready = False
        self.deaths = 0
        self.due: float | None = None

    def start(self) -> None:
        """Start it, the first time or again."""
        self.started, self.ready, self.due = time.monotonic(), False, None
        self.process = Process(self.part)

    def pause(self) -> float:
        """How long to wait before it is started again; counts its death."""
        if time.monotonic() - self.started > GOOD_SECONDS:
            self.deaths = 0
        self.deaths += 1
        return float(min(FIRST_PAUSE * 2 ** (self.deaths - 1), LONGEST_PAUSE))


class Supervisor:
    """Keeps parts running. The parts of a stage start together, when the stage before is ready."""

    def __init__(self, stages: Sequence[Sequence[Part]], told: Told) -> None:
        """Starts nothing."""
        self._stages = [[Kept(part) for part in stage] for stage in stages]
        self._kept = [kept for stage in self._stages for kept in stage]
        self._told = told

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP; a second one ends it at once.

        Raises CannotStart when a part ends, or takes too long, before it is ready for the first
        time. Nothing is left running in any case. In the main thread only.
        """
        with _signals_wait():
            try:
                self._start()
                self._watch()
            except Stopped:
                self._told.stopping()
                systemd.tell(systemd.STOPPING)
            finally:
                self._stop()

    def _start(self) -> None:
        began = time.monotonic()
        for stage in self._stages:
            for kept in stage:
                kept.start()
            for kept in stage:
                while not self._is_ready(kept):
                    _wait(POLL_SECONDS)
        self._told.serving(time.monotonic() - began)
        systemd.tell(systemd.READY)

    def _is_ready(self, kept: Kept) -> bool:
        """Whether a part that starts for the first time has come so far."""
        for one in self._kept:
            status = one.process.ended() if one.process else None
            if status is not None:
                raise CannotStart(
                    f"the {one.part.name} ended with {words(status)} before it was ready: it says"
                    f" why {f'in {one.part.output}' if one.part.output else 'above'}"
                )
        seconds = time.monotonic() - kept.started
        if kept.part.ready():
            kept.ready = True
            self._told.ready(kept.part.name, seconds)
        elif seconds > kept.part.start_seconds:
            raise CannotStart(f"the {kept.part.name} was not ready after {seconds:.0f} s")
        return kept.ready

    def _watch(self) -> None:
        while True:
            for kept in self._kept:
                self._look_after(kept)
            _wait(self._next_look())

    def _look_after(self, kept: Kept) -> None:
        now = time.monotonic()
        if kept.due is not None:
            if kept.due <= now:
                kept.start()
            return
        status = kept.process.ended() if kept.process else None
        if status is not None:
            pause = kept.pause()
            kept.due = now + pause
            self._told.died(kept.part.name, words(status), pause)
        elif not kept.ready and kept.part.ready():
            kept.ready = True
            self._told.ready(kept.part.name, now - kept.started)

    def _next_look(self) -> float:
        """How long nothing needs to be done unless a signal says so."""
        now = time.monotonic()
        dues = [kept.due - now for kept in self._kept if kept.due is not None]
        starting = any(not kept.ready and kept.due is None for kept in self._kept)
        return max(0.0, min([10 * POLL_SECONDS if starting else IDLE_SECONDS, *dues]))

    def _stop(self) -> None:
        hurry = False
        for kept in reversed(self._kept):
            if kept.process and kept.process.ended() is None:
                hurry = self._stop_one(kept, kept.process, hurry=hurry)

    def _stop_one(self, kept: Kept, process: Process, *, hurry: bool) -> bool:
        """End a part; whether the rest is to be ended at once."""
        process.terminate()
        end = time.monotonic() + kept.part.stop_seconds
        while process.ended() is None:
            left = end - time.monotonic()
            if hurry or left <= 0:
                if not hurry:
                    self._told.killed(kept.part.name, kept.part.stop_seconds)
                process.kill()
                left = POLL_SECONDS
            try:
                _wait(left)
            except Stopped:
                hurry = True
        return hurry


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Signals do not interrupt; they are taken where we wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        while signal.sigtimedwait(STOPS, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(seconds: float) -> None:
    """Wait for the end of a part, at most so long. Raises Stopped when we are told to stop."""
    found = signal.sigtimedwait(SIGNALS, seconds)
    if found and found.si_signo in STOPS:
        raise Stopped
