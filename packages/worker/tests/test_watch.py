"""Files that change in folders: seen once they are at rest, whatever programs leave beside them."""

import os
import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from qanat_worker.watch import LOOK_SECONDS, Watch, look

QUIET = 4 * LOOK_SECONDS


@pytest.fixture
def told() -> queue.Queue[None]:
    return queue.Queue()


def change(path: Path) -> None:
    path.write_text("x")


def touch(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def replace(path: Path) -> None:
    other = path.with_name(".other")
    other.write_text("same")
    found = path.stat()
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize("act", [change, touch, replace, Path.unlink])
def test_what_happens_to_a_file_is_told_once(
    tmp_path: Path, told: "queue.Queue[None]", act: Callable[[Path], None]
) -> None:
    path = tmp_path / "within" / "a.py"
    path.parent.mkdir()
    path.write_text("same")
    Watch([tmp_path], lambda: told.put(None)).start()
    act(path)
    told.get(timeout=10)
    with pytest.raises(queue.Empty):
        told.get(timeout=QUIET)


def test_what_happens_before_the_start_is_told_after_it(
    tmp_path: Path, told: "queue.Queue[None]"
) -> None:
    watch = Watch([tmp_path], lambda: told.put(None))
    (tmp_path / "a.model3").touch()
    watch.start()
    told.get(timeout=10)


def test_a_folder_may_come_later(tmp_path: Path, told: "queue.Queue[None]") -> None:
    Watch([tmp_path / "models"], lambda: told.put(None)).start()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.model3").touch()
    told.get(timeout=10)


@pytest.mark.parametrize(
    "name", [".hidden", "__pycache__/a.cpython-311.pyc", "a.py~", ".a.py.swp", "a.part", ".git/x"]
)
def test_what_programs_leave_beside_files_is_passed_over(tmp_path: Path, name: str) -> None:
    before = look([tmp_path])
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert look([tmp_path]) == before
