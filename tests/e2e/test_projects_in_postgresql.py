"""Projects that lie in PostgreSQL: published by their address, run without a connection, told to nobody."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(240)]

MAKER = Path(__file__).parents[2] / "packages/worker/tests/engine/make_projects.py"
STORER = Path(__file__).with_name("store_project.py")

USER, PASSWORD = "cartographer", "sesame opens@dawn"
IN_ADDRESS = "sesame%20opens%40dawn"
TELLTALES = (USER, "sesame", "opens@dawn", "sslmode", "postgresql:")
"""What no answer may hold: who asks the database, by which word, by which address."""


TELLING: dict[str, dict[str, Any]] = {
    "native:mergevectorlayers": {"LAYERS": ["mayors", "mayors"]},
    "native:package": {"LAYERS": ["mayors"], "SAVE_METADATA": True},
    "native:exporttospreadsheet": {"LAYERS": ["mayors"]},
    "native:buffer": {"INPUT": "mayors", "DISTANCE": 1},
    "qgis:basicstatisticsforfields": {"INPUT_LAYER": "mayors", "FIELD_NAME": "mayor"},
    "qgis:executesql": {"INPUT_DATASOURCES": ["mayors"], "INPUT_QUERY": "select * from nothing"},
    "native:fieldcalculator": {"INPUT": "mayors", "FIELD_NAME": "n", "FORMULA": "to_json(@layer)"},
    "gdal:ogrinfo": {"INPUT": "mayors"},
    "gdal:convertformat": {"INPUT": "mayors"},
    "gdal:buffervectors": {"INPUT": "mayors", "DISTANCE": 1},
}
"""Processes that write down what their inputs are, or fail and say why."""


@dataclass
class Database:
    """A PostgreSQL of a test's own, on loopback."""

    programs: Path
    folder: Path
    port: int

    def address(self, project: str, password: str = IN_ADDRESS) -> str:
        return (
            f"postgresql://{USER}:{password}@127.0.0.1:{self.port}"
            f"?sslmode=disable&dbname=postgres&schema=public&project={project}"
        )

    def control(self, *words: str) -> None:
        """PostgreSQL does not run as root: it is Debian's user then."""
        as_user = {"user": "postgres"} if os.geteuid() == 0 else {}
        log = self.folder / "control"
        with log.open("ab") as out:
            done = subprocess.run(words, cwd=self.folder, stdout=out, stderr=out, **as_user)  # type: ignore[call-overload]
        assert done.returncode == 0, log.read_text("utf-8")

    def copy(self, project: str, name: str) -> None:
        """What *Save As* does: QGIS keeps projects as rows of a table."""
        columns = "metadata, content FROM qgis_projects"
        statement = f"INSERT INTO qgis_projects SELECT '{name}', {columns} WHERE name = '{project}'"
        place = f"-q -h 127.0.0.1 -p {self.port} -U {USER} -d postgres -c".split()
        environ = os.environ | {"PGPASSWORD": PASSWORD}
        subprocess.run([self.programs / "psql", *place, statement], check=True, env=environ)

    def begin(self) -> None:
        data, log = str(self.folder / "data"), str(self.folder / "log")
        options = f"-F -h 127.0.0.1 -p {self.port} -c unix_socket_directories="
        self.control(f"{self.programs}/pg_ctl", *f"start -w -D {data} -l {log} -o".split(), options)

    def end(self) -> None:
        data = str(self.folder / "data")
        self.control(f"{self.programs}/pg_ctl", *f"stop -w -D {data} -m immediate".split())

    @contextmanager
    def away(self) -> Iterator[None]:
        """For a while nobody reaches it."""
        self.end()
        try:
            yield
        finally:
            self.begin()


