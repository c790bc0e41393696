"""The ways in which a case may run: QGIS's own, the engine alone, the whole service over HTTP."""

import importlib
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
from tests.e2e.qgis_suite.fetch import MODELS, TESTS
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
    return Versions(Qgis.geosVersionInt(), int(gdal.VersionInfo("VERSION_NUM")), QT_VERSION)


def _start(source: Path) -> None:
    """Start QGIS as it is, with the models of its tests."""
    KEPT.append(qgis_process.start(PREFIX, []))
    config = importlib.import_module("processing.core.ProcessingConfig").ProcessingConfig
    config.setSettingValue("MODELS_FOLDER", str(source / MODELS))
    QgsApplication.processingRegistry().providerById("model").refreshAlgorithms()


def baseline(source: Path, _: str) -> Way:
    """As QGIS's own runner."""
    _start(source)
    return partial(_baseline, source / TESTS)


def _baseline(data: Path, case: Case, folder: Path) -> None:
    runner = Baseline(data, folder)
    results = runner.run(case)
    Checker(data, runner.context).check(case, results)


def engine(source: Path, _: str) -> Way:
    """Through the worker's engine, in this process."""
    published = source.parent / "projects"
    projects.publish(cases.load(source / TESTS), source / TESTS, published)
    options = {
        "models": [str(source / MODELS)],
        "projects": [str(published)],
        "deprecated": True,
    }
    return partial(_service, source / TESTS, EngineDoor(application.start(options)))


def http(source: Path, url: str) -> Way:
    """Through a service that runs at an address."""
    _start(source)
    return partial(_service, source / TESTS, HttpDoor(url))


def _service(data: Path, door: EngineDoor | HttpDoor, case: Case, folder: Path) -> None:
    """By the formats that keep most: one of them must bring the result as QGIS has it."""
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
