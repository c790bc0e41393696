"""Sees when files of some folders change, by looking: that works on every kind of file system."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25

SHARE = 50
"""A look that takes long is followed by a pause so many times as long."""

PASSED_OVER = ("~", ".swp", ".part", ".tmp", ".pyc")
"""How the names of files end that programs make for a while beside the one that is meant."""

PROJECTS = (".qgs", ".qgz")
"""How names of QGIS projects end."""

Seen = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of change, of each file."""


def look(folders: Sequence[Path], projects: Sequence[Path] = ()) -> Seen:
    """All files that are there now; a folder that is not there has none.

    Of folders of `projects` only the projects count: what lies beside them is their data.
    """
    code = (fact for folder in folders for fact in _facts(str(folder)))
    maps = (fact for folder in projects for fact in _facts(str(folder)))
    return frozenset([*code, *(fact for fact in maps if fact[0].endswith(PROJECTS))])


def _facts(folder: str) -> Iterator[tuple[str, int, int, int]]:
    for at, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        for name in names:
            path = os.path.join(at, name)  # noqa: PTH118 - of very many files, often
            if not _is_passed_over(name) and (found := _stat(path)) is not None:
                yield path, found.st_ino, found.st_size, found.st_mtime_ns


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__" or name.endswith(PASSED_OVER)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None


class Watch:
    """Calls `changed` when files of the folders have changed, and are at rest again."""

    def __init__(
        self,
        folders: Sequence[Path],
        changed: Callable[[], None],
        projects: Sequence[Path] = (),
    ) -> None:
        """What counts is what changes from now on, although it is told only after `start`."""
        self._folders = folders
        self._projects = projects
        self._changed = changed
        self._known = look(folders, projects)
        self._thread = threading.Thread(target=self._live, name="watch", daemon=True)

    def start(self) -> None:
        """Begin, in a thread; there is nothing to do without folders."""
        if self._folders or self._projects:
            self._thread.start()

    def _live(self) -> None:
        before = self._known
        while True:
            began = time.monotonic()
            now = look(self._folders, self._projects)
            if now != self._known and now == before:
                logger.info("%s changed", ", ".join(_names(now ^ self._known)))
                self._known = now
                self._changed()
            before = now
            time.sleep(max(LOOK_SECONDS, SHARE * (time.monotonic() - began)))


def _names(changed: Seen) -> list[str]:
    names = sorted({Path(fact[0]).name for fact in changed})
    return names if len(names) <= 3 else [*names[:3], f"and {len(names) - 3} more files"]
