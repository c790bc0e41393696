"""Keeps the snapshot of the catalogue fresh, beside the requests: no request ever waits for it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import httpx2
from pydantic import ValidationError

from qanat_api.catalog import NOTHING, Snapshot, build
from qanat_common.errors import Unavailable
from qanat_common.protocol import Catalog, Offer

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20
"""How long the registry is asked to hold its answer until there is something new."""

PATIENCE_SECONDS = WAIT_SECONDS + 10
"""How long an answer of the registry is awaited."""

PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds before the registry is asked again that could not be read: the last for ever."""

AGAIN_SECONDS = 1.0
"""The least time between two questions that brought nothing new."""


class Offers(Protocol):
    """Where offers lie; may block, and raises Unavailable."""

    def get_offer(self, digest: str) -> Offer | None:
        """The offer of a digest."""


class Refresher:
    """Holds the newest snapshot. A registry or store that is away changes nothing."""

    def __init__(self, registry_url: str, offers: Offers, order: Sequence[str]) -> None:
        """`order` names services in the order of preference."""
        self.snapshot: Snapshot = NOTHING
        self._url = registry_url.rstrip("/") + "/catalog"
        self._offers = offers
        self._order = order
        self._known: dict[str, Offer] = {}
        self._etag: str | None = None
        self._heard = asyncio.Event()

    async def heard(self, seconds: float) -> None:
        """Wait until a registry was heard, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)

    def check(self) -> None:
        """Raises Unavailable while no registry was heard."""
        if not self.snapshot.known:
            raise Unavailable("The processes are not known yet.", retry_after=2)

    async def run(self) -> None:
        """Ask the registry for ever."""
        failures = 0
        async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
            while True:
                asked = time.monotonic()
                try:
                    changed = await self._refresh(client)
                except (httpx2.HTTPError, ValidationError, Unavailable) as error:
                    if not failures:
                        logger.warning("the catalogue cannot be read, trying on: %s", _told(error))
                    await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                    failures += 1
                    continue
                if failures:
                    logger.info("the catalogue can be read again")
                failures = 0
                if not changed:
                    await asyncio.sleep(max(0.0, asked + AGAIN_SECONDS - time.monotonic()))

    async def _refresh(self, client: httpx2.AsyncClient) -> bool:
        """Ask once; whether the snapshot is another one now, and all of it could be read."""
        headers = {"Prefer": f"wait={WAIT_SECONDS}"}
        if self._etag:
            headers["If-None-Match"] = self._etag
        answer = await client.get(self._url, headers=headers)
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return False
        answer.raise_for_status()
        catalog = Catalog.model_validate_json(answer.content)
        etag = answer.headers.get("ETag")
        whole = await asyncio.to_thread(self._take, catalog)
        self._heard.set()
        fresh = etag is None or etag != self._etag
        self._etag = etag if whole else None
        return whole and fresh and etag is not None

    def _take(self, catalog: Catalog) -> bool:
        """Make the snapshot of a catalogue; false when an offer of it is not in the store (yet)."""
        named = {digest for service in catalog.services for digest in service.digests}
        found = dict(self._fetch(named - self._known.keys()))
        offers = {d: offer for d, offer in self._known.items() if d in named} | found
        self.snapshot = build(catalog, offers, self._order, self.snapshot)
        self._known = offers
        logger.info("the catalogue has %d processes", len(self.snapshot))
        return len(offers) == len(named)

    def _fetch(self, digests: Iterable[str]) -> Iterable[tuple[str, Offer]]:
        for digest in digests:
            try:
                offer = self._offers.get_offer(digest)
            except ValidationError as error:
                logger.warning("offer %s cannot be read: %s", digest, _told(error))
                continue
            if offer is None:
                logger.warning("offer %s is not in the store", digest)
                continue
            yield digest, offer


def _told(error: Exception) -> str:
    """An error on one line, without addresses of documentation."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error) or type(error).__name__
