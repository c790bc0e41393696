"""Watches what a running job uses: time, memory of its process group, bytes in its folder."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from qanat_common.errors import MemoryLimit, OutputLimit, TimeLimit
from qanat_worker.processes import members
from qanat_worker.settings import LimitSettings

LOOK_SECONDS = 0.5
"""How often memory and folder are looked at; less often when looking takes long."""

COST = 20
"""Looking takes at most one part in so many of the time."""


class Watch:
    """Of one job, from now on. `pid` is the leader of its process group."""

    def __init__(self, limits: LimitSettings, pid: int, root: Path) -> None:
        """What process and folder hold now is not the job's, and not counted."""
        self._limits = limits
        self._pid = pid
        self._root = root
        self._began = time.monotonic()
        self._look_at = self._began + LOOK_SECONDS
        self._memory_before = _resident(pid)
        self._bytes_before = size_of(root)

    def check(self) -> None:
        """Raises the error of the limit that the job has reached."""
        now = time.monotonic()
        if now - self._began > self._limits.wall_seconds:
            raise self.time_error()
        if now < self._look_at:
            return
        self.check_output()
        if self._memory() > self._limits.memory_bytes:
            raise self.memory_error()
        self._look_at = now + max(LOOK_SECONDS, COST * (time.monotonic() - now))

    def check_output(self) -> None:
        """Raises OutputLimit when the folder holds more than it may."""
        if size_of(self._root) - self._bytes_before >= self._limits.output_bytes:
            raise self.output_error()

    def _memory(self) -> int:
        return sum(_resident(pid) for pid in members(self._pid)) - self._memory_before

    def time_error(self) -> TimeLimit:
        """The limit, in words."""
        seconds = self._limits.wall_seconds
        return TimeLimit(f"The job ran longer than the {seconds:g} seconds that it may.")

    def memory_error(self) -> MemoryLimit:
        """The limit, in words."""
        return MemoryLimit(
            f"The job needed more than the {in_words(self._limits.memory_bytes)} of memory"
            " that it may use."
        )

    def output_error(self) -> OutputLimit:
        """The limit, in words."""
        return OutputLimit(
            f"The job wrote more than the {in_words(self._limits.output_bytes)} that it may."
        )


def in_words(size: int) -> str:
    """A number of bytes, as people say it."""
    value = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


def size_of(folder: Path) -> int:
    """How many bytes the files under a folder have; links are not followed."""
    return sum(_sizes(str(folder)))


def _sizes(folder: str) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
    except OSError:
        # The job removes files while they are counted.
        return


def _resident(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(pages) * resource.getpagesize()
