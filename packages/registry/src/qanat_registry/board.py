"""The catalogue as it is now, ready to be sent, and word of its next change.

Lives in one event loop. Time moves it as announcements do: a worker that stays silent is taken off
when its lease ends, without anybody asking.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from qanat_common.protocol import Announcement, Catalog
from qanat_registry.catalog import Roster, ServiceReport, WorkerReport

logger = logging.getLogger(__name__)

SLACK_SECONDS = 0.01
"""A timer is set this much late, so that what it waits for has surely come."""


@dataclass(frozen=True)
class Snapshot:
    """The catalogue as JSON, and the ETag that changes when it does."""

    body: bytes
    etag: str
    catalog: Catalog

    @property
    def complete(self) -> bool:
        """Whether everybody who is there must have been heard."""
        return self.catalog.complete


class Board:
    """Holds the roster; whoever wants the catalogue reads it here, or waits for another one."""

    def __init__(self, roster: Roster, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only grow."""
        self._roster = roster
        self._clock = clock
        self._changed = asyncio.Event()
        self._closed = False
        self._differing: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.hears = False
        self.snapshot = self._take()

    def listening(self) -> None:
        """The broker was reached: whoever announces himself is heard from now on."""
        self.hears = True
        self._roster.listening(self._clock())
        self._update()

    def deaf(self) -> None:
        """The broker was lost."""
        self.hears = False
        self._roster.deaf()
        self._update()

    def hear(self, announcement: Announcement) -> None:
        """A worker announced itself."""
        if self._roster.hear(announcement, self._clock()):
            logger.info(
                "worker %s of service %s is %s (QGIS %s, %d processes)",
                announcement.node,
                announcement.service,
                announcement.state,
                announcement.versions.get("qgis", "unknown"),
                announcement.processes,
            )
            self._update()

    async def other_than(self, etag: str, seconds: float) -> Snapshot:
        """The catalogue, as soon as it is another than that of `etag`; or as it is after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.snapshot.etag == etag and not self._closed:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self.snapshot

    def workers(self) -> list[WorkerReport]:
        """The workers for operators."""
        return self._roster.workers(self._clock(), datetime.now(UTC))

    def services(self) -> list[ServiceReport]:
        """The services for operators."""
        return self._roster.services()

    def close(self) -> None:
        """Let go whoever waits."""
        self._closed = True
        self._changed.set()
        if self._timer:
            self._timer.cancel()

    def _update(self) -> None:
        """Bring the snapshot to this moment, tell a change, and come back when time makes one."""
        now = self._clock()
        for gone in self._roster.expire(now):
            logger.warning("worker %s of service %s fell silent", gone.node, gone.service)
        snapshot = self._take()
        if snapshot.etag != self.snapshot.etag:
            self._report_differences(snapshot.catalog)
            self.snapshot = snapshot
            self._changed.set()
            self._changed = asyncio.Event()
        self._set_timer(now)

    def _report_differences(self, catalog: Catalog) -> None:
        """Say when the workers of a service begin to differ, and when they no longer do."""
        differing = {entry.name for entry in catalog.services if len(entry.offers) > 1}
        for name in sorted(differing - self._differing):
            logger.warning(
                "the workers of service %s offer different things: each job goes where its process"
                " is offered; GET /services tells in what they differ",
                name,
            )
        for name in sorted(self._differing - differing):
            logger.info("the workers of service %s no longer differ", name)
        self._differing = differing

    def _set_timer(self, now: float) -> None:
        if self._timer:
            self._timer.cancel()
        change = self._roster.next_change(now)
        if self._closed or change is None:
            return
        delay = max(change - now, 0) + SLACK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(delay, self._update)

    def _take(self) -> Snapshot:
        catalog = self._roster.catalog(self._clock())
        body = catalog.model_dump_json(by_alias=True, exclude_none=True).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return Snapshot(body, etag, catalog)
