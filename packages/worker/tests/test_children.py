"""Warm parents and spare children: ready ahead of their jobs, replaced when lost."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Thread, get_ident
from typing import Any

import pytest

from qanat_common.ogc import JobStatus
from qanat_worker.children import EngineFailed
from qanat_worker.tally import Tally

FORKS = 6
"""How many processes are made for four jobs, where two are to stand ready."""


def spares(bench: Any) -> list[int]:
    pid = bench.children.parent_pid
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text() if pid else ""
    return [int(word) for word in text.split()]


def test_as_many_spares_as_asked_for_stand_ready(
    make_bench: Callable[..., Any], until: Callable[..., Any]
) -> None:
    bench = make_bench(spares=3)
    until(lambda: len(spares(bench)) == 3)
    bench.run("echo", x=1)
    until(lambda: len(spares(bench)) == 3)


def test_a_child_runs_one_job_only(bench: Any) -> None:
    leaders = {bench.run("where", f"j{n}").outcome.outputs["group"].value[0] for n in range(4)}
    assert len(leaders) == 4


@pytest.mark.parametrize("at", range(1, FORKS + 2))
def test_a_fork_that_fails_costs_no_job(
    make_bench: Callable[..., Any], until: Callable[..., Any], tmp_path: Path, at: int
) -> None:
    tally, marker = Tally(), tmp_path / "marker"
    bench = make_bench(failing_fork=at, usage=tally)
    running = bench.begin("wait", x=str(marker))
    until(marker.exists)
    for number in range(3):
        assert bench.run("echo", f"e{number}", x=number).status == "successful"
    marker.unlink()
    running.join(10)
    assert bench.record().status == "successful"
    assert bench.record().attempt == 1
    until(lambda: tally.metrics.get_sample_value("qps_worker_warm_forks_total") == FORKS)


def test_a_child_rehearses_before_its_job_comes(
    make_bench: Callable[..., Any], until: Callable[..., Any], caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    bench = make_bench(environment={"FAKE_REHEARSAL_TOLD": "1"})
    until(lambda: caplog.text.count("rehearsed") == 2)
    seen = bench.values("where")
    assert seen["environ"]["REHEARSED_IN"] == str(seen["group"][0])


def test_a_rehearsal_that_fails_is_logged_and_the_job_runs(
    make_bench: Callable[..., Any], until: Callable[..., Any], caplog: Any
) -> None:
    bench = make_bench(environment={"FAKE_STAGE_FRIGHT": "1"})
    until(lambda: "stage fright" in caplog.text)
    assert bench.values("echo", x=1) == {"x": 1}


def test_a_spare_that_died_is_passed_over(bench: Any, until: Callable[..., Any]) -> None:
    until(lambda: len(spares(bench)) == 2)
    died = spares(bench)
    for pid in died:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in died))
    assert bench.values("echo", x=1) == {"x": 1}
    until(lambda: len(spares(bench)) == 2)


def test_a_lost_warm_parent_is_replaced_and_jobs_wait_for_it(
    bench: Any, until: Callable[..., Any]
) -> None:
    lost = bench.children.parent_pid
    os.kill(lost, signal.SIGKILL)
    until(lambda: bench.children.parent_pid != lost)
    assert bench.values("echo", x=1) == {"x": 1}
    assert bench.children.parent_pid != lost
    assert len(bench.ready) == 2


def test_a_job_that_ends_its_warm_parent_fails_and_the_worker_goes_on(bench: Any) -> None:
    assert bench.failure("kill_parent").code == "process-crashed"
    assert bench.run("echo", "j2", x=1).status is JobStatus.SUCCESSFUL


def test_a_reload_offers_anew_while_running_jobs_go_on(
    make_bench: Callable[..., Any], until: Callable[..., Any], tmp_path: Path
) -> None:
    version, marker = tmp_path / "version", tmp_path / "marker"
    version.write_text("1")
    bench = make_bench(version=str(version))
    running, old = bench.begin("wait", x=str(marker)), bench.children.parent_pid
    until(marker.exists)
    version.write_text("2")
    bench.children.reload()
    until(lambda: len(bench.ready) == 2)
    assert [able.versions["fake"] for able in bench.ready] == ["1", "2"]
    assert bench.run("echo", "j2", x=1).status is JobStatus.SUCCESSFUL
    assert bench.children.parent_pid != old
    assert running.is_alive()
    marker.unlink()
    running.join(5)
    assert bench.record().status is JobStatus.SUCCESSFUL
    until(lambda: not Path(f"/proc/{old}").exists(), 5)


def test_a_reload_that_fails_leaves_the_old_one_at_work(
    make_bench: Callable[..., Any], until: Callable[..., Any], tmp_path: Path, caplog: Any
) -> None:
    version = tmp_path / "version"
    version.write_text("1")
    bench = make_bench(version=str(version))
    version.unlink()
    bench.children.reload()
    until(lambda: "the old one stays" in caplog.text)
    assert bench.values("echo", x=1) == {"x": 1}
    version.write_text("2")
    bench.children.reload()
    until(lambda: len(bench.ready) == 2)


def test_a_reload_that_is_asked_for_while_one_is_under_way_follows_it(
    make_bench: Callable[..., Any], until: Callable[..., Any]
) -> None:
    bench = make_bench()
    for _ in range(3):
        bench.children.reload()
    until(lambda: len(bench.ready) == 3)
    bench.children.reload()
    until(lambda: len(bench.ready) == 4)
    assert bench.values("echo", x=1) == {"x": 1}


def test_one_that_is_asked_for_while_one_fails_follows_it_as_well(
    make_bench: Callable[..., Any], until: Callable[..., Any], tmp_path: Path
) -> None:
    version = tmp_path / "version"
    version.write_text("1")
    bench = make_bench(version=str(version))
    os.mkfifo(tmp_path / "pipe")
    version.unlink()
    version.symlink_to("pipe")
    bench.children.reload()
    # The engine that starts waits for what is written here, and cannot decode it.
    with version.open("wb") as pipe:
        bench.children.reload()
        (tmp_path / "other").write_text("2")
        (tmp_path / "next").symlink_to("other")
        (tmp_path / "next").rename(version)
        pipe.write(b"\xff")
    until(lambda: [each.versions["fake"] for each in bench.ready] == ["1", "2"])


def test_an_engine_that_refuses_to_start_says_why(make_bench: Callable[..., Any]) -> None:
    with pytest.raises(EngineFailed, match="RuntimeError: there is no QGIS"):
        make_bench(refuse="there is no QGIS")


def test_an_engine_that_dies_while_it_starts_is_noticed(make_bench: Callable[..., Any]) -> None:
    with pytest.raises(EngineFailed, match="ended while starting"):
        make_bench(mute=True)


def test_nothing_is_left_when_the_children_are_closed(
    bench: Any, until: Callable[..., Any], alive: Callable[[int], bool]
) -> None:
    until(lambda: len(spares(bench)) == 2)
    family = [bench.children.parent_pid, *spares(bench)]
    bench.children.close()
    until(lambda: not any(alive(pid) for pid in family), 2)


def test_a_signal_is_heard_while_the_engine_starts_whichever_thread_it_comes_to(
    make_bench: Callable[..., Any], tmp_path: Path
) -> None:
    version = tmp_path / "version"
    os.mkfifo(version)
    writing = []

    def signal_another_thread() -> None:
        writing.append(os.open(version, os.O_WRONLY))  # waits until the engine reads
        signal.pthread_kill(get_ident(), signal.SIGUSR1)

    def stop(_number: int, _frame: Any) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        Thread(target=signal_another_thread, daemon=True).start()
        with pytest.raises(InterruptedError):
            make_bench(version=str(version))
        os.write(writing[0], b"1")  # the engine still reads: it has not been given up
    finally:
        signal.signal(signal.SIGUSR1, before)
        os.close(writing[0])
