"""Published projects: surveyed in processes of their own, kept unread in the warm parent, opened in jobs.

The warm parent opens no data: a file or connection that is open before a fork is shared by all jobs.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsDataProvider, QgsMapLayer, QgsProject, QgsVectorLayer

from qanat_common.errors import AlgorithmFailed, NoSuchProject
from qanat_common.ogc import Process
from qanat_common.protocol import Inline, Message, Named, Project, Refusal, ResolvedInputs
from qanat_worker.engine import contents, storages, trial
from qanat_worker.engine.feedback import scrubbed
from qanat_worker.engine.numbers import number
from qanat_worker.engine.publications import NAME, found_in
from qanat_worker.engine.scripts import NotPublished

logger = logging.getLogger(__name__)

SUFFIXES = (".qgs", ".qgz")

KEPT = 64
"""So many projects are kept in the warm parent; jobs in others read them anew."""

SCANNED = 1 << 20
"""Texts of a job up to so many characters are searched for names of layers."""

_EXPRESSION = 3
"""QGIS's number of a field whose origin is an expression."""

OwnProcesses = Callable[[], list[Process | Refusal]]
"""Describes the algorithms of the project that is open."""


class Survey(Message):
    """What the process that has read a project tells of it.

    `files` has the state of each file that its layers are read from; None when a layer has none.
    """

    project: Project
    refused: list[Refusal]
    files: dict[str, int] | None = None

    def holds(self) -> bool:
        """Whether it would be the same now: databases are never taken to have stayed as they were."""
        return self.files is not None and all(
            contents.state_of(Path(path)) == state for path, state in self.files.items()
        )


@dataclass(frozen=True)
class Sources:
    """Where projects are: folders of files, and name → address of those in other storages.

    `reach` is what jobs may reach; `kept` is a folder for copies of projects that are no files, and
    for surveys, so that the next warm parent need not make them again.
    """

    folders: Sequence[Path] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    reach: contents.Reach = field(default_factory=contents.Reach)
    kept: Path | None = None


class Projects:
    """All projects that are published."""

    def __init__(self, sources: Sources, own_processes: OwnProcesses) -> None:
        """Survey them all; one that cannot be read is refused, and stops nothing else."""
        own = QgsProject.instance()
        assert own is not None  # noqa: S101 - QGIS has started
        self._own = self._current = own
        self._sources = sources
        self._own_processes = own_processes
        self._addresses: dict[str, str] = {}
        self._kept: dict[str, QgsProject] = {}
        self.offered: list[Project] = []
        self.refused: list[Refusal] = []
        for name, address in self._all():
            self._publish(name, address)

    def _all(self) -> Iterator[tuple[str, str]]:
        for path in found_in(self._sources.folders, _project_files):
            yield path.stem, str(path)
        yield from self._sources.addresses.items()

    def _publish(self, name: str, address: str) -> None:
        try:
            if not NAME.fullmatch(name):
                raise NotPublished(f"its name {name!r} cannot stand in an address: rename it")
            if name in self._addresses:
                raise NotPublished(f"another one is named {name} as well")
            storages.check(address)
            survey = self._survey(name, address)
            copy = storages.copy_of(address, self._sources.kept)
            address = str(copy or address)
            self._addresses[name] = address
            self.offered.append(survey.project)
            self.refused += survey.refused
            for refusal in survey.refused:
                logger.warning("%s is not offered: %s", refusal.id, refusal.reason)
            if Path(address).is_file() and len(self._kept) < KEPT:
                self._keep(name, address)
        except NotPublished as error:
            logger.error("the project %s is not published: %s", name, error)  # noqa: TRY400 - in words
            reason = f"it cannot be loaded: {error}"
            self.refused.append(Refusal(id=f"project:{name}", reason=reason))

    def _survey(self, name: str, address: str) -> Survey:
        """By a process that may open data and connections, for it makes no jobs."""
        kept = self._place(name, address)
        if kept is not None and kept.is_file():
            before = Survey.model_validate_json(kept.read_bytes())
            if before.holds():
                return before
        survey = Survey.model_validate_json(trial.answer(lambda: self._surveyed(name, address)))
        if kept is not None and survey.files is not None:
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(survey.model_dump_json(by_alias=True).encode())
        return survey

    def _place(self, name: str, address: str) -> Path | None:
        """Where the survey of a file is kept, as long as the file does not change."""
        if self._sources.kept is None or not Path(address).is_file():
            return None
        state = Path(address).stat()
        readable = [str(path) for path in self._sources.reach.readable or ()]
        facts = json.dumps([name, address, state.st_ino, state.st_mtime_ns, readable])
        return self._sources.kept / f"{hashlib.sha256(facts.encode()).hexdigest()}.json"

    def _surveyed(self, name: str, address: str) -> str:
        copy = storages.copy_of(address, self._sources.kept)
        if copy is not None:
            storages.make_copy(address, copy)
        read(self._own, str(copy or address))
        project = contents.survey(self._own, name, self._sources.reach)
        refused = contents.refusals(self._own, name, self._sources.reach)
        own = self._own_processes()
        project = project.model_copy(
            update={"processes": [each for each in own if isinstance(each, Process)]}
        )
        refused += [each for each in own if isinstance(each, Refusal)]
        files = contents.states(self._own)
        return Survey(project=project, refused=refused, files=files).model_dump_json(by_alias=True)

    def _keep(self, name: str, address: str) -> None:
        """Have it read for jobs, without its data; not if reading it leaves a file open."""
        before = _open_files()
        project = QgsProject()
        read(project, address, unread=True)
        if _open_files() <= before:
            self._kept[name] = project

    def processes(self, name: str) -> dict[str, Process]:
        """The processes that a project has itself."""
        found = (each for each in self.offered if each.name == name)
        return {process.id: process for project in found for process in project.processes}

    def none(self) -> None:
        """The job names none: its own, which its `Workspace` empties, is the one of this process."""
        self._become(self._own)

    def open(self, name: str, whole: bool, inputs: ResolvedInputs) -> QgsProject:
        """A project for a job, as the one of this process, in which many algorithms look.

        The data of all layers is open when it is `whole`; else of those that the inputs speak of.
        Raises NoSuchProject, AlgorithmFailed.
        """
        address = self._addresses.get(name)
        if address is None:
            raise NoSuchProject(f"There is no project {name!r} here.")
        try:
            if not whole and (project := self._in_part(name, address, inputs)):
                return project
            self._become(self._own)
            read(self._own, address)
        except NotPublished as error:
            raise AlgorithmFailed(f"The project {name!r} cannot be opened now: {error}") from error
        return self._own

    def _in_part(self, name: str, address: str, inputs: ResolvedInputs) -> QgsProject | None:
        """With the data of those layers; None where one of them needs others."""
        project = self._kept.pop(name, None)
        if project is None:
            project = QgsProject()
            read(project, address, unread=True)
        wanted = list(_spoken_of(contents.named(project), inputs))
        if any(_is_of_others(layer) for layer in wanted):
            return None
        self._become(project)
        for layer in wanted:
            resolve(layer)
        return None if any(_has_expressions(layer) for layer in wanted) else project

    def _become(self, project: QgsProject) -> None:
        QgsProject.setInstance(project)
        # The one before is let go only now that nothing points to it.
        self._current = project


