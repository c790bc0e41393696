"""Lost jobs are published again, and no others. The store is real, the broker is a list."""

import uuid
from datetime import UTC, datetime

import pytest

from qanat_common.errors import Unavailable
from qanat_common.ogc import JobStatus
from qanat_common.protocol import Failed, RunJob, Succeeded, queue_name
from qanat_common.store import Store
from qanat_registry.sweeper import (
    FIRST_PAUSE,
    GRACE_SECONDS,
    LOCK,
    LOCK_SECONDS,
    PAGE,
    SILENT_SECONDS,
    UNOFFERED_SECONDS,
    Sweeper,
)

pytestmark = pytest.mark.broker


class FakeQueues:
    """Queues whose lengths are said, and a list of what was published."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}
        self.published: list[str] = []
        self.queues: list[str | None] = []
        self.failing: set[str] = set()

    def waiting(self, name: str) -> int:
        return self.lengths.get(name.removeprefix("qanat."), 0)

    def publish(self, job: RunJob) -> None:
        if job.service in self.failing:
            raise Unavailable("away")
        self.published.append(job.job_id)
        self.queues.append(job.queue)


class FakeDispatch:
    """Says where jobs go: to the queue of their service, unless told otherwise."""

    def __init__(self) -> None:
        self.queues: dict[str, str | None] = {}
        self.abandoned: set[str] = set()

    def queue(self, job: RunJob) -> str | None:
        return self.queues.get(job.process_id, queue_name(job.service))

    def is_consumed(self, queue: str, service: str) -> bool:
        return queue not in self.abandoned


class Scene:
    """A sweeper with a clock that we turn."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.queues = FakeQueues()
        self.now = 0.0
        self.dispatch = FakeDispatch()
        self.sweeper = Sweeper(store, self.queues, self.dispatch, 1.0, lambda: self.now)

    def job(
        self, *, published: bool = True, service: str = "default", queue: str | None = None
    ) -> RunJob:
        job = RunJob(
            job_id=str(uuid.uuid4()),
            process_id="native:buffer",
            service=service,
            created=datetime.now(UTC),
            queue=queue,
        )
        self.store.accept(job)
        if published:
            self.store.mark_published(job.job_id)
        return job

    def sweep_at(self, now: float) -> int:
        self.now = now
        return self.sweeper.sweep()


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


def test_a_job_whose_worker_is_gone_is_published_at_once(scene: Scene) -> None:
    job = scene.job()
    scene.store.claim(job, "token", "boot", 3)

    assert scene.sweep_at(0) == 1
    assert scene.queues.published == [job.job_id]


def test_a_job_whose_worker_lives_is_left_alone(scene: Scene) -> None:
    scene.store.beat("boot")
    scene.store.claim(scene.job(), "token", "boot", 3)

    assert scene.sweep_at(0) == 0
    scene.store.beat("boot")
    assert scene.sweep_at(1000) == 0


def test_a_dead_worker_does_not_live_on_by_a_clock_that_was_put_back(scene: Scene) -> None:
    scene.store.beat("boot")
    scene.store.claim(job := scene.job(), "token", "boot", 3)

    # The store's own clock stands still here: what a beat leaves behind does not expire.
    assert scene.sweep_at(0) == 0
    assert scene.sweep_at(SILENT_SECONDS - 1) == 0
    assert scene.sweep_at(SILENT_SECONDS) == 1
    assert scene.store.claim(job, "token-2", "boot-2", 3).attempt == 2


def test_a_lock_that_is_never_free_does_not_stop_the_sweeper_for_ever(scene: Scene) -> None:
    scene.store.claim(scene.job(), "token", "boot", 3)
    with scene.store.lock(LOCK, 600):
        assert scene.sweep_at(LOCK_SECONDS) == 0
        assert scene.sweep_at(2 * LOCK_SECONDS) == 1


def test_a_job_published_again_is_left_alone_for_longer_each_time(scene: Scene) -> None:
    scene.store.claim(scene.job(), "token", "boot", 3)

    times = [now for now in range(40) if scene.sweep_at(now)]

    assert times == [0, FIRST_PAUSE, 3 * FIRST_PAUSE, 7 * FIRST_PAUSE]


def test_a_lost_job_whose_new_message_still_waits_is_not_published_once_more(scene: Scene) -> None:
    scene.store.claim(scene.job(), "token", "boot", 3)
    scene.queues.lengths["default"] = 1

    assert [now for now in range(100) if scene.sweep_at(now)] == [0]


def test_a_new_attempt_that_is_lost_too_is_published_at_once(scene: Scene) -> None:
    job = scene.job()
    scene.store.claim(job, "token", "boot", 3)
    assert scene.sweep_at(0) == 1
    scene.store.claim(job, "token-2", "boot-2", 3)

    assert scene.sweep_at(1) == 1


