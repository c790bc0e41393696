"""Wakes those who wait for the end of a job: one subscription for all of them."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from qanat_common.errors import Unavailable
from qanat_common.jobs import TERMINAL, JobRecord
from qanat_common.protocol import JobEvent

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the record of an awaited job is read, should its event be lost."""

IDLE_SECONDS = 1.0
"""How often the subscription looks whether it shall end."""

RETRY_SECONDS = 0.5
"""How long after a lost subscription the next one is tried."""

CALL_SECONDS = 2.0
"""How long a call of the store that is under way may still take at the end."""


class Source(Protocol):
    """Where records and events come from; both block, and raise Unavailable."""

    def get(self, job_id: str) -> JobRecord | None:
        """The record of a job."""

    def events(self, wait: float) -> Iterator[JobEvent | None]:
        """Changes of jobs; None when `wait` seconds passed without one."""


class Watch:
    """Someone who waits for a job; made before the job is sent, so that no event is missed."""

    def __init__(self, source: Source, job_id: str) -> None:
        """`source` has the record, which alone is believed."""
        self._source = source
        self._job_id = job_id
        self._woken = asyncio.Event()
        self._record: JobRecord | None = None
        self.released = False

    def wake(self, record: JobRecord | None = None) -> None:
        """Have a look at the record, unless it comes with the call."""
        self._record = record
        self._woken.set()

    def release(self) -> None:
        """Wait no longer."""
        self.released = True
        self._woken.set()

    async def ended(self, seconds: float) -> JobRecord | None:
        """The record of the job when it has ended; None when it did not, or was not waited for."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                await asyncio.wait_for(self._woken.wait(), min(LOOK_SECONDS, left))
            except TimeoutError:
                logger.debug("job %s: no event yet", self._job_id)
            self._woken.clear()
            record = self._record or await self._look()
            if record and record.ended:
                return record
            if self.released:
                return None
        return None

    async def _look(self) -> JobRecord | None:
        try:
            return await asyncio.to_thread(self._source.get, self._job_id)
        except Unavailable:
            return None  # it may be back before the time is over


class Events:
    """The subscription, in a thread of its own."""

    def __init__(self, source: Source, idle: float = IDLE_SECONDS) -> None:
        """Does nothing until started; `idle` bounds how long it takes to end."""
        self._source = source
        self._idle = idle
        self._watches: dict[str, Watch] = {}
        self._followers: dict[str, set[asyncio.Event]] = {}
        self.released = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; called in the event loop."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; blocks."""
        self._stopping.set()
        if self._thread:
            self._thread.join(self._idle + CALL_SECONDS)

    def end_streams(self) -> None:
        """Nobody shall follow any longer: who does comes back, and is then answered by another server."""
        self.released = True
        self._tell_all()

    def release(self) -> None:
        """Nobody shall wait any longer: the server is being stopped."""
        self.end_streams()
        for watch in self._watches.values():
            watch.release()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watch]:
        """Wait for a job."""
        watch = self._watches[job_id] = Watch(self._source, job_id)
        try:
            yield watch
        finally:
            del self._watches[job_id]

    @contextmanager
    def follow(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of a job, from now on; several may follow one job."""
        changed = asyncio.Event()
        self._followers.setdefault(job_id, set()).add(changed)
        try:
            yield changed
        finally:
            self._followers[job_id].discard(changed)
            if not self._followers[job_id]:
                del self._followers[job_id]

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        lost = False
        while not self._stopping.is_set():
            try:
                for event in self._source.events(self._idle):
                    if lost:
                        logger.info("the store is back")
                        self._soon(loop, self._wake_all)
                    lost = False
                    if self._stopping.is_set():
                        return
                    if event:
                        self._pass_on(loop, event)
            except Unavailable as error:
                if not lost:
                    logger.warning("events of jobs are not heard, trying on: %s", error.detail)
                lost = True
                self._stopping.wait(RETRY_SECONDS)

    def _pass_on(self, loop: asyncio.AbstractEventLoop, event: JobEvent) -> None:
        if event.status in TERMINAL and event.job_id in self._watches:
            # read here: the loop would have another thread do it
            self._soon(loop, self._wake, event.job_id, self._source.get(event.job_id))
        if event.job_id in self._followers:
            self._soon(loop, self._tell, event.job_id)

    def _soon(
        self, loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: object
    ) -> None:
        try:
            loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop is closed: this thread has outlived the server
            if not self._stopping.is_set():
                raise

    def _wake(self, job_id: str, record: JobRecord | None) -> None:
        if job_id in self._watches:
            self._watches[job_id].wake(record)

    def _tell(self, job_id: str) -> None:
        for changed in self._followers.get(job_id, ()):
            changed.set()

    def _tell_all(self) -> None:
        for job_id in self._followers:
            self._tell(job_id)

    def _wake_all(self) -> None:
        self._tell_all()
        for watch in self._watches.values():
            watch.wake()
