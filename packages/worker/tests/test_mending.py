"""Queues that do not answer: waited for, made anew once, by one worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from qanat_common.errors import Unavailable
from qanat_worker.mending import Mender


@dataclass
class Queues:
    """Satisfies Ward and Locks: queues of a broker, one of them silent or all, and a lock."""

    silent: set[str] = field(default_factory=set)
    away: bool = False
    taken: bool = False
    renewed: list[str] = field(default_factory=list)
    now: float = 0.0

    def answers(self, name: str) -> bool:
        if self.away:
            raise Unavailable("The broker does not answer.")
        return name not in self.silent

    def renew(self, name: str) -> None:
        self.renewed.append(name)
        self.silent.discard(name)

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[bool]:
        yield not self.taken


@pytest.fixture
def queues() -> Queues:
    return Queues()


@pytest.fixture
def back() -> list[str]:
    return []


def mender(queues: Queues, back: list[str], after: float = 20) -> Mender:
    return Mender(queues, queues, after, back.append, lambda: queues.now)


def test_a_queue_that_answers_again_is_consumed_again(queues: Queues, back: list[str]) -> None:
    one = mender(queues, back)
    one.look_after("q")
    with pytest.raises(Unavailable, match="No answer from the queue q"):
        one.check()
    one.look()
    assert back == ["q"]
    one.check()
    one.look()
    assert (back, queues.renewed) == (["q"], [])


def test_a_queue_that_stays_silent_is_made_anew(queues: Queues, back: list[str]) -> None:
    one = mender(queues, back)
    queues.silent = {"q"}
    one.look_after("q")
    for queues.now in (0, 10, 19):
        one.look()
    assert (queues.renewed, back) == ([], [])
    queues.now = 20
    one.look()
    assert (queues.renewed, back) == (["q"], ["q"])


def test_no_queue_is_made_anew_when_that_is_not_wanted(queues: Queues, back: list[str]) -> None:
    one = mender(queues, back, after=0)
    queues.silent = {"q"}
    one.look_after("q")
    for queues.now in (0, 1e6):
        one.look()
    assert (queues.renewed, back) == ([], [])


def test_the_time_in_which_the_broker_is_away_does_not_count(
    queues: Queues, back: list[str]
) -> None:
    one = mender(queues, back)
    queues.silent = {"q"}
    one.look_after("q")
    one.look()
    queues.away, queues.now = True, 30
    one.look()
    queues.away, queues.now = False, 60
    one.look()
    assert queues.renewed == []


def test_only_one_worker_makes_a_queue_anew(queues: Queues, back: list[str]) -> None:
    one = mender(queues, back)
    queues.silent, queues.taken = {"q"}, True
    one.look_after("q")
    for queues.now in (0, 20):
        one.look()
    assert queues.renewed == []


def test_a_queue_that_is_needed_no_more_is_left_alone(queues: Queues, back: list[str]) -> None:
    one = mender(queues, back)
    one.look_after("q")
    one.forget("q")
    one.look()
    assert back == []