def test_a_job_that_was_never_published_is_published_after_a_grace(scene: Scene) -> None:
    job = scene.job(published=False)
    scene.queues.lengths["default"] = 7

    assert scene.sweep_at(0) == 0
    assert scene.sweep_at(GRACE_SECONDS - 0.1) == 0
    assert scene.sweep_at(GRACE_SECONDS) == 1

    record = scene.store.get(job.job_id)
    assert record is not None
    assert record.published


def test_a_published_job_is_published_again_when_its_queue_stays_empty(scene: Scene) -> None:
    scene.job()

    assert [now for now in range(12) if scene.sweep_at(now)] == [5, 10]


def test_published_jobs_wait_while_their_queue_holds_messages(scene: Scene) -> None:
    scene.job(service="busy")
    scene.queues.lengths["busy"] = 1

    assert [now for now in range(100) if scene.sweep_at(now)] == []


def test_a_queue_that_was_empty_for_a_moment_is_no_loss(scene: Scene) -> None:
    scene.job()
    scene.sweep_at(0)
    scene.queues.lengths["default"] = 1
    scene.sweep_at(3)
    scene.queues.lengths["default"] = 0

    assert scene.sweep_at(6) == 0


def test_ended_jobs_are_of_no_interest(scene: Scene) -> None:
    done, dismissed = scene.job(), scene.job()
    scene.store.claim(done, "token", "boot", 3)
    scene.store.finish(done.job_id, "token", Succeeded())
    scene.store.dismiss(dismissed.job_id)

    assert [now for now in range(20) if scene.sweep_at(now)] == []


def test_a_job_that_ends_while_it_is_looked_at_is_not_published(scene: Scene) -> None:
    job = scene.job()
    scene.store.claim(job, "token", "boot", 3)

    class Ending(FakeQueues):
        def waiting(self, service: str) -> int:
            scene.store.finish(job.job_id, "token", Succeeded())
            return 0

    queues = Ending()

    assert Sweeper(scene.store, queues, scene.dispatch, 1.0, lambda: 0.0).sweep() == 0
    assert queues.published == []


def test_only_one_registry_sweeps_at_a_time(scene: Scene) -> None:
    scene.store.claim(scene.job(), "token", "boot", 3)

    with scene.store.lock(LOCK, 10):
        assert scene.sweep_at(0) == 0
    assert scene.sweep_at(0) == 1


def test_a_queue_that_fails_is_tried_again_later_and_the_others_at_once(scene: Scene) -> None:
    healthy, failing = scene.job(service="healthy"), scene.job(service="failing")
    for job in (healthy, failing):
        scene.store.claim(job, "token", "boot", 3)
    scene.queues.failing = {"failing"}

    assert scene.sweep_at(0) == 1
    assert scene.queues.published == [healthy.job_id]

    scene.queues.failing = set()
    scene.queues.lengths["healthy"] = 1
    assert [now for now in range(1, 9) if scene.sweep_at(now)] == [FIRST_PAUSE]
    assert scene.queues.published == [healthy.job_id, failing.job_id]


def test_more_jobs_than_fit_a_page_are_all_seen(scene: Scene) -> None:
    jobs = [scene.job() for _ in range(PAGE + 5)]
    for job in jobs:
        scene.store.claim(job, "token", "boot", 3)

    assert scene.sweep_at(0) == len(jobs)
    assert set(scene.queues.published) == {job.job_id for job in jobs}
    assert {record.status for record in map(scene.store.get, scene.queues.published) if record} == {
        JobStatus.RUNNING
    }


def test_a_lost_job_is_sent_to_where_its_process_is_offered_now(scene: Scene) -> None:
    scene.store.claim(scene.job(), "token", "boot", 3)
    scene.dispatch.queues["native:buffer"] = "qanat.default@a"

    assert scene.sweep_at(0) == 1
    assert scene.queues.queues == ["qanat.default@a"]


def test_a_job_in_a_queue_that_nobody_consumes_any_more_is_sent_to_another(scene: Scene) -> None:
    scene.job(queue="qanat.default@old")
    scene.queues.lengths |= {"default@old": 1, "default": 7}
    scene.dispatch.abandoned = {"qanat.default@old"}

    assert [now for now in range(20) if scene.sweep_at(now)] == [GRACE_SECONDS]
    assert scene.queues.queues == ["qanat.default"]


def test_a_job_whose_process_nobody_offers_waits_and_then_fails_in_words(scene: Scene) -> None:
    job = scene.job()
    scene.dispatch.queues["native:buffer"] = None

    assert [now for now in range(60) if scene.sweep_at(now)] == []
    record = scene.store.get(job.job_id)
    assert record is not None
    assert record.status is JobStatus.ACCEPTED
    scene.sweep_at(GRACE_SECONDS + UNOFFERED_SECONDS)

    record = scene.store.get(job.job_id)
    assert record is not None
    assert isinstance(record.outcome, Failed)
    assert record.outcome.code == "no-such-process"
