"""One QGIS for all tests of the engine: it cannot be begun twice in a process."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qanat_common.errors import InputRejected
from qanat_common.ogc import OutputRequest, Process
from qanat_common.protocol import Inline, LocalFile, LogLevel, Named, Project, Value
from qanat_worker.engine.application import is_installed, start
from qanat_worker.port import Engine, Produced, ProducedFile, Task

DATA = Path(__file__).parents[4] / "docs" / "tutorials" / "data"

if not is_installed() and not os.environ.get("CI"):
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    return f"QGIS: {'found' if is_installed() else 'not found, tests of the engine are left out'}"


def pytest_itemcollected(item: pytest.Item) -> None:
    if Path(__file__).parent in item.path.parents:
        item.add_marker(pytest.mark.qgis)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """QGIS, started; it writes its settings and temporary files to a folder of the tests."""
    home = str(tmp_path_factory.mktemp("qgis"))
    folders = publish(tmp_path_factory.mktemp("published"))
    with pytest.MonkeyPatch.context() as environ, warnings.catch_warnings():
        for name in ("HOME", "QGIS_CUSTOM_CONFIG_PATH", "XDG_RUNTIME_DIR", "TMPDIR"):
            environ.setenv(name, home)
        environ.setenv("QT_QPA_PLATFORM", "offscreen")
        warnings.simplefilter("ignore")
        stored = folders["projects"] / "stored" / "plans.gpkg"
        addresses = {
            "plans": f"geopackage:{stored}?projectName=plans",
            "lacking": f"geopackage:{stored}?projectName=lacking",
            "elsewhere": "postgresql://me:word@127.0.0.1?dbname=gis&schema=public&project=x",
        }
        given = {name: [str(path)] for name, path in folders.items()}
        yield start({**given, "project_addresses": addresses})


def publish(root: Path) -> dict[str, Path]:
    """What is published in tests, beside ones that are broken in all ways."""
    shutil.copytree(Path(__file__).parent / "published", root, dirs_exist_ok=True)
    for name, text in BROKEN.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    maker = [sys.executable, str(Path(__file__).parent / "make_projects.py")]
    subprocess.run(
        [*maker, str(root / "projects")], check=True, env=os.environ | {"HOME": str(root)}
    )
    return {kind.name: kind for kind in root.iterdir()}


CLASS = """
from qgis.core import QgsProcessingAlgorithm, QgsProcessingOutputNumber

class Broken(QgsProcessingAlgorithm):
    def name(self):
        return "{name}"
    def displayName(self):
        return "Broken"
    def createInstance(self):
        return Broken()
    def initAlgorithm(self, config=None):
        {init}
    def shortHelpString(self):
        {help}
"""

BROKEN = {
    "models/broken.model3": "<model",
    "scripts/broken.py": "def (",
    "scripts/crashing.py": "import os; os.abort()",
    "scripts/ending.py": "import os; os._exit(0)",
    "scripts/empty.py": "x = 1",
    "scripts/leaving.py": "raise SystemExit(3)",
    "scripts/missing.py": "import no_such_module",
    "scripts/raising.py": CLASS.format(name="raising", init="raise ValueError('no')", help="pass"),
    "scripts/helpless.py": CLASS.format(
        name="helpless",
        init="self.addOutput(QgsProcessingOutputNumber('N', 'N'))",
        help="raise ValueError('no')",
    ),
    "scripts/slashed.py": CLASS.format(name="a/b", init="pass", help="return ''"),
    "scripts/twins.py": CLASS.format(name="doubled", init="pass", help="return ''"),
    "plugins/broken/metadata.txt": "[general]\nhasProcessingProvider=yes\n",
    "plugins/broken/__init__.py": "raise OSError('at /secret/place/file')",
    "plugins/half/metadata.txt": "[general]\nhasProcessingProvider=True\n",
    "plugins/half/__init__.py": """
from qgis.core import QgsApplication, QgsProcessingProvider

class Provider(QgsProcessingProvider):
    def id(self):
        return "half"
    def name(self):
        return "Half"
    def loadAlgorithms(self):
        raise KeyError("half")

class Half:
    def initProcessing(self):
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

def classFactory(iface):
    return Half()
