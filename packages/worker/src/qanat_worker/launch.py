"""How the engine of a worker is started, by its settings: pure."""

import os
from pathlib import Path

from pydantic import JsonValue

from qanat_worker.confinement import Confinement
from qanat_worker.sandbox import scrubbed
from qanat_worker.settings import WorkerSettings
from qanat_worker.warm import EngineStart


def engine_start(settings: WorkerSettings, folder: Path, log_level: str) -> EngineStart:
    """How the warm parent is started; its home is a folder of this worker."""
    home = folder / "parent"
    home.mkdir(mode=0o700)
    return EngineStart(
        engine=settings.engine,
        options=settings.qgis.model_dump(mode="json") | _reach(settings),
        environment=scrubbed(os.environ, settings.environment, home),
        folder=home,
        confinement=Confinement(
            sandbox=settings.sandbox,
            network=settings.network,
            readable=[str(path) for path in _readable(settings)],
        ),
        spares=settings.spares,
        log_level=log_level,
        timeout=settings.start_timeout,
        echo=settings.echo,
    )


def _reach(settings: WorkerSettings) -> dict[str, JsonValue]:
    """What jobs may reach, as the engine needs to know it; `readable` is null when they may read all."""
    if settings.sandbox == "off":
        return {"readable": None, "network": True}
    readable: list[JsonValue] = [str(path) for path in _readable(settings)]
    return {"readable": readable, "network": settings.network}


def _readable(settings: WorkerSettings) -> list[Path]:
    qgis = settings.qgis
    return [*settings.readable, qgis.prefix_path, *qgis.python_paths, *qgis.published]