def read(project: QgsProject, address: str, *, unread: bool = False) -> None:
    """Read a project, `unread` without its data; nothing of it tells then where it lies.

    Raises NotPublished. Macros and Python that a project brings are run by QGIS Desktop alone.
    """
    if not (project.read(address, _without_data()) if unread else project.read(address)):
        why = scrubbed(project.error().replace(address, "its address")).strip()
        raise NotPublished(f"QGIS cannot read it{f' ({why})' if why else ''}")
    project.setFileName("")
    project.setPresetHomePath("")
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsVectorLayer):
            layer.setReadOnly(True)


def _without_data() -> Any:
    """QGIS has moved the flags."""
    kinds = getattr(Qgis, "ProjectReadFlag", None)
    if kinds is not None:
        return kinds.DontResolveLayers | kinds.DontLoadLayouts
    older: Any = QgsProject
    return older.ReadFlags(older.FlagDontResolveLayers | older.FlagDontLoadLayouts)


def resolve(layer: QgsMapLayer) -> None:
    """Open the data of a layer that was read without it."""
    crs = layer.crs()
    options = QgsDataProvider.ProviderOptions()
    layer.setDataSource(layer.source(), layer.name(), layer.providerType(), options, False)
    layer.setCrs(crs)


def _project_files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("**/*") if path.suffix in SUFFIXES and path.is_file())


def _spoken_of(layers: Mapping[str, QgsMapLayer], inputs: ResolvedInputs) -> Iterator[QgsMapLayer]:
    """Layers that are inputs, or whose names or ids occur in a text: expressions look them up."""
    values = [
        one for each in inputs.values() for one in (each if isinstance(each, list) else [each])
    ]
    given = {value.name for value in values if isinstance(value, Named)}
    plain = [each.value for each in values if isinstance(each, Inline) and not each.media_type]
    text = "\n".join(json.dumps(value, ensure_ascii=False)[:SCANNED] for value in plain)
    for name, layer in layers.items():
        if name in given or layer.name() in text or layer.id() in text:
            yield layer


def _is_of_others(layer: QgsMapLayer) -> bool:
    return layer.providerType() == "virtual" or (
        isinstance(layer, QgsVectorLayer) and bool(layer.vectorJoins())
    )


def _has_expressions(layer: QgsMapLayer) -> bool:
    if not isinstance(layer, QgsVectorLayer):
        return False
    fields = layer.fields()
    return any(number(fields.fieldOrigin(at)) == _EXPRESSION for at in range(fields.count()))


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only
