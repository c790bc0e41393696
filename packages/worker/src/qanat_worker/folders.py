"""The folder of this worker under the work folder that several may share: locked while it lives.

The lock has the number of the process that holds it, so that others can speak to it.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

LOCK = "lock"


@contextmanager
def own_folder(shared: Path, boot: str) -> Iterator[Path]:
    """A new folder of this worker, removed at the end; what dead workers left is removed first.

    Raises OSError when the shared folder cannot be made or written.
    """
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(shared)
    folder = shared / boot
    # Made under another name until it is locked: an unlocked one is taken for a dead worker's.
    making = shared / f".{boot}"
    making.mkdir(mode=0o700)
    lock = os.open(making / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, str(os.getpid()).encode())
        making.rename(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def residents(shared: Path) -> list[int]:
    """The processes of the workers of this machine that share a work folder, as far as they may be seen."""
    locks = sorted(shared.glob(f"*/{LOCK}"))
    return [pid for lock in locks if (pid := _holder(lock)) is not None]


def _holder(lock: Path) -> int | None:
    """The process that has a lock open; what is written there may be of a dead one, or another machine's."""
    try:
        pid = int(lock.read_text("ascii"))
        opened = Path(f"/proc/{pid}/fd").iterdir()
        return pid if any(_is_same(each, lock) for each in opened) else None
    except (OSError, ValueError):
        return None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _sweep(shared: Path) -> None:
    for folder in shared.iterdir():
        if _is_dead(folder):
            logger.info("removing the folder of a dead worker: %s", folder.name)
            shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(lock)
