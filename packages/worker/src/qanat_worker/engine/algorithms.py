"""The engine: lists, describes and runs the algorithms of QGIS; satisfies the worker's port."""

import logging
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from osgeo import gdal
from qgis.core import Qgis, QgsApplication, QgsProcessingAlgorithm, QgsProject, QgsProjUtils

from qanat_common.errors import AlgorithmFailed, NoSuchProcess
from qanat_common.ogc import Process
from qanat_common.protocol import Offer, ProviderInfo, Refusal
from qanat_worker.engine import (
    datasets,
    execution,
    faults,
    pictures,
    projects,
    publications,
    warmup,
)
from qanat_worker.engine.describe import describe, differs_in_project, version_of
from qanat_worker.engine.flags import flags_of
from qanat_worker.engine.policy import Policy
from qanat_worker.port import Feedback, Produced, ProducedPicture, Task

logger = logging.getLogger(__name__)

OF_PROJECT = "project"
"""The provider of models that a project has in itself."""

OF_QGIS = frozenset({"native", "gdal", "qgis"})
"""Providers whose algorithms use the layers that are given to them, or named in texts, and no other."""


FORMER_PROVIDERS = ("qgis", "grass7")
"""Providers that algorithms have left for others; QGIS finds them by their older ids too."""


class Algorithms:
    """All algorithms of a QGIS that has started; described once."""

    def __init__(
        self,
        application: QgsApplication,
        folders: publications.Folders,
        policy: Policy,
        sources: projects.Sources,
    ) -> None:
        """Describe what is there; `application` is kept, for QGIS ends with it."""
        registry = application.processingRegistry()
        assert registry is not None  # noqa: S101 - QGIS has started
        self._application = application
        self._registry = registry
        self._policy = policy
        self._within = replace(policy, in_project=True)
        self._processes: dict[str, Process] = {}
        self._published = publications.publish(registry, folders)
        self._refused = self._published.refused
        for algorithm in self._algorithms():
            match _described(algorithm, policy):
                case Process() as process:
                    self._processes[process.id] = process
                case Refusal() as refusal:
                    self._refused.append(refusal)
        self._projects = projects.Projects(sources, self._of_project)
        self._refused += self._projects.refused
        self._in_projects = self._described_in_projects() if self._projects.offered else {}

    def _algorithms(self) -> list[QgsProcessingAlgorithm]:
        return sorted(self._registry.algorithms(), key=lambda each: each.id())

    def _of_project(self) -> list[Process | Refusal]:
        """What the project that is open brings itself: its models."""
        provider = self._registry.providerById(OF_PROJECT)
        found = provider.algorithms() if provider else []
        return [_described(each, self._within) for each in found]

    def _described_in_projects(self) -> dict[str, Process]:
        """The processes that are others in a project, or are there in one only."""
        found = (
            _described(each, self._within)
            for each in self._algorithms()
            if differs_in_project(each)
        )
        return {
            each.id: each
            for each in found
            if isinstance(each, Process) and self._processes.get(each.id) != each
        }

    def offer(self) -> Offer:
        """The same at each start of the same QGIS."""
        return Offer(
            processes=list(self._processes.values()),
            refused=self._refused,
            aliases={old: new for new in self._processes for old in self._older(new)},
            projects=self._projects.offered or None,
            in_projects=list(self._in_projects.values()) or None,
        )

    def _older(self, process_id: str) -> Iterator[str]:
        """Ids by which QGIS finds an algorithm although it has moved to another provider."""
        name = process_id.partition(":")[2]
        for provider in FORMER_PROVIDERS:
            old = f"{provider}:{name}"
            found = self._registry.algorithmById(old) if old not in self._processes else None
            if found is not None and found.id() == process_id:
                yield old

    def versions(self) -> dict[str, str]:
        """Of QGIS, what it stands on, and Python."""
        proj = ".".join(
            map(str, (QgsProjUtils.projVersionMajor(), QgsProjUtils.projVersionMinor()))
        )
        return {
            "qgis": Qgis.version().partition("-")[0],
            "gdal": gdal.VersionInfo("RELEASE_NAME"),
            "proj": proj,
            "python": platform.python_version(),
        }

    def providers(self) -> list[ProviderInfo]:
        """Those that have algorithms which are offered."""
        counts = Counter(process_id.partition(":")[0] for process_id in self._processes)
        return [
            ProviderInfo(
                id=provider.id(),
                name=provider.name(),
                version=version_of(provider),
                algorithms=counts[provider.id()],
            )
            for provider in sorted(self._registry.providers(), key=lambda each: each.id())
            if counts[provider.id()]
        ]

    def warm_up(self) -> None:
        """Run a few tiny jobs: never rendering, never the network."""
        warmup.run(self)

    def rehearse(self) -> None:
        """Run one tiny job, in a child that waits for its own."""
        warmup.rehearse(self)

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        """One job, by an algorithm of its own. Ids of older versions of QGIS are known too."""
        project = self._open(task)
        known = self._registry.algorithmById(task.process_id)
        process = self._offered(task.project).get(known.id()) if known else None
        if known is None or process is None:
            raise NoSuchProcess(f"{task.process_id} is not offered by this worker")
        algorithm = known.create()
        if algorithm is None:
            raise AlgorithmFailed(f"{task.process_id} cannot be made")
        with datasets.without_skipped():
            return execution.run(algorithm, process, self._policy, task, feedback, project)

    def pictures(
        self, outputs: Mapping[str, Produced], folder: str, longest: int
    ) -> dict[str, ProducedPicture]:
        """Of those that are rasters."""
        with datasets.without_skipped():
            return pictures.pictures(outputs, Path(folder), longest)

    def _open(self, task: Task) -> QgsProject | None:
        """The project that a job names. Its own models come with it: it is opened before all else."""
        if task.project is None:
            self._projects.none()
            return None
        known = self._registry.algorithmById(task.process_id)
        whole = (
            known is None
            or task.process_id.partition(":")[0] not in OF_QGIS
            or differs_in_project(known)
            or "RequiresProject" in flags_of(known)
        )
        return self._projects.open(task.project, whole, task.inputs)

    def _offered(self, project: str | None) -> Mapping[str, Process]:
        if project is None:
            return self._processes
        return self._processes | self._in_projects | self._projects.processes(project)


def _described(algorithm: QgsProcessingAlgorithm, policy: Policy) -> Process | Refusal:
    """Its description, or why there is none: it may be of code that is not ours."""
    with faults.noted() as raised:
        try:
            algorithm.create()
            found = describe(algorithm, policy)
        except Exception as error:  # noqa: BLE001 - code of others may raise anything
            raised.append(error)
    if raised:
        why = f"it cannot be described: {faults.in_words(raised[0])}"
        logger.error("%s is not published: %s", algorithm.id(), why)
        return Refusal(id=algorithm.id(), reason=why)
    return found
