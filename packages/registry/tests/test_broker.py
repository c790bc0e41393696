"""The listener and the queues, on both brokers."""

import logging
import queue
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from qanat_common.errors import Unavailable
from qanat_common.protocol import Announcement, RunJob
from qanat_registry.broker import Listener, Queues, make_app

pytestmark = pytest.mark.broker


class Ear:
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.told: queue.Queue[str | Announcement] = queue.Queue()

    def listening(self) -> None:
        self.told.put("listening")

    def deaf(self) -> None:
        self.told.put("deaf")

    def hear(self, announcement: Announcement) -> None:
        self.told.put(announcement)

    def next(self, seconds: float = 10) -> str | Announcement:
        return self.told.get(timeout=seconds)

    def until(self, what: Callable[[str | Announcement], bool], seconds: float = 30) -> None:
        while not what(self.next(seconds)):
            pass


@pytest.fixture
def listen() -> Iterator[Callable[..., Ear]]:
    """Starts listeners; all are stopped in the end."""
    made: list[Listener] = []

    def start(broker_url: str, scan_seconds: float = 60) -> Ear:
        ear = Ear()
        made.append(Listener(make_app(broker_url), ear, scan_seconds))
        made[-1].start()
        return ear

    yield start
    for listener in made:
        listener.stop()


def a_job(service: str) -> RunJob:
    return RunJob(
        job_id=str(uuid.uuid4()),
        process_id="native:buffer",
        service=service,
        created=datetime.now(UTC),
    )


def test_workers_are_asked_as_soon_as_they_are_heard(
    broker: Any, fake_worker: Any, listen: Any
) -> None:
    worker = fake_worker(broker.broker_url, slots=3)

    ear = listen(broker.broker_url)

    assert ear.next() == "listening"
    announcement = ear.next()
    assert (announcement.boot, announcement.slots) == (worker.boot, 3)


def test_fifty_workers_are_all_heard(broker: Any, fake_worker: Any, listen: Any) -> None:
    workers = [fake_worker(broker.broker_url) for _ in range(50)]

    ear = listen(broker.broker_url)

    assert ear.next() == "listening"
    assert {ear.next().boot for _ in workers} == {worker.boot for worker in workers}


def test_workers_are_asked_again_at_an_interval(broker: Any, fake_worker: Any, listen: Any) -> None:
    fake_worker(broker.broker_url)

    ear = listen(broker.broker_url, scan_seconds=0.2)

    assert ear.next() == "listening"
    assert [ear.next().serial for _ in range(3)] == [1, 2, 3]


def test_several_registries_hear_the_same(broker: Any, fake_worker: Any, listen: Any) -> None:
    ears = [listen(broker.broker_url), listen(broker.broker_url)]
    assert [ear.next() for ear in ears] == ["listening", "listening"]

    worker = fake_worker(broker.broker_url)
    worker.say()

    assert [ear.next().boot for ear in ears] == [worker.boot, worker.boot]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"announcement": None},
        {"announcement": "hello"},
        {"announcement": {"boot": 1}},
        {"announcement": {"boot": "b", "serial": "x"}},
        ["announcement"],
        "announcement",
    ],
    ids=str,
)
def test_a_malformed_announcement_is_told_once_and_harms_nothing(
    broker: Any, fake_worker: Any, listen: Any, caplog: pytest.LogCaptureFixture, arguments: Any
) -> None:
    ear = listen(broker.broker_url)
    assert ear.next() == "listening"
    worker = fake_worker(broker.broker_url)

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            worker.cast(arguments)
        worker.say()

        assert ear.next().boot == worker.boot
    assert caplog.text.count("malformed announcement") == 1


def test_an_unknown_command_is_passed_over(broker: Any, fake_worker: Any, listen: Any) -> None:
    ear = listen(broker.broker_url)
    assert ear.next() == "listening"
    worker = fake_worker(broker.broker_url)

    worker.cast({"x": 1}, command="of_a_later_protocol")
    worker.say()

    assert ear.next().boot == worker.boot


@pytest.mark.parametrize("protocol", [0, 2, 99])
def test_a_worker_of_another_protocol_is_heard_with_what_is_understood_of_it(
    broker: Any, fake_worker: Any, listen: Any, protocol: int
) -> None:
    ear = listen(broker.broker_url)
    assert ear.next() == "listening"
    worker = fake_worker(broker.broker_url)
    plain = {"boot": worker.boot, "serial": 1, "node": "n", "service": "s", "queue": "q"}

    worker.cast({"announcement": plain | {"v": protocol, "digest": "d", "later": {"x": 1}}})

    heard = ear.next()
    assert (heard.boot, heard.v) == (worker.boot, protocol)


def test_the_listener_recovers_when_the_broker_was_killed(
    broker: Any, fake_worker: Any, listen: Any
) -> None:
    ear = listen(broker.broker_url)
    assert ear.next() == "listening"

    broker.stop(kill=True)
    assert ear.next() == "deaf"
    broker.start()
    ear.until(lambda told: told == "listening")

    worker = fake_worker(broker.broker_url)
    worker.say()
    assert ear.next().boot == worker.boot


def test_a_listener_starts_before_its_broker(broker: Any, listen: Any) -> None:
    broker.stop(kill=True)
    try:
        ear = listen(broker.broker_url)
        assert ear.next() == "deaf"
    finally:
        broker.start()
    ear.until(lambda told: told == "listening")


def test_published_jobs_wait_in_the_queue_of_their_service(broker: Any) -> None:
    service = f"s{uuid.uuid4().hex}"
    queues = Queues(make_app(broker.broker_url))

    assert queues.waiting(f"qanat.{service}") == 0
    queues.publish(a_job(service))
    queues.publish(a_job(service))

    assert queues.waiting(f"qanat.{service}") == 2
    queues.close()


def test_queues_say_that_the_broker_is_away_and_recover(broker: Any) -> None:
    before, after = f"s{uuid.uuid4().hex}", f"s{uuid.uuid4().hex}"
    queues = Queues(make_app(broker.broker_url))
    queues.publish(a_job(before))

    broker.stop(kill=True)
    try:
        with pytest.raises(Unavailable):
            queues.publish(a_job(before))
        with pytest.raises(Unavailable):
            queues.waiting(f"qanat.{before}")
    finally:
        broker.start()

    # another queue: RabbitMQ 3.10 does not recover one that it had made milliseconds before
    queues.publish(a_job(after))
    assert queues.waiting(f"qanat.{after}") == 1
    queues.close()
