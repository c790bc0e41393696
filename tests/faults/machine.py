"""The disk and the clock of a system under attack."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from qanat.valkey import find_binary

DISK_MIB = 64
UMOUNT = ("umount", "--lazy")
CLOCK_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@dataclass
class Disk:
    """The folder of a system: a small file system of its own where we may mount one."""

    folder: Path
    mounted: bool = False

    @property
    def ballast(self) -> Path:
        """What fills it."""
        return self.folder / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with self.ballast.open("ab", buffering=0) as file, suppress(OSError):
            for piece in (1 << 16, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"\0" * piece)

    def free(self) -> None:
        """Give the space back."""
        self.ballast.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A tmpfs at a folder, as root; else the folder as it is."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "qanat-faults"]
    mounted = (
        os.getuid() == 0
        and subprocess.run([*command, str(folder)], capture_output=True, check=False).returncode
        == 0
    )
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run([*UMOUNT, str(folder)], check=True)


@dataclass
class Clock:
    """The clock of the store, which is that of the records: stepped by libfaketime, if it is there."""

    file: Path
    steps: bool = bool(CLOCK_LIBRARIES)

    def environ(self) -> dict[str, str]:
        """What makes a process go by it."""
        if not self.steps:
            return {}
        self.step(0)
        return {
            "LD_PRELOAD": str(CLOCK_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def server(self) -> Path:
        """A Valkey that goes by this clock; Python's own sleep does not bear it."""
        script = self.file.with_name("valkey-server")
        words = " ".join(f"{name}={value}" for name, value in self.environ().items())
        binary = find_binary(None)
        script.write_text(f'#!/bin/sh\nexec env {words} {binary} "$@"\n')
        script.chmod(0o700)
        return script

    def step(self, seconds: int) -> None:
        """Put it so many seconds from the true time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.replace(self.file)
