"""One person's engine: started as the worker starts it, for as long as a command takes.

A job that is run here is confined and limited as one of a client is; no broker and no store is
needed.
"""

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qanat_common.errors import InputRejected, NoSuchProcess, QanatError
from qanat_common.ogc import OutputRequest, Process
from qanat_common.protocol import Inputs, LocalFile, Offer, ResolvedInputs
from qanat_worker import sandbox
from qanat_worker.attending import attend
from qanat_worker.child import words_for
from qanat_worker.children import Children
from qanat_worker.fetch import Fetcher
from qanat_worker.launch import engine_start
from qanat_worker.limits import Watch
from qanat_worker.pipe import Order
from qanat_worker.port import Feedback, Produced, Task
from qanat_worker.settings import WorkerSettings
from qanat_worker.warm import Capabilities, Child

FILES = ".files"
"""Folder of the files that were given, in the job's own."""


class JobEnded(Exception):
    """A job has no results; the text says why."""


@dataclass(frozen=True)
class Files:
    """Files of this machine that are inputs: name → paths, in the order in which they were given."""

    paths: Mapping[str, list[Path]]

    def put_into(self, folder: Path) -> ResolvedInputs:
        """Copies of them, below the folder of a job."""
        made: ResolvedInputs = {}
        for name, paths in self.paths.items():
            found = [
                self._copy(path, folder / FILES / name / str(at)) for at, path in enumerate(paths)
            ]
            made[name] = found[0] if len(found) == 1 else [*found]
        return made

    def _copy(self, path: Path, place: Path) -> LocalFile:
        place.mkdir(parents=True)
        return LocalFile(path=shutil.copy(path, place), name=path.stem)


MOST_ALIKE = 3


def alike(process_id: str, known: Sequence[str]) -> list[str]:
    """The ids that somebody may have meant: of the same name, then of a similar one."""
    name = process_id.rpartition(":")[2].lower()
    same = [each for each in known if each.rpartition(":")[2].lower() == name]
    lowered = {each.lower(): each for each in known}
    close = difflib.get_close_matches(process_id.lower(), lowered, MOST_ALIKE, 0.75)
    return list(dict.fromkeys([*same, *(lowered[each] for each in close)]))[:MOST_ALIKE]


class Desk:
    """The engine, and what it offers."""

    def __init__(self, settings: WorkerSettings, folder: Path, log_level: str) -> None:
        """`folder` is for the engine's home and the job; nothing of it is kept."""
        self._settings = settings
        self._folder = folder
        self._able: list[Capabilities] = []
        self._children = Children(engine_start(settings, folder, log_level), self._able.append)

    def start(self) -> None:
        """Raises EngineFailed."""
        self._children.start()

    def close(self) -> None:
        """End all its processes."""
        self._children.close()

    @property
    def able(self) -> Capabilities:
        """What the engine is."""
        return self._able[-1]

    @property
    def offer(self) -> Offer:
        """What it offers and refuses."""
        return self.able.offer

    def process(self, process_id: str) -> Process:
        """A description; raises NoSuchProcess with the reason, where one is known."""
        known = self.offer.aliases.get(process_id, process_id)
        for process in self.offer.processes:
            if process.id == known:
                return process
        refused = {refusal.id: refusal.reason for refusal in self.offer.refused}
        if known in refused:
            raise NoSuchProcess(f"{process_id}: {refused[known]}.")
        near = alike(process_id, [process.id for process in self.offer.processes])
        hint = f"; there is {' and '.join(near)}" if near else ""
        raise NoSuchProcess(f"{process_id}: there is no such process{hint}.")

    def run(
        self,
        process: Process,
        inputs: Inputs,
        files: Files,
        outputs: dict[str, OutputRequest] | None,
        told: Feedback,
    ) -> dict[str, Produced]:
        """Run a job once; what it made lies in the folder.

        Raises JobEnded, and InputRejected where what was given is wrong.
        """
        root = self._folder / "job"
        folder = sandbox.make_folders(root)
        try:
            resolved = Fetcher(self._settings.fetch).resolve(inputs, folder, lambda: False)
        except QanatError as error:
            raise JobEnded(error.detail) from error
        task = Task(
            process_id=process.id,
            inputs={**resolved, **files.put_into(folder)},
            outputs=outputs,
            folder=str(folder),
        )
        child = self._children.take(lambda: False)
        assert child is not None  # noqa: S101 - nothing stops the waiting
        try:
            child.order(Order(task=task, limits=self._settings.limits, root=str(root)))
            return self._attend(child, Watch(self._settings.limits, child.pid, root), told)
        finally:
            child.end()

    def _attend(self, child: Child, watch: Watch, told: Feedback) -> dict[str, Produced]:
        try:
            return attend(child, watch, told)
        except InputRejected:
            raise
        except QanatError as error:
            raise JobEnded(error.detail) from error
        except EOFError:
            code = child.code()
            why = words_for(code) if code is not None else ""
            raise JobEnded(f"The job's process crashed. {why}") from None


@contextmanager
def at(settings: WorkerSettings, log_level: str) -> Iterator[Desk]:
    """A desk while it is needed; raises EngineFailed."""
    with tempfile.TemporaryDirectory(prefix="qanat-") as folder:
        desk = Desk(settings.model_copy(update={"spares": 1}), Path(folder), log_level)
        try:
            desk.start()
            yield desk
        finally:
            desk.close()
