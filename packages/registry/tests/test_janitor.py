"""What has expired goes away completely, and nothing else. Store and storage are real, the clock is not."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import Unavailable
from qanat_common.expiry import Expiry
from qanat_common.jobs import JobRecord
from qanat_common.listing import JobFilter
from qanat_common.protocol import LogEntry, LogLevel, RunJob, Succeeded
from qanat_common.storage import Storage, job_key
from qanat_common.store import PREFIX, Store
from qanat_registry import janitor
from qanat_registry.janitor import Janitor, Keeping

redis = pytest.importorskip("redis")
pytestmark = pytest.mark.broker

HOUR = 3600.0


class Scene:
    """A janitor with a clock that we turn; it begins now."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.storage: Any = Storage(f"file://{folder}")
        self.began = datetime.now(UTC)
        self.now = self.began
        self.janitor = self.another()

    def another(self, jobs: float | None = HOUR) -> Janitor:
        keeping = Keeping(jobs=jobs, orphans=2 * HOUR, every=1.0)
        files = lambda: self.storage  # noqa: E731  # opened when it is needed
        return Janitor(self.store, Expiry(self.store), files, keeping, lambda: self.now)

    def clean_after(self, hours: float) -> int:
        self.now = self.began + timedelta(hours=hours)
        return self.janitor.clean()

    def accept(self, job_id: str) -> RunJob:
        job = RunJob(job_id=job_id, process_id="native:buffer", service="s", created=self.began)
        self.store.accept(job)
        self.storage.put_bytes(job_key(job_id, "inputs.json"), b"{}")
        return job

    def run(self, job_id: str) -> None:
        """A job from its start to its end, with a log and a result."""
        self.store.claim(self.accept(job_id), "t", "boot", 3)
        said = LogEntry(time=self.began, level=LogLevel.INFO, message="working")
        self.store.progress(job_id, "t", 50, "half", [said])
        self.storage.put_bytes(job_key(job_id, "OUTPUT.tif"), b"picture")
        self.store.finish(job_id, "t", Succeeded())

    def record(self, job_id: str) -> JobRecord:
        found = self.store.get(job_id)
        assert found
        return found

    @property
    def files(self) -> list[str]:
        """Their paths; what the janitor takes away just now may be among them or not."""
        return sorted(
            str(Path(folder, name).relative_to(self.folder))
            for folder, _, names in os.walk(self.folder)
            for name in names
        )


@pytest.fixture
def scene(store: Store, tmp_path: Path) -> Scene:
    return Scene(store, tmp_path)


@pytest.fixture
def keys(valkey: Any) -> Iterator[Callable[[], set[str]]]:
    """The names of all that the store has."""
    client = redis.Redis.from_url(valkey.url)
    yield lambda: {key.decode().removeprefix(PREFIX) for key in client.keys("*")}
    client.close()


def test_an_expired_job_leaves_nothing_but_the_memory_of_its_id(
    scene: Scene, keys: Callable[[], set[str]]
) -> None:
    scene.janitor.clean()
    scene.run("j1")
    scene.store.dismiss(scene.accept("j2").job_id)
    assert len(scene.files) == 3
    assert scene.clean_after(0.9) == 0
    assert scene.clean_after(1.1) == 2
    assert keys() == {"gone:j1", "gone:j2", "keep"}
    assert scene.files == []
    assert list(scene.folder.iterdir()) == []
    assert scene.store.was_removed("j1")


def test_only_what_has_expired_is_taken(scene: Scene) -> None:
    scene.janitor.clean()
    scene.run("old")
    scene.accept("waiting")
    scene.store.claim(scene.accept("running"), "t", "boot", 3)
    assert scene.clean_after(1.5) == 1
    assert {record.job_id for record in scene.store.list(JobFilter(), 9).records} == {
        "waiting",
        "running",
    }
    assert scene.files == ["jobs/running/inputs.json", "jobs/waiting/inputs.json"]
    assert scene.clean_after(1000) == 0
    assert scene.store.finish("running", "t", Succeeded())


