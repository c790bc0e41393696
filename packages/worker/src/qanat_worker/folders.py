"""The folder of this worker under the work folder that several may share: locked while it lives."""

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
        making.rename(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


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
