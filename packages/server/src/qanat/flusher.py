"""Has what the embedded Valkey appended written to the disk each second, from outside of it."""

import logging
import os
import signal
import threading
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

SECONDS = 1.0


class Flusher:
    """Flushes the append-only files in a folder as long as it is entered, in a thread of its own.

    Why not Valkey's own `appendfsync everysec`: while the disk is busy it answers writes that it
    has not yet given to the kernel, for up to two seconds, and a kill -9 loses them. Here each
    write is with the kernel before it is answered, and only a power failure can lose the last second.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        """`folder` may not be there yet."""
        self._folder = folder
        self._seconds = seconds
        self._sizes: dict[Path, int] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flusher", daemon=True)

    def __enter__(self) -> "Flusher":
        """Begin. Signals stay with the other threads."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End: Valkey has written all when it was stopped in order."""
        self._ending.set()
        self._thread.join(self._seconds)

    def _run(self) -> None:
        while not self._ending.wait(self._seconds):
            try:
                self.flush()
            except OSError as error:
                logger.error("the store cannot be written to the disk: %s", error.strerror)  # noqa: TRY400 - one fact, one line

    def flush(self) -> None:
        """Have the files that have grown, and the names of new ones, written to the disk."""
        sizes = {path: path.stat().st_size for path in self._folder.glob("*.aof")}
        for path, size in sizes.items():
            if self._sizes.get(path) != size:
                _synced(path)
        if sizes.keys() != self._sizes.keys():
            _synced(self._folder)
        self._sizes = sizes


def _synced(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
