"""What the store appended is flushed: files that grew, and the folder when names are new."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qanat.flusher import Flusher


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is flushed, as the kernel is asked."""
    found: list[str] = []
    fsync = os.fsync

    def noted(opened: int) -> None:
        found.append(Path(f"/proc/self/fd/{opened}").readlink().name)
        fsync(opened)

    monkeypatch.setattr(os, "fsync", noted)
    return found


def test_only_what_has_grown_is_flushed(tmp_path: Path, synced: list[str]) -> None:
    folder = tmp_path / "aof"
    folder.mkdir()
    flusher = Flusher(folder)
    (folder / "1.incr.aof").write_bytes(b"a")
    (folder / "1.base.aof").write_bytes(b"b")

    flusher.flush()
    assert sorted(synced) == ["1.base.aof", "1.incr.aof", "aof"]

    synced.clear()
    flusher.flush()
    assert synced == []

    (folder / "1.incr.aof").write_bytes(b"aa")
    flusher.flush()
    assert synced == ["1.incr.aof"]

    synced.clear()
    (folder / "1.base.aof").unlink()
    flusher.flush()
    assert synced == ["aof"]


def test_a_folder_that_is_not_there_yet_is_no_problem(tmp_path: Path, synced: list[str]) -> None:
    Flusher(tmp_path / "none").flush()
    assert synced == []


def test_it_flushes_by_itself_and_takes_no_signals(
    tmp_path: Path, synced: list[str], until: Callable[..., Any]
) -> None:
    (tmp_path / "1.aof").write_bytes(b"a")
    with Flusher(tmp_path, seconds=0.01) as flusher:
        until(lambda: "1.aof" in synced)
        status = Path(f"/proc/self/task/{flusher._thread.native_id}/status").read_text()
    blocked = int(next(line.split()[1] for line in status.splitlines() if "SigBlk" in line), 16)
    assert all(blocked >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT))