def test_a_job_tells_when_it_expires_and_that_stays(scene: Scene) -> None:
    scene.janitor.clean()
    scene.run("j1")
    told = scene.record("j1")
    assert told.expires
    assert told.finished
    assert told.expires - told.finished == timedelta(hours=1)
    scene.janitor = scene.another(jobs=100 * HOUR)
    scene.janitor.clean()
    scene.run("j2")
    assert scene.record("j1").expires == told.expires
    assert scene.clean_after(1.5) == 1
    assert [record.job_id for record in scene.store.list(JobFilter(), 9).records] == ["j2"]


def test_without_a_rule_jobs_stay_and_get_a_whole_term_when_there_is_one(scene: Scene) -> None:
    scene.janitor = scene.another(jobs=None)
    scene.janitor.clean()
    scene.run("j1")
    assert scene.record("j1").expires is None
    assert scene.clean_after(10_000) == 0
    scene.janitor = scene.another(jobs=HOUR)
    assert scene.clean_after(10_000) == 0
    assert scene.record("j1").expires == (scene.now + timedelta(hours=1)).replace(
        microsecond=round(scene.now.microsecond, -3)
    )
    assert scene.clean_after(10_000.5) == 0
    assert scene.clean_after(10_001.1) == 1


def test_files_that_could_not_be_taken_away_go_with_the_next_pass(scene: Scene) -> None:
    scene.janitor.clean()
    scene.run("j1")

    class Away(Storage):
        def remove_job(self, job_id: str) -> None:
            raise Unavailable("away")

    scene.storage = Away(f"file://{scene.folder}")
    scene.janitor = scene.another()
    with pytest.raises(Unavailable):
        scene.clean_after(1.1)
    # nothing of it is seen any more, and its files are still there
    assert scene.store.list(JobFilter(), 9).records == []
    assert scene.store.get("j1") is None
    assert len(scene.files) == 2
    scene.storage = Storage(f"file://{scene.folder}")
    scene.janitor = scene.another()
    assert scene.clean_after(1.1) == 1
    assert scene.files == []


def test_more_jobs_than_a_batch_go_in_one_pass(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "BATCH", 3)
    scene.janitor.clean()
    for number in range(8):
        scene.run(f"j{number}")
    assert scene.clean_after(2) == 8
    assert scene.files == []


def test_old_files_of_no_job_are_taken_away_and_new_ones_are_not(scene: Scene) -> None:
    scene.storage.put_bytes("jobs/lost/a", b"")
    scene.storage.put_bytes("jobs/lost/b", b"")
    scene.storage.put_bytes("other/x", b"")
    scene.accept("known")
    scene.clean_after(1.9)
    assert "jobs/lost/a" in scene.files
    scene.janitor = scene.another()
    scene.clean_after(2.1)
    assert scene.files == ["jobs/known/inputs.json", "other/x"]


def test_a_pass_looks_at_a_bounded_number_of_files_and_the_next_ones_at_the_rest(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "FILES", 2)
    for number in range(7):
        scene.storage.put_bytes(f"jobs/lost{number}/a", b"")
    left = []
    for _ in range(5):
        scene.clean_after(3)
        left.append(len(scene.files))
    assert left == [5, 3, 1, 0, 0]


def test_one_registry_cleans_at_a_time(scene: Scene) -> None:
    scene.janitor.clean()
    scene.run("j1")
    with scene.store.lock(janitor.LOCK, 5):
        assert scene.clean_after(2) == 0
    assert scene.clean_after(2) == 1


def test_a_job_of_a_broken_hand_is_not_taken_twice(scene: Scene) -> None:
    scene.janitor.clean()
    scene.run("j1")
    scene.store.remove("j1")
    assert scene.clean_after(2) == 0


def test_the_janitor_works_on_its_own_until_it_is_stopped(
    scene: Scene, keys: Callable[[], set[str]], until: Callable[..., Any]
) -> None:
    keeping = Keeping(jobs=0.001, orphans=HOUR, every=0.02)
    running = Janitor(scene.store, Expiry(scene.store), lambda: scene.storage, keeping)
    running.start()
    try:
        until(lambda: "keep" in keys())
        scene.run("j1")
        until(lambda: scene.store.was_removed("j1") and not scene.files)
    finally:
        running.stop()
