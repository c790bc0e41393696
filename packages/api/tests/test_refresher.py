"""The refresher: what the registry says is listed at once, and a registry that is away changes nothing."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from qanat_api.refresher import Refresher
from qanat_common.errors import Unavailable
from qanat_common.ogc import Process
from qanat_common.protocol import Offer


class Offers:
    """A store of offers, some of which may be missing or unreachable."""

    def __init__(self) -> None:
        self.kept: dict[str, Offer] = {}
        self.read: list[str] = []
        self.away = False

    def get_offer(self, digest: str) -> Offer | None:
        if self.away:
            raise Unavailable("The job store cannot be reached.")
        self.read.append(digest)
        return self.kept.get(digest)

    def put(self, digest: str, *names: str) -> None:
        self.kept[digest] = Offer(processes=[Process(id=name, version="1") for name in names])


@pytest.fixture
def offers() -> Offers:
    made = Offers()
    made.put("one", "p")
    made.put("two", "p", "q")
    return made


@asynccontextmanager
async def running(registry: Any, offers: Offers) -> AsyncIterator[Refresher]:
    refresher = Refresher(registry.url, offers, ())
    task = asyncio.create_task(refresher.run())
    try:
        yield refresher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        await asyncio.sleep(0.01)


def lists(refresher: Refresher, *names: str) -> Callable[[], bool]:
    def check() -> bool:
        snapshot = refresher.snapshot
        return snapshot.known and len(snapshot) == len(names) and all(map(snapshot.get, names))

    return check


def test_a_change_is_listed_at_once_and_offers_are_read_once(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        async with running(registry, offers) as refresher:
            await until(lists(refresher))
            registry.say(catalog_of("one"))
            await until(lists(refresher, "p"))
            registry.say(catalog_of("one", "two"))
            await until(lambda: "two" in offers.read)
            registry.say(catalog_of("two"))
            await until(lists(refresher, "p", "q"))

    asyncio.run(scenario())
    assert offers.read == ["one", "two"]
    assert registry.asked[0]["prefer"] == "wait=20"
    assert registry.asked[1]["if-none-match"].startswith('"')


def test_a_registry_that_is_away_changes_nothing(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        registry.say(catalog_of("two"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher, "p", "q"))
            await asyncio.to_thread(registry.stop)
            await until(lambda: "trying on" in caplog.text)
            assert lists(refresher, "p", "q")()

    asyncio.run(scenario())
    registry.stop = lambda: None


def test_an_incomplete_catalogue_takes_nothing_away(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        registry.say(catalog_of("two"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher, "p", "q"))
            registry.say(catalog_of(complete=False))
            await until(lambda: len(registry.asked) == 3)
            assert lists(refresher, "p", "q")()
            registry.say(catalog_of("one"))
            await until(lists(refresher, "p"))

    asyncio.run(scenario())


def test_an_offer_that_comes_late_is_found_later(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        registry.say(catalog_of("late"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher))
            offers.put("late", "r")
            await until(lists(refresher, "r"))

    asyncio.run(scenario())


def test_a_store_that_is_away_changes_nothing(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        registry.say(catalog_of("one"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher, "p"))
            offers.away = True
            registry.say(catalog_of("two"))
            await until(lambda: len(registry.asked) > 3)
            assert lists(refresher, "p")()
            offers.away = False
            await until(lists(refresher, "p", "q"))

    asyncio.run(scenario())


def test_a_registry_that_does_not_hold_its_answer_is_not_asked_all_the_time(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any]
) -> None:
    async def scenario() -> None:
        registry.holds = False
        registry.say(catalog_of("one"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher, "p"))
            await asyncio.sleep(0.5)

    asyncio.run(scenario())
    assert len(registry.asked) <= 2


def test_what_is_not_a_catalogue_changes_nothing(
    registry: Any, offers: Offers, catalog_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        registry.say(catalog_of("one"))
        async with running(registry, offers) as refresher:
            await until(lists(refresher, "p"))
            registry.say(Offer(processes=[]))
            await until(lambda: "complete: Field required" in caplog.text)
            assert lists(refresher, "p")()

    caplog.set_level(logging.WARNING)
    asyncio.run(scenario())
