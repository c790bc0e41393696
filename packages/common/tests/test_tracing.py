"""Traces cost nothing and keep nothing until the settings say where they go."""

from datetime import UTC, datetime

import pytest

from qanat_common import tracing
from qanat_common.settings import TraceSettings


def test_nothing_is_carried_while_nothing_is_traced() -> None:
    with tracing.span("a step", qanat__job="j") as running:
        tracing.waited("before it", datetime.now(UTC))
        assert tracing.carried() is None
    assert not running.is_recording()


def test_what_was_carried_here_is_carried_on() -> None:
    came = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

    with tracing.span("a step", came):
        assert tracing.carried() == came


def test_an_address_without_the_parts_that_send_ends_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "SENDS", False)

    with pytest.raises(SystemExit):
        tracing.setup(TraceSettings(endpoint="http://collector:4318/v1/traces"), "qanat-x")
