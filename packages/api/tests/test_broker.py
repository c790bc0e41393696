"""Jobs on a real broker: sent once, to the queue of their service, as its worker expects them."""

import asyncio
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kombu import Connection

from qanat_api import broker as brokers
from qanat_api.broker import Broker
from qanat_common.errors import Unavailable
from qanat_common.protocol import TASK_RUN, Inline, RunJob, wire

JOB = RunJob(
    job_id="j1",
    process_id="p",
    service="default",
    created=datetime(2026, 11, 24, tzinfo=UTC),
    inputs={"a": Inline(value={"x": None})},
)


@pytest.fixture
def broker(valkey: Any) -> Iterator[Broker]:
    made = Broker(valkey.broker_url)
    yield made
    made.close()


def test_a_job_arrives_on_the_queue_of_its_service(broker: Broker, valkey: Any) -> None:
    asyncio.run(broker.send(JOB))
    with Connection(valkey.broker_url) as connection:
        queue = connection.SimpleQueue(brokers._queue("qanat.default"))
        message = queue.get(timeout=5)
        message.ack()
        assert message.headers["task"] == TASK_RUN
        assert message.headers["id"] == "j1"
        assert message.headers["ignore_result"] is True
        args, kwargs, _ = message.payload
        assert (args, kwargs) == ([], {"job": wire(JOB)})
        assert RunJob.model_validate(kwargs["job"]) == JOB
        queue.close()


def test_a_broker_that_is_not_there_is_told_soon(folder: Any) -> None:
    away = Broker(f"redis+socket://{folder}/none")
    with pytest.raises(Unavailable) as caught:
        asyncio.run(away.send(JOB))
    assert caught.value.retry_after == 5
    away.close()


def test_a_broker_that_was_restarted_is_found_again(broker: Broker, valkey: Any) -> None:
    asyncio.run(broker.send(JOB))
    valkey.stop(kill=True)
    with pytest.raises(Unavailable):
        asyncio.run(broker.send(JOB))
    valkey.start()
    asyncio.run(broker.send(JOB))


def test_a_broker_that_hangs_holds_nobody_up(
    broker: Broker, valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "PUBLISH_SECONDS", 0.2)
    asyncio.run(broker.send(JOB))
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            asyncio.run(broker.send(JOB))
        monkeypatch.setattr(brokers, "PUBLISH_SECONDS", 60)
        with pytest.raises(Unavailable):  # at once, since it has just taken nothing
            asyncio.run(broker.send(JOB))
    finally:
        valkey.process.send_signal(signal.SIGCONT)


@pytest.mark.broker
def test_rabbitmq_confirms_a_job(rabbitmq_server: Any) -> None:
    made = Broker(rabbitmq_server.broker_url)
    asyncio.run(made.send(JOB))
    with Connection(rabbitmq_server.broker_url) as connection:
        queue = connection.SimpleQueue(brokers._queue("qanat.default"))
        assert queue.get(timeout=5).headers["id"] == "j1"
        queue.close()
    made.close()
