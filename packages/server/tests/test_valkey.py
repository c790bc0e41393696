"""The embedded Valkey: real, private, and it keeps what it has."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qanat.folder import DataFolder
from qanat.problems import CannotStart
from qanat.process import Process
from qanat.valkey import Valkey, find_binary
from qanat_common.ogc import JobStatus
from qanat_common.protocol import RunJob
from qanat_common.store import Store

HOLDS_LOCK = """
import sys
from pathlib import Path
from qanat.folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(until: Callable[..., Any]) -> Iterator[Callable[[Valkey], Process]]:
    made: list[Process] = []

    def begin(valkey: Valkey) -> Process:
        made.append(Process(valkey.part()))
        until(valkey.answers)
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        until(lambda process=process: process.ended() is not None)


@contextlib.contextmanager
def data_folder(path: Path) -> Iterator[DataFolder]:
    folder = DataFolder(path)
    yield folder
    os.close(folder.lock)


def a_job() -> RunJob:
    return RunJob.model_validate(
        {"job_id": "j1", "process_id": "p", "service": "s", "created": "2026-01-01T00:00:00Z"}
    )


@pytest.mark.parametrize("fsync", ["everysec", "always"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_written_is_there_after_it_was_ended(
    tmp_path: Path,
    start: Callable[[Valkey], Process],
    until: Callable[..., Any],
    number: int,
    fsync: str,
) -> None:
    with data_folder(tmp_path) as folder:
        valkey = Valkey(folder, None, fsync)
        process = start(valkey)
        store = Store(valkey.store_url)
        store.accept(a_job())

        os.kill(process.pid, number)
        until(lambda: process.ended() is not None)
        start(valkey)

        record = store.get("j1")
        store.close()
        appended = [path.name for path in valkey.appended.iterdir()]
    assert record is not None
    assert "appendonly.aof.manifest" in appended
    assert record.status is JobStatus.ACCEPTED


def test_only_its_user_can_reach_it(tmp_path: Path, start: Callable[[Valkey], Process]) -> None:
    with data_folder(tmp_path / "d") as folder:
        valkey = Valkey(folder, None)
        process = start(valkey)
        sockets = Path(f"/proc/{process.pid}/net/unix").read_text()
        command = Path(f"/proc/{process.pid}/cmdline").read_text()

        assert str(folder.socket_path()) in sockets
        assert stat.S_IMODE(folder.socket_path().stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.run.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert "*:" not in command


@pytest.mark.parametrize("name", ["x" * 90, "with space", "what?", "ä"])
def test_a_folder_whose_name_fits_no_socket_or_url_has_its_socket_elsewhere(
    tmp_path: Path, start: Callable[[Valkey], Process], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with data_folder(tmp_path / name) as folder:
        path = folder.socket_path()
        valkey = Valkey(folder, None)
        start(valkey)

        store = Store(valkey.store_url)
        store.ping()
        store.close()
        assert len(os.fsencode(path)) < 100
        assert tmp_path not in path.parents
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.unlink()
    path.parent.rmdir()


def test_a_second_one_on_the_same_folder_is_told_who_has_it(tmp_path: Path) -> None:
    with (
        data_folder(tmp_path),
        pytest.raises(CannotStart, match=rf"process {os.getpid()}.*server\.data_folder"),
    ):
        DataFolder(tmp_path)


def test_the_next_one_waits_for_what_a_killed_one_left(tmp_path: Path) -> None:
    """A Valkey whose all-in-one was killed still writes for a moment: it holds the lock too."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_LOCK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"locked\n"
        (tmp_path / "lock").write_text("4194305")  # a process that is no more, as above pid_max
        threading.Timer(0.3, holder.kill).start()

        with data_folder(tmp_path) as folder:
            assert (folder.path / "lock").read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_made_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"server\.data_folder.*file/data: Not a directory"):
        DataFolder(tmp_path / "file" / "data")


def test_the_binary_of_the_setting_goes_before_all_others(tmp_path: Path) -> None:
    binary = tmp_path / "valkey"
    binary.touch()

    assert find_binary(binary) == binary
    with pytest.raises(CannotStart, match=r"server\.valkey_binary"):
        find_binary(tmp_path / "none")


def test_the_binary_that_comes_with_us_is_found() -> None:
    assert find_binary(None).is_file()
