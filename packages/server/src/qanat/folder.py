"""The data folder: private to its user, and to one all-in-one at a time."""

import fcntl
import hashlib
import os
import re
import stat
import tempfile
import time
from pathlib import Path

from qanat.problems import CannotStart
from qanat.settings import PUBLISHED

LONGEST_SOCKET = 100
"""A path of a unix socket may have 107 bytes on Linux."""

PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""What a path may consist of, to stand in a URL as it is."""

PATIENCE_SECONDS = 6.0
"""How long to wait for what a killed all-in-one left to end: its Valkey holds the lock as well."""


class DataFolder:
    """A data folder that is ours; `lock` is the open file that makes it so."""

    def __init__(self, path: Path) -> None:
        """Raises CannotStart when the folder cannot be made, or another all-in-one has it."""
        self.path = path.absolute()
        try:
            published = [self.path / name for name in PUBLISHED]
            for folder in (self.path, self.valkey, self.run, *published):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStart(f"server.data_folder: {path}: {error.strerror}") from error
        self._take_lock()

    @property
    def valkey(self) -> Path:
        """Where the embedded Valkey keeps its data."""
        return self.path / "valkey"

    @property
    def run(self) -> Path:
        """What is of use only while the all-in-one runs; may hold secrets."""
        return self.path / "run"

    def socket_path(self) -> Path:
        """Where the embedded Valkey listens: in the data folder, or in a short one when too long."""
        path = self.run / "valkey.sock"
        if len(os.fsencode(path)) < LONGEST_SOCKET and PLAIN.fullmatch(str(path)):
            return path
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return _private(_runtime_folder() / f"qanat-{os.getuid()}-{digest}") / "valkey.sock"

    def _take_lock(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.pread(self.lock, 20, 0).decode("ascii", "replace").strip()
                if _lives(holder) or time.monotonic() > end:
                    raise CannotStart(
                        f"another pyqgiswps (process {holder or 'unknown'}) runs on {self.path}:"
                        " stop it, or set server.data_folder."
                    ) from error
                time.sleep(0.05)
            else:
                os.ftruncate(self.lock, 0)
                os.pwrite(self.lock, str(os.getpid()).encode(), 0)
                return


def _lives(process: str) -> bool:
    return process.isdigit() and Path("/proc", process).exists()


def _runtime_folder() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    short = len(os.fsencode(given)) < LONGEST_SOCKET / 2 and PLAIN.fullmatch(given)
    return Path(given) if short and Path(given).is_dir() else Path(tempfile.gettempdir())


def _private(folder: Path) -> Path:
    """A folder that is ours alone; somebody else may have made one of that name."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotStart(f"{folder} is not a folder of this user alone: remove it")
    return folder
