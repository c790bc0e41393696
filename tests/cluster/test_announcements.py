"""Workers by the hundred: they join, change, drain, leave, crash and return, on both brokers."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

MANY = 300
LONG = 60


def test_three_hundred_workers_are_all_known_to_every_registry_also_to_one_that_restarts(
    registry: Any, make_registry: Callable[[], Any], crowd: Any, until: Callable[..., Any]
) -> None:
    second = make_registry()
    for _ in range(3):
        crowd(MANY // 3)

    until(lambda: registry.workers() == MANY == second.workers(), LONG)
    assert len(registry.get("/services")["services"]) == 10
    registry.kill()
    registry.start()
    until(lambda: registry.workers() == MANY, LONG)
    assert second.workers() == MANY


def test_workers_change_drain_and_leave(
    registry: Any, crowd: Any, until: Callable[..., Any]
) -> None:
    workers = crowd(30)
    until(lambda: registry.workers() == 30, LONG)

    workers.tell("change " + "c" * 64)
    until(lambda: all(d == ["c" * 64] for d in digests(registry)), LONG)
    workers.tell("say draining")
    until(lambda: registry.workers("draining") == 30, LONG)
    workers.tell("say leaving")
    until(lambda: registry.get("/workers") == {"workers": []}, LONG)


def digests(registry: Any) -> list[list[str]]:
    return [service["digests"] for service in registry.get("/services")["services"]]


def test_workers_that_crash_are_taken_off_and_others_take_their_place(
    registry: Any, crowd: Any, until: Callable[..., Any]
) -> None:
    crowd(20)
    lost = crowd(20)
    until(lambda: registry.workers() == 40, LONG)

    lost.kill()
    until(lambda: registry.workers() == 20, LONG)
    crowd(20)
    until(lambda: registry.workers() == 40, LONG)


def test_a_flood_of_malformed_announcements_harms_nothing(
    registry: Any, crowd: Any, until: Callable[..., Any]
) -> None:
    crowd(20)
    vandal = crowd(1, beat=0)
    until(lambda: registry.workers() == 20, LONG)

    vandal.tell("flood 5000")

    assert registry.workers() == 20
    crowd(20)
    until(lambda: registry.workers() == 40, LONG)
    assert registry.get("/readyz")["status"] == "ok"
    assert registry.log.read_text("utf-8").count("malformed") < 20
