"""A case through a service: the request is sent, the answer is brought to files that are compared."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx2
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsVectorFileWriter,
)
from tests.e2e.qgis_suite import places, projects
from tests.e2e.qgis_suite.cases import Case
from tests.e2e.qgis_suite.requests import Requests, algorithm_of
from tests.e2e.qgis_suite.verdict import JobFailed, NotOffered

from qanat_api import inputs as api_inputs
from qanat_api.projects import within
from qanat_common.errors import QanatError
from qanat_common.ogc import Process
from qanat_common.protocol import Inline, LogLevel
from qanat_worker.port import Engine, ProducedFile, Task

Results = dict[str, Any]
SECONDS = 90.0


class Door(Protocol):
    """Where a service takes requests."""

    def describe(self, process_id: str, project: str | None) -> Process:
        """The description of a process within a project, where one is named; raises NotOffered."""

    def execute(
        self, process: Process, project: str | None, body: Mapping[str, Any], folder: Path
    ) -> dict[str, Path]:
        """The outputs of a request as files below a folder; raises JobFailed."""


class Silent:
    """Feedback that is not listened to."""

    def progress(self, percent: float) -> None:
        """Nothing."""

    def log(self, level: LogLevel, message: str) -> None:
        """Nothing."""


class EngineDoor:
    """The engine of a worker, in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        offer = engine.offer()
        offered = [*offer.processes, *(offer.in_projects or ())]
        self._processes = {process.id: process for process in offered}
        self._projects = {project.name: project for project in offer.projects or ()}
        self._refused = {refusal.id: refusal.reason for refusal in offer.refused}

    def describe(self, process_id: str, project: str | None) -> Process:
        if process_id not in self._processes:
            raise NotOffered(self._refused.get(process_id, "unknown"))
        process = self._processes[process_id]
        return process if project is None else within(process, self._projects[project])

    def execute(
        self, process: Process, project: str | None, body: Mapping[str, Any], folder: Path
    ) -> dict[str, Path]:
        try:
            execute = api_inputs.parse_execute(dict(body))
            parsed = api_inputs.parse_inputs(execute, process, api_inputs.compile_rules(process))
            task = Task(
                process_id=process.id,
                inputs={name: _resolved(value) for name, value in parsed.items()},
                outputs=execute.outputs,
                folder=str(folder),
                project=project,
            )
            made = self._engine.run(task, Silent())
        except QanatError as error:
            raise JobFailed(f"{error.code}: {error.detail}") from error
        files = {name: each for name, each in made.items() if isinstance(each, ProducedFile)}
        return {name: Path(each.path) for name, each in files.items()}


def _resolved(value: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    assert all(isinstance(each, Inline) for each in several)
    return value


_LINK = re.compile(r'<([^>]+)>[^,]*rel="?monitor"?')
_NAME = re.compile(r'filename="?([^";]+)"?')


class HttpDoor:
    """A service that runs, at its address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def describe(self, process_id: str, project: str | None) -> Process:
        url = f"{self._url}/processes/{process_id}"
        answer = httpx2.get(url, params=_query(project), timeout=SECONDS)
        if answer.status_code == 404:
            raise NotOffered("no such process")
        return Process.model_validate(answer.raise_for_status().json())

    def execute(
        self, process: Process, project: str | None, body: Mapping[str, Any], folder: Path
    ) -> dict[str, Path]:
        with httpx2.Client(base_url=self._url, timeout=SECONDS) as client:
            url = f"/processes/{process.id}/execution"
            answer = client.post(url, params=_query(project), json=body)
            if answer.status_code != 200:
                raise JobFailed(f"{answer.status_code} {_detail(answer)}")
            link = _LINK.search(answer.headers.get("Link", ""))
            if link is None:
                raise JobFailed("the answer has no link to its job")
            return {
                name: self._result(client, f"{link[1]}/results/{name}", name, folder)
                for name in body["outputs"]
            }

    def _result(self, client: httpx2.Client, url: str, name: str, folder: Path) -> Path:
        answer = client.get(url)
        if answer.status_code != 200:
            raise JobFailed(f"{name}: {answer.status_code} {_detail(answer)}")
        told = _NAME.search(answer.headers.get("Content-Disposition", ""))
        path = folder / name / Path(told[1] if told else name).name
        path.parent.mkdir()
        path.write_bytes(answer.content)
        return path


def _query(project: str | None) -> dict[str, str]:
    return {"project": project} if project else {}


def _detail(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("detail"))
    except ValueError:
        return answer.text[:200]


class Service:
    """Runs a case through a door."""

    def __init__(self, door: Door, requests: Requests, folder: Path) -> None:
        self._door = door
        self._requests = requests
        self._folder = folder

    def run(self, case: Case, vector: str) -> Results:
        """The results, as the runner of QGIS would have them: layers in the format of the case.

        Vector layers come from the service in the format `vector`.
        """
        project = projects.name_of(case)
        process = self._door.describe(algorithm_of(case).id(), project)
        body = self._requests.write(case, process, vector)
        folder = self._folder / "job"
        folder.mkdir(parents=True)
        files = self._door.execute(process, project, body, folder)
        return {
            name: self._as_expected(path, case.results[name], name) for name, path in files.items()
        }

    def _as_expected(self, path: Path, expected: Mapping[str, Any], name: str) -> str:
        """A zip as its content; a layer in the format that the runner of QGIS has written."""
        folder = self._folder / f"out-{name}"
        folder.mkdir()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as opened:
                opened.extractall(folder)
            return str(folder)
        if path.suffix == ".gml":
            return _renamed(path, name, self._requests.inner_name(expected))
        if path.suffix not in (".gpkg", ".fgb"):
            return str(path)
        names = expected["name"]
        wanted = folder / Path(names if isinstance(names, str) else names[0]).name
        driver = QgsVectorFileWriter.driverForExtension(wanted.suffix)
        return (
            str(path)
            if not driver or path.suffix == wanted.suffix
            else _written(path, wanted, driver, self._requests.inner_name(expected))
        )


def _renamed(path: Path, output: str, name: str) -> str:
    """GML makes ids of the name of the layer, which is that of the output, or in QGIS's runner of its file."""
    text = path.read_text("utf-8")
    path.write_text(text.replace(f'gml:id="{output}.', f'gml:id="{name or output}.'), "utf-8")
    return str(path)


def _written(given: Path, path: Path, driver: str, name: str) -> str:
    """A layer without the row numbers of its file, as QGIS writes results in another format."""
    layer = places.vector_layer(str(given), "result")
    if layer.crs().description().startswith("Undefined"):
        # The name that a GeoPackage has for no CRS.
        layer.setCrs(QgsCoordinateReferenceSystem())
    keys = layer.dataProvider().pkAttributeIndexes()
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = driver
    options.layerName = name
    options.attributes = [at for at in range(layer.fields().count()) if at not in keys]
    options.skipAttributeCreation = not options.attributes
    options.datasourceOptions = QgsVectorFileWriter.defaultDatasetOptions(driver)
    options.layerOptions = QgsVectorFileWriter.defaultLayerOptions(driver)
    told = QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsCoordinateTransformContext(), options
    )
    # Lists, as a GeoPackage has them, cannot be written as GML: they are compared as they are.
    return str(path) if told[0] == QgsVectorFileWriter.NoError else str(given)
