"""The snapshot changes with announcements and with time, and wakes who waits."""

import asyncio
import time

from qanat_common.protocol import Announcement, Catalog
from qanat_registry.board import Board
from qanat_registry.catalog import Roster

NEVER = 600.0
"""Longer than a test may take, in seconds."""


def said(serial: int = 1, digest: str = "d1") -> Announcement:
    return Announcement(
        boot="a",
        serial=serial,
        node="a",
        service="default",
        queue="qanat.default",
        digest=digest,
    )


def names(board: Board) -> list[str]:
    catalog = Catalog.model_validate_json(board.snapshot.body)
    return [service.name for service in catalog.services]


def test_a_waiting_reader_wakes_at_once_when_a_worker_comes() -> None:
    async def scene() -> list[str]:
        board = Board(Roster(60), time.monotonic)
        board.listening()
        waiting = asyncio.create_task(board.other_than(board.snapshot.etag, NEVER))
        await asyncio.sleep(0)
        board.hear(said())
        snapshot = await waiting
        board.close()
        assert snapshot == board.snapshot
        return names(board)

    assert asyncio.run(scene()) == ["default"]


def test_a_beat_wakes_nobody() -> None:
    async def scene() -> None:
        board = Board(Roster(60), time.monotonic)
        board.listening()
        board.hear(said(1))
        before = board.snapshot
        waiting = asyncio.create_task(board.other_than(before.etag, 0.05))
        await asyncio.sleep(0)
        board.hear(said(2))
        assert await waiting is before
        board.close()

    asyncio.run(scene())


def test_time_alone_completes_the_catalogue_and_takes_off_the_silent() -> None:
    async def scene() -> list[tuple[bool, list[str]]]:
        board = Board(Roster(0.1), time.monotonic)
        board.listening()
        await asyncio.sleep(0.03)
        board.hear(said())
        seen = [(board.snapshot.complete, names(board))]
        for _ in range(2):
            await board.other_than(board.snapshot.etag, 5)
            seen.append((board.snapshot.complete, names(board)))
        board.close()
        return seen

    assert asyncio.run(scene()) == [(False, ["default"]), (True, ["default"]), (True, [])]


def test_closing_lets_go_who_waits() -> None:
    async def scene() -> None:
        board = Board(Roster(60), time.monotonic)
        waiting = asyncio.create_task(board.other_than(board.snapshot.etag, NEVER))
        await asyncio.sleep(0)
        board.close()
        await waiting

    asyncio.run(scene())


def test_two_registries_that_know_the_same_give_the_same_etag() -> None:
    async def scene() -> list[str]:
        boards = [Board(Roster(60), time.monotonic) for _ in range(2)]
        for serial, board in enumerate(boards):
            board.listening()
            board.hear(said(serial))
            board.close()
        return [board.snapshot.etag for board in boards]

    first, second = asyncio.run(scene())

    assert first == second
