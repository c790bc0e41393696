"""Each limit ends a job with a failure of its own, that says the number."""

import errno
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qanat_worker import sandbox
from qanat_worker.limits import in_words, size_of
from qanat_worker.settings import LimitSettings

MIB = 1 << 20


def limits(**given: float) -> LimitSettings:
    return LimitSettings.model_validate({"wall_seconds": 30, "memory_bytes": 512 * MIB} | given)


def test_a_job_that_runs_too_long_fails(make_bench: Callable[..., Any], tmp_path: Path) -> None:
    bench = make_bench(limits(wall_seconds=0.5))
    failure = bench.failure("wait", x=str(tmp_path / "marker"))
    assert failure.code == "time-limit"
    assert "0.5 seconds" in failure.message


def test_a_job_that_takes_too_much_memory_fails(make_bench: Callable[..., Any]) -> None:
    failure = make_bench(limits(memory_bytes=64 * MIB)).failure("eat")
    assert failure.code == "memory-limit"
    assert "64 MiB" in failure.message


def test_an_allocation_that_fails_in_c_plus_plus_is_told_as_the_memory_limit(bench: Any) -> None:
    assert bench.failure("bad_alloc").code == "memory-limit"


def test_memory_is_counted_over_all_processes_of_a_job(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(limits(memory_bytes=100 * MIB))
    failure = bench.failure("eat_in_tools", x=70 * MIB)
    assert failure.code == "memory-limit"


def test_memory_that_the_warm_parent_had_is_not_counted(make_bench: Callable[..., Any]) -> None:
    assert make_bench(limits(memory_bytes=8 * MIB)).values("echo", x=1) == {"x": 1}


@pytest.mark.parametrize("process", ["write", "write_one"])
def test_a_job_that_writes_too_much_fails(make_bench: Callable[..., Any], process: str) -> None:
    failure = make_bench(limits(output_bytes=5 * MIB)).failure(process)
    assert failure.code == "output-limit"
    assert "5 MiB" in failure.message


def test_an_output_that_is_too_large_fails_even_when_the_job_was_quick(
    make_bench: Callable[..., Any],
) -> None:
    failure = make_bench(limits(output_bytes=2000)).failure("file", x=2000)
    assert failure.code == "output-limit"


def test_the_kernels_limit_on_processor_time_is_told_as_the_time_limit(bench: Any) -> None:
    assert bench.failure("crash", x=int(signal.SIGXCPU)).code == "time-limit"


@pytest.mark.parametrize("in_tools", [False, True])
def test_a_job_that_uses_too_much_processor_time_fails(
    make_bench: Callable[..., Any], in_tools: bool
) -> None:
    failure = make_bench(limits(cpu_seconds=1)).failure("burn", x=in_tools)
    assert failure.code == "time-limit"
    assert "1 seconds of processor time" in failure.message


def test_a_job_that_makes_too_many_files_fails(make_bench: Callable[..., Any]) -> None:
    failure = make_bench(limits(files=200)).failure("litter")
    assert failure.code == "file-limit"
    assert "200 files" in failure.message


def test_a_job_that_starts_too_many_processes_fails_and_none_is_left(
    make_bench: Callable[..., Any],
) -> None:
    bench = make_bench(limits(processes=5))
    failure = bench.failure("multiply")
    assert failure.code == "process-limit"
    assert "5 processes" in failure.message
    assert bench.run("echo", "j2", x=1).status == "successful"


def test_a_job_can_open_so_many_files_and_no_more(make_bench: Callable[..., Any]) -> None:
    opened = make_bench(limits(open_files=100)).values("open_many")["opened"]
    assert 0 < opened < 100


def test_a_job_that_opens_too_many_files_fails(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(limits(open_files=100))
    failure = bench.failure("open_too_many")
    assert failure.code == "file-limit"
    assert "100 files" in failure.message
    assert bench.run("echo", "j2", x=1).status == "successful"


def test_a_full_disk_is_told_as_one_without_a_path(bench: Any) -> None:
    failure = bench.failure("full_disk")
    assert failure.code == "disk-full"
    assert "secret" not in failure.message


def test_a_disk_that_is_full_before_the_job_begins_is_told_alike(
    bench: Any, monkeypatch: Any
) -> None:
    def full(root: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(root))

    monkeypatch.setattr(sandbox, "make_folders", full)
    assert bench.failure("echo", x=1).code == "disk-full"
    monkeypatch.undo()
    assert bench.run("echo", "j2", x=1).status == "successful"


def test_a_number_of_bytes_is_said_as_people_say_it() -> None:
    assert [in_words(size) for size in (1, 1023, 1024, 3 << 19, 1 << 40)] == [
        "1 bytes",
        "1023 bytes",
        "1 KiB",
        "1.5 MiB",
        "1 TiB",
    ]


def test_links_are_not_followed_when_a_folder_is_measured(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_bytes(b"123")
    (tmp_path / "inner" / "loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert size_of(tmp_path) == 8
