"""A Processing script: a Python file with a class of QgsProcessingAlgorithm, or a function by @alg."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from qgis.core import QgsProcessingAlgorithm, QgsProcessingFeatureBasedAlgorithm

BASES = (QgsProcessingAlgorithm, QgsProcessingFeatureBasedAlgorithm)


class NotPublished(Exception):
    """Why a model, script or plugin is not published, where it is no exception of its own code."""


def load(path: Path) -> list[QgsProcessingAlgorithm]:
    """Run a script's file; whatever its code raises comes through."""
    # QGIS's own Python: it can be imported only once its folders are searched.
    from qgis.processing import alg  # noqa: PLC0415

    alg.instances.clear()
    module = run(f"qanat_script_{path.stem}", path)
    made = [wrapper.createInstance() for wrapper in alg.instances]
    made += [each() for each in _classes(module)]
    if not made:
        raise NotPublished("it has no class of QgsProcessingAlgorithm, and no function by @alg")
    return made


def run(name: str, path: Path, within: Path | None = None) -> ModuleType:
    """Run a file as the module `name`; `within` is the folder of a package."""
    folders = [str(within)] if within else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise NotPublished(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _classes(module: ModuleType) -> list[Any]:
    """Those that the script itself has, and that no other of its classes builds upon."""
    own = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BASES) and each.__module__ == module.__name__
    ]
    return [
        each
        for each in own
        if not any(other is not each and issubclass(other, each) for other in own)
    ]
