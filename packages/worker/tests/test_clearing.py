"""What a job left is cleared away a moment later, in order, and all of it at the end."""

import logging
import threading

import pytest

from qanat_worker.clearing import Clearing


def test_it_is_called_in_order_and_not_by_the_caller() -> None:
    clearing = Clearing(pause=0.001)
    called: list[tuple[int, str]] = []
    done = threading.Event()
    for number in range(3):
        clearing.later(
            lambda number=number: called.append((number, threading.current_thread().name))
        )
    clearing.later(done.set)

    assert done.wait(10)
    assert called == [(0, "clearing"), (1, "clearing"), (2, "clearing")]
    clearing.close()


def test_at_the_end_all_that_is_left_is_called() -> None:
    clearing = Clearing(pause=0.05)
    called: list[int] = []
    for number in range(3):
        clearing.later(lambda number=number: called.append(number))

    clearing.close()

    assert called == [0, 1, 2]


def test_what_fails_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("busy")

    clearing = Clearing(pause=0)
    called: list[int] = []
    with caplog.at_level(logging.ERROR):
        clearing.later(fail)
        clearing.later(lambda: called.append(1))
        clearing.close()

    assert called == [1]
    assert "could not be cleared away" in caplog.text
