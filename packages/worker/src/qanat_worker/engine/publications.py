"""What administrators publish by putting it into a folder: models, scripts, plugins.

One that cannot be loaded is refused with its reason, and stops nothing else.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingModelAlgorithm,
    QgsProcessingProvider,
    QgsProcessingRegistry,
)

from qanat_common.protocol import Refusal
from qanat_worker.engine import faults, plugins, scripts, trial
from qanat_worker.engine.scripts import NotPublished

logger = logging.getLogger(__name__)

Load = Callable[[Path], list[QgsProcessingAlgorithm]]
Work = Callable[[], object]

NAME = re.compile(r"[^/\\?#%@\x00-\x1f\x7f]+")
"""What a name may be: it stands in addresses, and @ is before the name of a service."""


@dataclass(frozen=True)
class Folders:
    """Where things are published."""

    models: list[Path] = field(default_factory=list)
    scripts: list[Path] = field(default_factory=list)
    plugins: list[Path] = field(default_factory=list)


class Publications:
    """All that was published, and what was refused."""

    def __init__(
        self, registry: QgsProcessingRegistry, folders: Folders, before: Callable[[Work], None]
    ) -> None:
        """Plugins first, for scripts and models use their algorithms.

        `before` gets each piece of work with code of others, to object by NotPublished.
        """
        self._before = before
        self.refused: list[Refusal] = []
        self._registry = registry
        self._plugins: list[Any] = []
        for path in found_in(folders.plugins, plugins.find):
            self._load_plugin(path)
        self._publish("script", "Scripts", scripts.load, _files(folders.scripts, "*.py"))
        self._publish("model", "Models", load_model, _files(folders.models, "**/*.model3"))

    def _load_plugin(self, path: Path) -> None:
        with self._guarded(f"plugin:{path.name}", path):
            self._before(lambda: plugins.load(path))
            self._plugins.append(plugins.load(path))

    def _publish(self, provider_id: str, name: str, load: Load, paths: Iterable[Path]) -> None:
        """In place of QGIS's own provider of that id, which keeps failures to itself."""
        self._registry.removeProvider(provider_id)
        provider = Published(provider_id, name)
        if not self._registry.addProvider(provider):
            raise RuntimeError(f"there is another provider {provider_id}")
        for path in paths:
            with self._guarded(f"{provider_id}:{path.stem}", path) as raised:
                self._before(partial(_make, load, path))
                for algorithm in load(path):
                    # It cannot be taken back: so it is tried first whether one can be made.
                    algorithm.create()
                    if not raised:
                        provider.take(algorithm)

    @contextmanager
    def _guarded(self, refused_id: str, path: Path) -> Iterator[list[BaseException]]:
        """Refuse what raises, wherever it does: this is the edge to code of others."""
        with faults.noted() as raised:
            try:
                yield raised
            except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others may raise anything
                raised.append(error)
        if raised:
            why = _in_words(raised[0])
            logger.error("%s is not published: %s", path, why)
            logger.debug("where it went wrong", exc_info=raised[0])
            self.refused.append(Refusal(id=refused_id, reason=f"it cannot be loaded: {why}"))


class Published(QgsProcessingProvider):
    """The provider of models, or of scripts."""

    def __init__(self, provider_id: str, name: str) -> None:
        """Has no algorithms yet."""
        super().__init__()
        self._id = provider_id
        self._name = name

    def id(self) -> str:
        """Part of QgsProcessingProvider."""
        return self._id

    def name(self) -> str:
        """Part of QgsProcessingProvider."""
        return self._name

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Part of QgsProcessingProvider: they come one by one."""

    def take(self, algorithm: QgsProcessingAlgorithm) -> None:
        """Have one more. Raises NotPublished when its name is of no use, or another has it."""
        name = algorithm.name()
        if not NAME.fullmatch(name):
            raise NotPublished(f"its name {name!r} cannot stand in an address: rename it")
        if not self.addAlgorithm(algorithm):
            raise NotPublished(f"another one is named {name} as well")


def _make(load: Load, path: Path) -> None:
    for algorithm in load(path):
        algorithm.create()


def load_model(path: Path) -> list[QgsProcessingAlgorithm]:
    """Read a model's file."""
    model = QgsProcessingModelAlgorithm()
    if not model.fromFile(str(path)):
        raise NotPublished("it is no model of QGIS 3")
    if not model.name():
        raise NotPublished("it has no name")
    return [model]


def found_in(folders: Iterable[Path], find: Callable[[Path], Iterable[Path]]) -> Iterator[Path]:
    """What lies in folders, in the order of names; hidden files are passed over."""
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in find(folder) if not path.name.startswith("."))
        else:
            logger.warning("%s: there is no such folder", folder)


def _files(folders: Iterable[Path], pattern: str) -> Iterator[Path]:
    return found_in(folders, lambda folder: folder.glob(pattern))


def _in_words(error: BaseException) -> str:
    return str(error) if isinstance(error, NotPublished) else faults.in_words(error)


def publish(registry: QgsProcessingRegistry, folders: Folders) -> Publications:
    """Load all that lies in the folders; leaves no compiled Python there.

    All is tried in another process first, and each for itself if that one does not survive it.
    """
    faults.outlive()
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        trial.survive(lambda: Publications(registry, folders, _go_on))
        return Publications(registry, folders, _go_on)
    except NotPublished as error:
        logger.warning("of what is published, something cannot be loaded: %s", error)
        return Publications(registry, folders, trial.survive)
    finally:
        sys.dont_write_bytecode = before


def _go_on(work: Work) -> None:
    """No objection."""
