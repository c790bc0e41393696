"""The promises hold in the simulation, for many seeds; and it sees each fault that we put in."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.simulation.model import ModelStore
from tests.simulation.world import BrokenPromise, World

from qanat_common.jobs import TERMINAL
from qanat_common.ogc import JobStatus
from qanat_common.protocol import RunJob
from qanat_common.store import Claim, Claimed
from qanat_registry import sweeper
from qanat_registry.sweeper import Sweeper

SEEDS = 10_000
ENOUGH = 1000
"""Seeds within which a fault must be seen."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The sweeper has much to say here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(600)
def test_every_promise_is_kept_for_ten_thousand_seeds() -> None:
    for seed in range(SEEDS):
        try:
            World(seed).run()
        except BrokenPromise as broken:
            pytest.fail(f"seed {seed}: {broken}")


def first_broken() -> str:
    """What is told of the first seed that breaks a promise."""
    for seed in range(ENOUGH):
        try:
            World(seed).run()
        except AssertionError as broken:
            return str(broken)
    pytest.fail("the simulation did not see it")


def test_jobs_without_a_sweeper_are_seen_to_be_lost(monkeypatch: Any) -> None:
    monkeypatch.setattr(Sweeper, "sweep", lambda _: 0)
    assert "has not ended" in first_broken()


def test_a_clock_that_lets_the_dead_live_is_seen(monkeypatch: Any) -> None:
    monkeypatch.setattr(sweeper, "SILENT_SECONDS", float("inf"))
    assert "has not ended: running" in first_broken()


def test_a_store_without_fencing_is_seen(monkeypatch: Any) -> None:
    def end(store: ModelStore, job_id: str, token: str, status: JobStatus) -> bool:
        row = store.rows.get(job_id)
        if row is None or row.status is status:
            return False
        row.becomes(status)
        return True

    monkeypatch.setattr(ModelStore, "end", end)
    assert "→" in first_broken()


def test_a_claim_that_does_not_count_is_seen(monkeypatch: Any) -> None:
    claim = ModelStore.claim

    def uncounted(
        store: ModelStore, message: RunJob, token: str, boot: str, attempts: int
    ) -> Claim:
        return claim(store, message, token, boot, attempts * 1000)

    monkeypatch.setattr(ModelStore, "claim", uncounted)
    assert "has not ended" in first_broken()


def test_a_dismissal_that_is_forgotten_is_seen(monkeypatch: Any) -> None:
    claim = ModelStore.claim

    def forgetful(
        store: ModelStore, message: RunJob, token: str, boot: str, attempts: int
    ) -> Claim:
        row = store.rows.get(message.job_id)
        if row and row.status in TERMINAL:
            row.status, row.token = JobStatus.RUNNING, token
            return Claim(Claimed.CLAIMED, row.attempt)
        return claim(store, message, token, boot, attempts)

    monkeypatch.setattr(ModelStore, "claim", forgetful)
    assert "ended as" in first_broken()


def test_a_seed_gives_the_same_history_each_time() -> None:
    traces = []
    for _ in range(2):
        world = World(7)
        world.run()
        traces.append(world.trace)
    assert traces[0] == traces[1] != []