""",
    "plugins/desktop/metadata.txt": "[general]\nname=Desktop\n",
    "plugins/old/metadata.txt": "[general]\nhasProcessingProvider=yes\nqgisMinimumVersion=2.0\n",
    "plugins/ahead/metadata.txt": "[general]\nhasProcessingProvider=yes\nqgisMinimumVersion=3.99\n",
    "plugins/past/metadata.txt": "[general]\nhasProcessingProvider=yes\n"
    "qgisMinimumVersion=3.0\nqgisMaximumVersion=3.4\n",
    "plugins/garbled/metadata.txt": "general",
    "plugins/json/metadata.txt": "[general]\nhasProcessingProvider=yes\n",
}


@dataclass
class Told:
    """Feedback that keeps what it is told."""

    percents: list[float] = field(default_factory=list)
    lines: list[tuple[LogLevel, str]] = field(default_factory=list)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)

    def log(self, level: LogLevel, message: str) -> None:
        self.lines.append((level, message))

    def text(self) -> str:
        return "\n".join(line for _, line in self.lines)


@dataclass
class Bench:
    """Runs jobs as a child does: each in a folder of its own, which is the current one."""

    engine: Engine
    root: Path
    told: Told = field(default_factory=Told)
    count: int = 0
    project: str | None = None

    def run(
        self, process_id: str, outputs: dict[str, Any] | None = None, **inputs: Any
    ) -> dict[str, Produced]:
        """Plain values are inline ones, paths are fetched files; `outputs` name → media type."""
        self.count += 1
        folder = self.root / str(self.count)
        folder.mkdir()
        os.chdir(folder)
        self.told = Told()
        asked = None
        if outputs is not None:
            asked = {
                name: OutputRequest.model_validate({"format": {"mediaType": wanted}})
                for name, wanted in outputs.items()
            }
        given = {name: as_input(value) for name, value in inputs.items()}
        task = Task(
            process_id=process_id,
            inputs=given,
            outputs=asked,
            folder=str(folder),
            project=self.project,
        )
        return self.engine.run(task, self.told)

    def features(self, process_id: str, **inputs: Any) -> list[dict[str, Any]]:
        """The features of OUTPUT as GeoJSON."""
        return features_of(self.run(process_id, **inputs)["OUTPUT"])

    def rejection(
        self, process_id: str, outputs: dict[str, Any] | None = None, **inputs: Any
    ) -> InputRejected:
        """How a job is refused that must be."""
        with pytest.raises(InputRejected) as caught:
            self.run(process_id, outputs, **inputs)
        return caught.value

    def published(self, name: str) -> Project:
        return next(each for each in self.engine.offer().projects or () if each.name == name)

    def process(self, process_id: str) -> Process:
        return next(each for each in self.engine.offer().processes if each.id == process_id)


def as_input(value: Any) -> Any:
    of_several = Path | Inline | LocalFile | Named | dict
    if isinstance(value, list) and value and isinstance(value[0], of_several):
        return [as_input(each) for each in value]
    if isinstance(value, Path):
        return LocalFile(path=str(value))
    return value if isinstance(value, Inline | LocalFile | Named) else Inline(value=value)


def features_of(produced: Produced) -> list[dict[str, Any]]:
    assert isinstance(produced, ProducedFile)
    assert produced.media_type == "application/geo+json"
    found = json.loads(Path(produced.path).read_text("utf-8"))
    assert found["type"] == "FeatureCollection"
    features: list[dict[str, Any]] = found["features"]
    return features


def value_of(produced: Produced) -> Any:
    assert isinstance(produced, Value), produced
    return produced.value


@pytest.fixture
def bench(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(engine, tmp_path)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="session")
def data() -> Path:
    return DATA


@pytest.fixture(scope="session")
def make() -> type["Make"]:
    return Make


class Make:
    """GeoJSON of few words."""

    @staticmethod
    def features(*geometries: Any, crs: str | None = None, **columns: list[Any]) -> dict[str, Any]:
        """A collection of geometries; a column is a list of their values."""
        features = [
            {
                "type": "Feature",
                "properties": {name: values[at] for name, values in columns.items()},
                "geometry": geometry,
            }
            for at, geometry in enumerate(geometries)
        ]
        made: dict[str, Any] = {"type": "FeatureCollection", "features": features}
        if crs:
            made["crs"] = {"type": "name", "properties": {"name": crs}}
        return made

    @staticmethod
    def point(*numbers: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": list(numbers)}

    @staticmethod
    def line(*points: list[float]) -> dict[str, Any]:
        return {"type": "LineString", "coordinates": list(points)}

    @staticmethod
    def square(x: float, y: float, size: float = 1) -> dict[str, Any]:
        ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
        return {"type": "Polygon", "coordinates": [ring]}
