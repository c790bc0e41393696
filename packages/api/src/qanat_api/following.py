"""A job as it goes on: what changed since a client last heard, as server-sent events.

Nothing is kept for a client: its last event's id says what it has heard (`Heard`), and what it is
told next is the difference to what is true now. So it may come back later, to another api, and
misses no line of the log that is still kept, and a slow client only gets fewer states.
"""

import asyncio
import logging
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson
from fastapi.sse import ServerSentEvent

from qanat_common.errors import Unavailable
from qanat_common.jobs import JobRecord
from qanat_common.tail import Tail

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often a job is looked at, should an event of the store be lost."""

BACK_MS = 2000
"""After how many milliseconds a client that was cut off should come back."""

BUSY_SECONDS = 5
"""When a client that found no place should try again."""

_ID = re.compile(r"(\d{1,9})\.(\d{1,9})\.([0-9a-f]{8}|)", re.ASCII)


class NothingMore(Exception):
    """The client has heard all that there will ever be of the job."""


@dataclass(frozen=True)
class Source:
    """Where jobs are read: a record, and its log after so many lines of an attempt.

    Both block, and raise Unavailable.
    """

    get: Callable[[str], JobRecord | None]
    tail: Callable[[str, int, int], Tail]


class Changes(Protocol):
    """Who knows when a job changes."""

    @property
    def released(self) -> bool:
        """Whether nobody shall follow any longer."""

    def follow(self, job_id: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set when the job changes, from now on."""


@dataclass(frozen=True)
class Heard:
    """What a client has heard of a job: lines of the log of an attempt, and a state by its checksum."""

    attempt: int = 0
    lines: int = 0
    state: str = ""

    @staticmethod
    def of(last_event_id: str | None) -> "Heard":
        """What an id of an event says; what is none of ours says nothing."""
        found = _ID.fullmatch(last_event_id or "")
        return Heard(int(found[1]), int(found[2]), found[3]) if found else Heard()

    def __str__(self) -> str:
        """The id of an event after which so much was heard."""
        return f"{self.attempt}.{self.lines}.{self.state}"


def news(
    heard: Heard, state: dict[str, Any], tail: Tail
) -> Iterator[tuple[Heard, ServerSentEvent]]:
    """What a client is told next, and what it has heard then: lines of the log, then the state."""
    if tail.attempt != heard.attempt:
        heard = replace(heard, attempt=tail.attempt, lines=0)
    first = tail.lines - len(tail.entries)
    for number, entry in enumerate(tail.entries, first + 1):
        heard = replace(heard, lines=number)
        yield heard, _event("log", heard, entry.model_dump(mode="json"))
    checksum = f"{zlib.crc32(orjson.dumps(state)):08x}"
    if checksum != heard.state:
        heard = replace(heard, state=checksum)
        yield heard, _event("status", heard, state)


def _event(kind: str, heard: Heard, data: dict[str, Any]) -> ServerSentEvent:
    text = orjson.dumps(data).decode()
    return ServerSentEvent(raw_data=text, event=kind, id=str(heard), retry=BACK_MS)


Told = Callable[[JobRecord], dict[str, Any]]
"""The state of a job as clients read it."""


class Following:
    """Clients that follow jobs: so many at most, each for so long at most."""

    def __init__(self, source: Source, changes: Changes, most: int, seconds: float) -> None:
        """After `seconds` a client is cut off; it comes back if it wants to hear more."""
        self._source = source
        self._changes = changes
        self._most = most
        self._seconds = seconds
        self._now = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that follow. Raises Unavailable when all are taken."""
        if self._now >= self._most:
            raise Unavailable(
                f"{self._most} clients follow jobs already, which is the most here. Ask for the status"
                " of the job instead.",
                retry_after=BUSY_SECONDS,
            )
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1

    async def check(self, record: JobRecord, heard: Heard, told: Told) -> None:
        """Raises NothingMore for a client that comes back after the end."""
        if record.ended and not [*news(heard, told(record), await self._tail(record, heard))]:
            raise NothingMore

    async def events(self, job_id: str, heard: Heard, told: Told) -> AsyncIterator[ServerSentEvent]:
        """What happens to a job, to its end: from what was heard on."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        with self._changes.follow(job_id) as changed:
            while not self._changes.released and (left := end - loop.time()) > 0:
                changed.clear()
                record, tail = await self._look(job_id, heard)
                if record and tail:
                    for now_heard, event in news(heard, told(record), tail):
                        yield event
                        heard = now_heard
                if tail and (record is None or record.ended):
                    return
                await _either(changed, min(left, LOOK_SECONDS))

    async def _look(self, job_id: str, heard: Heard) -> tuple[JobRecord | None, Tail | None]:
        """A job as it is, None when it is no more; its log is None when it cannot be seen now."""
        try:
            record = await asyncio.to_thread(self._source.get, job_id)
            return record, await self._tail(record, heard) if record else Tail(0, 0)
        except Unavailable as error:
            logger.debug("job %s is not seen for now: %s", job_id, error.detail)
            return None, None

    async def _tail(self, record: JobRecord, heard: Heard) -> Tail:
        if (record.attempt, record.lines) == (heard.attempt, heard.lines):
            return Tail(record.attempt, record.lines)
        return await asyncio.to_thread(self._source.tail, record.job_id, heard.attempt, heard.lines)


async def _either(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        return
