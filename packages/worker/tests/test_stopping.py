"""A job that is to stop: dismissed, or given back by a worker that stops."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qanat_common.ogc import JobStatus


def pids(marker: Path) -> list[int]:
    """Those that the process `family` has written down, once it has."""
    text = marker.read_text() if marker.exists() else ""
    return [int(word) for word in text.split()] if text.count(" ") == 2 else []


def test_a_job_dismissed_while_it_runs_is_gone_with_all_its_processes(
    bench: Any, until: Callable[..., Any], alive: Callable[[int], bool], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    running = bench.begin("family", x=str(marker))
    family = until(lambda: pids(marker))
    bench.store.dismiss("j1")
    until(lambda: not any(alive(pid) for pid in family), 4)
    running.join(2)
    assert not running.given_back
    assert bench.record().status is JobStatus.DISMISSED
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize("process", ["wait", "calculate", "scribble"])
def test_a_job_dismissed_at_whatever_it_does_is_gone(
    bench: Any,
    until: Callable[..., Any],
    alive: Callable[[int], bool],
    tmp_path: Path,
    process: str,
) -> None:
    marker = tmp_path / "marker"
    running = bench.begin(process, x=str(marker))
    pid = int(until(lambda: marker.exists() and marker.read_text()))
    bench.store.dismiss("j1")
    until(lambda: not alive(pid), 5)
    running.join(5)
    assert bench.record().status is JobStatus.DISMISSED
    assert list(bench.folder.iterdir()) == []


def test_what_a_job_started_ends_with_it(
    bench: Any, until: Callable[..., Any], alive: Callable[[int], bool], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    bench.run("family", x=str(marker), leave=True)
    until(lambda: not any(alive(pid) for pid in pids(marker)), 2)


def test_a_job_removed_while_it_runs_is_stopped(
    bench: Any, until: Callable[..., Any], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    running = bench.begin("wait", x=str(marker))
    until(marker.exists)
    bench.store.remove("j1")
    running.join(4)
    assert not running.is_alive()


def test_files_of_a_job_dismissed_at_its_very_end_are_taken_away(
    bench: Any, monkeypatch: Any
) -> None:
    put = bench.storage.put

    def dismissed_meanwhile(key: str, path: Path) -> int:
        bench.store.dismiss("j1")
        return int(put(key, path))

    monkeypatch.setattr(bench.storage, "put", dismissed_meanwhile)
    assert bench.run("file").status is JobStatus.DISMISSED
    assert bench.storage.size("jobs/j1/out_1.txt") is None


def test_a_worker_that_stops_gives_its_jobs_back(
    make_bench: Callable[..., Any],
    until: Callable[..., Any],
    alive: Callable[[int], bool],
    tmp_path: Path,
) -> None:
    bench, marker = make_bench(), tmp_path / "marker"
    running = bench.begin("wait", x=str(marker))
    until(lambda: marker.exists() and marker.read_text())
    pid = int(marker.read_text())
    bench.runner.give_back()
    running.join(2)
    assert running.given_back
    until(lambda: not alive(pid), 2)
    assert bench.record().status is JobStatus.RUNNING
    bench.pulse.leave()

    other = make_bench(boot="b2")
    marker.unlink()
    again = other.begin("wait", x=str(marker))
    until(marker.exists)
    assert other.record().attempt == 2
    marker.unlink()
    again.join(5)
    assert other.record().status is JobStatus.SUCCESSFUL
