"""A message in, an outcome in the record: through real children of a real warm parent."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qanat_common.ogc import JobStatus
from qanat_common.protocol import Failed, Inline, StoredFile, Succeeded
from qanat_common.store import Store


def stored(bench: Any, name: str) -> StoredFile:
    outcome = bench.record().outcome
    assert isinstance(outcome, Succeeded), outcome
    output = outcome.outputs[name]
    assert isinstance(output, StoredFile)
    return output


def test_a_job_runs_in_a_child_and_its_outputs_stand_in_the_record(bench: Any) -> None:
    given = {"x": 0, "y": {"a": [1, None, "ä"]}, "n": None, "s": ""}
    assert bench.values("echo", **given) == given
    record = bench.record()
    assert (record.status, record.progress, record.attempt) == (JobStatus.SUCCESSFUL, 100, 1)


def test_a_file_goes_to_the_storage(bench: Any) -> None:
    bench.run("file", x=5)
    output = stored(bench, "out:1")
    assert (output.key, output.size, output.name) == ("jobs/j1/out_1.txt", 5, "made.txt")
    assert output.media_type == "text/plain"
    assert bench.storage.get(output.key) == b"xxxxx"
    assert output.sha256 == hashlib.sha256(b"xxxxx").hexdigest()


def test_a_large_value_goes_to_the_storage_as_json(bench: Any) -> None:
    bench.run("large", x=200_000)
    output = stored(bench, "text")
    assert (output.media_type, output.name) == ("application/json", "text.json")
    content = bench.storage.get(output.key)
    assert json.loads(content) == "ä" * 200_000
    assert output.sha256 == hashlib.sha256(content).hexdigest()


def test_a_value_of_moderate_size_stays_in_the_record(bench: Any) -> None:
    assert bench.values("large", x=100_000) == {"text": "ä" * 100_000}


def test_a_file_outside_the_folder_is_nobodys_output(bench: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    failure = bench.failure("outside", x=str(secret))
    assert failure.code == "internal"
    assert bench.storage.size("jobs/j1/out") is None


def test_large_inputs_come_from_the_storage(bench: Any) -> None:
    bench.storage.put_bytes("jobs/j1/inputs.json", b'{"x": {"kind": "inline", "value": [1, null]}}')
    job = bench.accept("echo").model_copy(update={"inputs_key": "jobs/j1/inputs.json"})
    bench.runner.run(job)
    assert bench.record().outcome.outputs["x"].value == [1, None]


def test_inputs_that_are_gone_from_the_storage_are_a_failure(bench: Any) -> None:
    job = bench.accept("echo").model_copy(update={"inputs_key": "jobs/j1/inputs.json"})
    bench.runner.run(job)
    assert bench.record().outcome.code == "input-not-fetched"


def test_a_failure_of_the_algorithm_is_told_in_its_words(bench: Any) -> None:
    failure = bench.failure("fail", x=-1)
    assert failure == Failed(code="algorithm-failed", message="DISTANCE: -1 is too small")
    assert bench.record().message == "DISTANCE: -1 is too small"


def test_an_input_that_is_refused_is_told_with_its_pointer(bench: Any) -> None:
    failure = bench.failure("refuse")
    assert failure == Failed(code="input-rejected", message="x is no number", pointer="/inputs/x")


def test_a_mistake_is_logged_where_it_happened_and_told_without_details(
    bench: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failure = bench.failure("bug")
    assert failure.code == "internal"
    assert "secret" not in failure.message
    assert "KeyError: 'a path: /secret'" in caplog.text
    assert "fake_engine.py" in caplog.text


def test_a_crash_is_told_with_its_signal(bench: Any) -> None:
    failure = bench.failure("crash")
    assert failure.code == "process-crashed"
    assert "SIGSEGV" in failure.message


def test_a_child_that_ends_without_a_word_is_a_crash(bench: Any) -> None:
    failure = bench.failure("leave")
    assert failure.code == "process-crashed"
    assert "status 3" in failure.message


def test_jobs_after_a_crash_run(bench: Any) -> None:
    for number in range(5):
        bench.run("crash", f"c{number}")
    assert bench.values("echo", x=1) == {"x": 1}


def test_a_job_sees_nothing_of_the_worker(
    make_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QANAT_STORE_URL", "redis://:secret@store/1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bench = make_bench()
    seen = bench.values("where")
    for name in ("inherited", "of_tools"):
        assert "secret" not in seen[name]
        assert "QANAT_" not in seen[name]
    environ = seen["environ"]
    assert not {"QANAT_STORE_URL", "AWS_SECRET_ACCESS_KEY"} & set(environ)
    root = Path(seen["folder"]).parent
    assert root.parent == bench.folder
    for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "QGIS_CUSTOM_CONFIG_PATH"):
        assert Path(environ[name]).is_relative_to(root), name


def test_a_job_has_a_folder_a_group_and_signals_of_its_own(bench: Any) -> None:
    seen = bench.values("where")
    assert seen["cwd"] == seen["folder"]
    pid, group = seen["group"]
    assert pid == group
    assert seen["parent"] == bench.children.parent_pid
    assert seen["ignored"] is False
    assert seen["sockets"] == 1


def test_nothing_is_left_of_a_job(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.run("stray", "j1")
    bench.run("crash", "j2")
    assert list(bench.folder.iterdir()) == []
    assert "a line that no log must show" not in caplog.text


def test_a_job_that_was_dismissed_while_it_waited_is_not_run(bench: Any, tmp_path: Path) -> None:
    job = bench.accept("wait", x=str(tmp_path / "marker"))
    bench.store.dismiss("j1")
    bench.runner.run(job)
    assert bench.record().status is JobStatus.DISMISSED
    assert not (tmp_path / "marker").exists()


def test_a_job_that_was_removed_is_not_run(bench: Any, tmp_path: Path) -> None:
    job = bench.accept("wait", x=str(tmp_path / "marker"))
    bench.store.remove("j1")
    bench.runner.run(job)
    assert bench.store.get("j1") is None
    assert not (tmp_path / "marker").exists()


def test_a_job_that_another_worker_runs_is_left_to_it(bench: Any, tmp_path: Path) -> None:
    job = bench.accept("wait", x=str(tmp_path / "marker"))
    bench.store.beat("other")
    bench.store.claim(job, "token", "other", 3)
    bench.runner.run(job)
    record = bench.record()
    assert (record.status, record.boot, record.attempt) == (JobStatus.RUNNING, "other", 1)


def test_a_job_of_a_lost_worker_is_run_again(bench: Any) -> None:
    job = bench.accept("echo", x=1)
    bench.store.claim(job, "token", "lost", 3)
    bench.runner.run(job)
    record = bench.record()
    assert (record.status, record.attempt) == (JobStatus.SUCCESSFUL, 2)


def test_a_job_whose_worker_was_lost_too_often_fails(bench: Any) -> None:
    job = bench.accept("echo", x=1)
    for _ in range(3):
        bench.store.claim(job, "token", "lost", 3)
    bench.runner.run(job)
    outcome = bench.record().outcome
    assert outcome.code == "worker-lost"
    assert "3 times" in outcome.message


def test_a_job_whose_record_was_lost_is_restored_from_its_message(bench: Any) -> None:
    job = bench.accept("echo", x=1).model_copy(update={"job_id": "j2"})
    bench.runner.run(job)
    assert bench.store.get("j2").status is JobStatus.SUCCESSFUL


def test_a_claim_whose_answer_was_lost_is_still_a_claim(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has granted the claim, the connection broke, and the client asks again."""
    claim = Store.claim

    def twice(store: Store, *args: Any) -> Any:
        claim(store, *args)
        return claim(store, *args)

    monkeypatch.setattr(Store, "claim", twice)
    assert bench.values("echo", x=1) == {"x": 1}


