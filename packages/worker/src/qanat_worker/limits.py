"""Watches what a running job uses: time, memory and number of its processes, bytes and files it makes."""

import errno
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qanat_common.errors import (
    DiskFull,
    FileLimit,
    MemoryLimit,
    OutputLimit,
    ProcessLimit,
    QanatError,
    TimeLimit,
)
from qanat_worker.processes import members
from qanat_worker.settings import LimitSettings

LOOK_SECONDS = 0.5
"""How often processes and folder are looked at; less often when looking takes long."""

COST = 20
"""Looking takes at most one part in so many of the time."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""How the kernel says that a disk takes no more."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a folder holds: files and folders, and bytes in all."""

    files: int
    size: int


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
        self._processor_before = _processor_seconds(pid)
        self._before = usage_of(root)

    def check(self) -> None:
        """Raises the error of the limit that the job has reached."""
        now = time.monotonic()
        if now - self._began > self._limits.wall_seconds:
            raise self.time_error()
        if now < self._look_at:
            return
        self.check_output()
        self._check_processes()
        self._look_at = now + max(LOOK_SECONDS, COST * (time.monotonic() - now))

    def check_output(self) -> None:
        """Raises OutputLimit or FileLimit when the folder holds more than it may."""
        now = usage_of(self._root)
        if now.size - self._before.size >= self._limits.output_bytes:
            raise self.output_error()
        if now.files - self._before.files > self._limits.files:
            raise FileLimit(
                f"The job made more than the {self._limits.files} files and folders that it may."
            )

    def _check_processes(self) -> None:
        pids = members(self._pid)
        if len(pids) > self._limits.processes:
            raise ProcessLimit(
                f"The job had more than the {self._limits.processes} processes that it may."
            )
        if sum(_resident(pid) for pid in pids) - self._memory_before > self._limits.memory_bytes:
            raise self.memory_error()
        most = self._limits.cpu_seconds
        spent = sum(_processor_seconds(pid) for pid in pids) - self._processor_before
        if most is not None and spent > most:
            raise self.processor_error()

    def time_error(self) -> TimeLimit:
        """The limit, in words."""
        seconds = self._limits.wall_seconds
        return TimeLimit(f"The job ran longer than the {seconds:g} seconds that it may.")

    def processor_error(self) -> TimeLimit:
        """The limit, in words."""
        seconds = self._limits.cpu_seconds
        if seconds is None:
            return self.time_error()
        return TimeLimit(
            f"The job needed more than the {seconds} seconds of processor time that it may use."
        )

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


def disk_error(error: OSError) -> QanatError | None:
    """What a client may know of an error of the file system: only that a disk is full."""
    if error.errno not in FULL:
        return None
    return DiskFull("The worker has no space left for the files of the job.")


def open_error(error: OSError, limits: LimitSettings) -> QanatError | None:
    """What it means that no more files could be opened."""
    if error.errno != errno.EMFILE:
        return None
    return FileLimit(
        f"The job opened more than the {limits.open_files} files that it may at a time."
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
    return usage_of(folder).size


def usage_of(folder: Path) -> Usage:
    """What a folder holds; links are not followed."""
    sizes = list(_sizes(str(folder)))
    return Usage(len(sizes), sum(sizes))


def _sizes(folder: str) -> Iterator[int]:
    """The size of each file and folder below; that of a folder is none."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield 0
                    yield from _sizes(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
                else:
                    yield 0
    except OSError:
        # The job removes files while they are counted.
        return


def _resident(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(pages) * resource.getpagesize()


def _processor_seconds(pid: int) -> float:
    """What a process has used, and those of its children that have ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(word) for word in told.rpartition(")")[2].split()[11:15]) / _TICKS
