"""The ways in which a case may run: QGIS's own, the engine alone, the whole service over HTTP."""

import importlib
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from osgeo import gdal
from qgis.core import Qgis, QgsApplication, QgsProcessingContext
from qgis.PyQt.QtCore import QT_VERSION
from tests.e2e.qgis_suite import cases, projects
from tests.e2e.qgis_suite.baseline import Baseline
from tests.e2e.qgis_suite.cases import Case, Versions
from tests.e2e.qgis_suite.checks import Checker
from tests.e2e.qgis_suite.fetch import MODELS
from tests.e2e.qgis_suite.requests import CSV, FLATGEOBUF, GEOPACKAGE, GML, Requests
from tests.e2e.qgis_suite.service import EngineDoor, HttpDoor, Service
from tests.e2e.qgis_suite.verdict import Different, JobFailed

from qanat_worker.engine import application, qgis_process

PREFIX = "/usr"

FORMATS = (GEOPACKAGE, FLATGEOBUF, CSV, GML)
"""A GeoPackage keeps most types of fields, FlatGeobuf their decimals, CSV and GML those of a table too."""

KEPT: list[QgsApplication] = []
"""QGIS ends with the last reference to it."""

Way = Callable[[Case, Path], None]


def versions() -> Versions:
    """Of the libraries that cases ask for."""
    return Versions(
        Qgis.geosVersionInt(), int(gdal.VersionInfo("VERSION_NUM")), QT_VERSION, _grass()
    )


def _grass() -> int:
    """8020100 of GRASS 8.2.1; 0 where it is not installed."""
    program = shutil.which("grass")
    if program is None:
        return 0
    told = subprocess.run(
        [program, "--config", "version"], capture_output=True, text=True, check=True
    )
    major, minor, patch = (int(part) for part in re.findall(r"\d+", told.stdout)[:3])
    return (major * 100 + minor) * 10000 + patch * 100


def providers() -> set[str]:
    """What ids of algorithms can begin with here: GRASS need not be installed, and has lost its number."""
    providers = QgsApplication.processingRegistry().providers()
    # Scripts and models are of the suite's; GRASS's provider is there, and empty, without GRASS.
    found = {p.id() for p in providers if p.algorithms() or not p.id().startswith("grass")}
    return found | ({"grass7"} if "grass" in found else set())


def _start(source: Path) -> None:
    """Start QGIS as it is, with the models of its tests."""
    KEPT.append(qgis_process.start(PREFIX, []))
    config = importlib.import_module("processing.core.ProcessingConfig").ProcessingConfig
    config.setSettingValue("MODELS_FOLDER", str(source / MODELS))
    QgsApplication.processingRegistry().providerById("model").refreshAlgorithms()


def baseline(source: Path, _: str) -> Way:
    """As QGIS's own runner."""
    _start(source)
    return partial(_baseline, source)


def _baseline(source: Path, case: Case, folder: Path) -> None:
    data = source / case.data
    runner = Baseline(data, folder)
    results = runner.run(case)
    Checker(data, runner.context).check(case, results)


def engine(source: Path, _: str) -> Way:
    """Through the worker's engine, in this process."""
    published = source.parent / "projects"
    projects.publish(cases.load(source), source, published)
    options = {
        "models": [str(source / MODELS)],
        "projects": [str(published)],
        "deprecated": True,
    }
    return partial(_service, source, EngineDoor(application.start(options)))


def http(source: Path, url: str) -> Way:
    """Through a service that runs at an address."""
    _start(source)
    return partial(_service, source, HttpDoor(url))


def _service(source: Path, door: EngineDoor | HttpDoor, case: Case, folder: Path) -> None:
    """By the formats that keep most: one of them must bring the result as QGIS has it."""
    data = source / case.data
    first: Different | JobFailed | None = None
    for vector in FORMATS:
        own = folder / vector.rpartition("/")[2]
        own.mkdir()
        try:
            results = Service(door, Requests(data, own), own).run(case, vector)
            Checker(data, QgsProcessingContext()).check(case, results)
        except (Different, JobFailed) as error:
            first = first or error
        else:
            return
    assert first is not None
    raise first