def test_progress_and_log_are_seen_while_it_runs(
    bench: Any, until: Callable[..., Any], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    running = bench.begin("wait", x=str(marker))
    until(lambda: bench.store.log("j1") and bench.record().progress == 10, 5)
    assert [line.message for line in bench.store.log("j1")] == ["waiting"]
    assert bench.record().status is JobStatus.RUNNING
    marker.unlink()
    running.join(5)
    assert bench.record().status is JobStatus.SUCCESSFUL


def test_every_line_of_a_short_job_is_kept_in_order(bench: Any) -> None:
    bench.run("talk", x=300)
    lines = bench.store.log("j1")
    assert [line.message for line in lines] == [f"line {number}" for number in range(300)]
    assert {str(line.level) for line in lines} == {"warning"}


def test_a_job_that_runs_while_the_store_is_away_ends_when_it_is_back(
    bench: Any, valkey: Any, until: Callable[..., Any], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    running = bench.begin("wait", x=str(marker))
    until(marker.exists)
    until(lambda: bench.store.log("j1"), 5)
    valkey.stop()
    try:
        marker.unlink()
        running.join(1.5)
        assert running.is_alive()
    finally:
        valkey.start()
    running.join(15)
    assert bench.record().status is JobStatus.SUCCESSFUL


def test_references_and_inline_values_may_be_mixed_in_a_list(bench: Any) -> None:
    job = bench.accept("echo", x=[Inline(value=1)])
    bench.runner.run(job)
    assert bench.record().status is JobStatus.SUCCESSFUL


def test_jobs_run_side_by_side(bench: Any, until: Callable[..., Any], tmp_path: Path) -> None:
    markers = [tmp_path / f"m{number}" for number in range(4)]
    running = [bench.begin("wait", f"j{n}", x=str(marker)) for n, marker in enumerate(markers)]
    until(lambda: all(marker.exists() and marker.read_text() for marker in markers))
    assert len({marker.read_text() for marker in markers}) == 4
    for marker in markers:
        marker.unlink()
    for job in running:
        job.join(5)
    assert {bench.record(f"j{n}").status for n in range(4)} == {JobStatus.SUCCESSFUL}
    assert list(bench.folder.iterdir()) == []


def test_a_job_whose_process_is_not_offered_here_is_left_to_others(bench: Any) -> None:
    job = bench.accept("test:not-offered-here")
    bench.store.mark_published(job.job_id)

    bench.runner.run(job)

    assert bench.record().status is JobStatus.ACCEPTED
    assert not bench.record().published


@pytest.mark.parametrize("call", ["claim", "finish"])
def test_a_job_at_which_the_worker_itself_fails_ends_at_once(
    bench: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_given: Any, **_more: Any) -> None:
        raise RuntimeError("a mistake of ours, at /secret/path")

    job = bench.accept("echo", x=1)
    with monkeypatch.context() as broken:
        broken.setattr(bench.store, call, fail)
        bench.runner.run(job)
    outcome = bench.record().outcome
    assert isinstance(outcome, Failed)
    assert (outcome.code, "secret" in outcome.message) == ("internal", False)
    assert bench.run("echo", "j2", x=1).status is JobStatus.SUCCESSFUL