def programs() -> Path | None:
    """Where Debian has PostgreSQL's, the newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def database(
    free_ports: Callable[[int], list[int]], missing: Callable[[str], Any]
) -> Iterator[Database]:
    where = programs()
    if where is None:
        missing("postgresql is not installed")
    folder = Path(tempfile.mkdtemp(prefix="qp"))
    made = Database(where, folder, *free_ports(1))
    word = folder / "word"
    word.write_text(PASSWORD, "utf-8")
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (folder, word):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    begin = f"-U {USER} -A scram-sha-256 --pwfile={word} --no-sync -E UTF8 --locale=C"
    made.control(f"{where}/initdb", "-D", str(folder / "data"), *begin.split())
    made.begin()
    yield made
    made.end()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def stored(
    database: Database, qgis: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Database, Path]:
    """The database with the project `plans`, and the folder of the layer that lies in a file."""
    folder = tmp_path_factory.mktemp("stored")
    environ = os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    made = folder / "made"
    subprocess.run([sys.executable, str(MAKER), str(made)], check=True, env=environ)
    layer = made / "data" / "town.gpkg"
    store = [sys.executable, str(STORER), database.address("plans"), str(layer)]
    subprocess.run(store, check=True, env=environ)
    return database, layer.parent


def publish(folder: Path, readable: Path, network: bool, **addresses: str) -> dict[str, str]:
    """The configuration of an administrator; what is to be in the environment of the service."""
    lines = [f'{name} = "{address}"' for name, address in addresses.items()]
    config = folder / "qanat.toml"
    config.write_text(
        f'[worker]\nreadable = ["{readable}"]\nnetwork = {str(network).lower()}\n'
        '[worker.qgis]\ndata_providers = ["postgres"]\n'
        "[worker.qgis.project_addresses]\n" + "\n".join(lines),
        "utf-8",
    )
    return {"QANAT_CONFIG": str(config)}


@dataclass
class Client:
    """Reads answers as anybody may, and looks at each for what it must not tell."""

    http: httpx2.Client

    def told(self, answer: httpx2.Response) -> httpx2.Response:
        told = [mark for mark in TELLTALES if mark.encode() in answer.content]
        assert told == [], answer.text[:1000]
        return answer

    def get(self, path: str) -> Any:
        return self.told(self.http.get(path)).json()

    def run(self, process: str, **inputs: Any) -> httpx2.Response:
        """With the job's log and status looked at too."""
        path = f"/processes/{process}/execution?project=plans"
        answer = self.told(self.http.post(path, json={"inputs": inputs}))
        for job in self.get("/jobs?limit=5")["jobs"]:
            self.get(f"/jobs/{job['jobID']}/log")
        return answer


@pytest.fixture
def serve(
    folder: Path, stored: tuple[Database, Path], start_all_in_one: Callable[..., Any]
) -> Iterator[Callable[..., tuple[Client, Any]]]:
    """Start a service that publishes the project `plans`, and others."""
    database, readable = stored
    opened: list[httpx2.Client] = []

    def started(network: bool = False, **others: str) -> tuple[Client, Any]:
        addresses = {"plans": database.address("plans"), **others}
        service = start_all_in_one(publish(folder, readable, network, **addresses))
        opened.append(httpx2.Client(base_url=service.url, timeout=60))
        return Client(opened[-1]), service

    yield started
    for http in opened:
        http.close()


def names(client: Client) -> list[str]:
    return [layer["name"] for layer in client.get("/projects/plans")["layers"]]


def test_a_job_without_a_connection_runs_in_a_project_of_a_database(
    serve: Any, stored: Any
) -> None:
    client, service = serve()
    assert client.get("/projects")["projects"][0]["title"] == "Stored in a database"
    assert names(client) == ["towns"]
    described = client.get("/processes/native:centroids?project=plans")["inputs"]["INPUT"]["schema"]
    assert described["oneOf"][-1]["enum"] == ["towns"]
    for process in ("native:centroids", "gdal:convertformat"):
        made = client.run(process, INPUT="towns")
        assert made.status_code == 200, made.text
        assert len(made.json()["features"]) == 2
    with stored[0].away():
        assert client.run("native:centroids", INPUT="towns").status_code == 200
    assert client.run("native:dropgeometries", INPUT="mayors").status_code == 400
    log = service.log()
    assert "project:plans/mayors is not offered: jobs may open no connections" in log
    assert "project:plans/quoted is not offered: its password holds a quote" in log


def test_with_a_network_jobs_read_layers_of_the_database_and_tell_nothing_of_it(serve: Any) -> None:
    client, service = serve(network=True)
    assert sorted(names(client)) == ["mayors", "towns"]
    rows = client.run("native:dropgeometries", INPUT="mayors").json()["features"]
    assert sorted(row["properties"]["mayor"] for row in rows) == ["M", "N"]
    for process, inputs in TELLING.items():
        client.run(process, **inputs)
    assert [mark for mark in (USER, "sesame", "opens@dawn") if mark in service.log()] == []


def test_what_cannot_be_fetched_stops_nothing_and_tells_no_password(
    serve: Any, stored: Any, until: Callable[..., Any]
) -> None:
    wrong = stored[0].address("plans", "a%27wrong%40word")
    client, service = serve(wrong=wrong, lacking=stored[0].address("lacking"))
    assert [each["name"] for each in client.get("/projects")["projects"]] == ["plans"]
    log = service.log()
    assert "the project wrong is not published: its storage does not give it" in log
    assert "the project lacking is not published" in log
    assert [mark for mark in (USER, "sesame", "wrong@", "wrong%40", "'wrong") if mark in log] == []
    stored[0].copy("plans", "lacking")
    (service.folder / "data" / "models" / "any.model3").touch()
    until(lambda: client.http.get("/projects/lacking").status_code == 200, 60)
