"""Queues that RabbitMQ keeps without a leader, as after a crash within moments of their making."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class OwnServers:
    """Where a broker that a test may harm is, and a store."""

    broker: Any
    store_url: str
    name: str = "own"

    @property
    def broker_url(self) -> str:
        return str(self.broker.broker_url)

    def lose_leaders(self) -> None:
        """End RabbitMQ, and start it without what tells it which members its queues have here."""
        self.broker.stop(kill=True)
        (names,) = self.broker.folder.glob("db/*/quorum/*/names.dets")
        names.unlink()
        self.broker.start()


@pytest.fixture
def servers(running_rabbitmq: Callable[[], Any], redis_server: Any) -> Iterator[OwnServers]:
    with running_rabbitmq() as broker:
        yield OwnServers(broker, redis_server.url)


@pytest.fixture
def own_settings() -> dict[str, str]:
    return {"QANAT_WORKER__RENEW_QUEUE_AFTER": "1"}


def test_jobs_of_a_queue_without_a_leader_run(
    cluster: Any, servers: OwnServers, until: Callable[..., Any]
) -> None:
    path = f"{cluster.url}/processes/fake:echo/execution"
    cluster.kill("worker")
    waiting = httpx2.post(
        path, json={"inputs": {"x": "1"}}, headers={"Prefer": "respond-async"}, timeout=30
    )
    assert waiting.status_code == 201
    servers.lose_leaders()
    cluster.start("worker")
    until(lambda: httpx2.get(waiting.headers["Location"]).json()["status"] == "successful", 90)
    assert "made anew" in cluster.log("worker")
    new = httpx2.post(path, json={"inputs": {"x": "2"}}, timeout=30)
    assert (new.status_code, new.text) == (200, "2")
