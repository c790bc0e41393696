"""A real service for the tests of conformance: registry, worker with the echo, api; no QGIS."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

HERE = Path(__file__).parent
SITE = "https://app.example.org"
FILES = {
    "/text.txt": ("text/plain", b"hello"),
    "/numbers.json": ("application/json", b"[1, 2, 3]"),
    "/words.json": ("application/json", b'["one"]'),
    "/image.tif": ("image/tiff; application=geotiff", b"II*\0" + bytes(60)),
    "/layer.geojson": ("application/geo+json", b'{"type":"FeatureCollection","features":[]}'),
}


@dataclass(frozen=True)
class Service:
    """One api, and what a client does with it; `files` is where it may fetch from."""

    url: str
    files: str
    client: httpx2.Client
    until: Callable[..., Any]

    def get(self, path: str, **headers: str | None) -> httpx2.Response:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str, **headers: str | None) -> httpx2.Response:
        """`path` may be an address; a header that is None is not sent at all, `_` stands for `-`."""
        request = self.client.build_request(method, self.address(path))
        for name, value in headers.items():
            request.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                request.headers[name.replace("_", "-")] = value
        return self.client.send(request)

    def address(self, path: str) -> str:
        return path if path.startswith("http") else self.url + path

    def post(self, process: str, body: Any, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            self.address(f"/processes/{process}/execution"), json=body, headers=named
        )

    def submit(self, process: str, body: Any, Prefer: str = "") -> str:  # noqa: N803 - a header
        """The address of an accepted job."""
        answer = self.post(process, body, Prefer=f"respond-async, {Prefer}".rstrip(", "))
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def status(self, job: str) -> Any:
        return self.get(job).json()

    def ended(self, job: str) -> Any:
        """The status of a job when it has ended."""
        ends = ("successful", "failed", "dismissed")
        return self.until(lambda: (info := self.status(job))["status"] in ends and info, 20)

    def results(self, process: str, body: Any) -> httpx2.Response:
        """The results of an asynchronous execution."""
        job = self.submit(process, body)
        assert self.ended(job)["status"] == "successful"
        return self.get(f"{job}/results")


class Library(BaseHTTPRequestHandler):
    """Serves what inputs are fetched from."""

    def do_GET(self) -> None:
        media_type, content = FILES.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in FILES else 404)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def library() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Library)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def part(service: str, environ: dict[str, str], log: Path) -> Iterator[None]:
    """A service as a process of its own."""
    with log.open("ab") as opened:
        process = subprocess.Popen(
            [sys.executable, "-m", f"qanat_{service}"],
            env=os.environ | environ,
            stdout=opened,
            stderr=opened,
            stdin=subprocess.DEVNULL,
        )
    yield
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def start_api(
    running_valkey: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
    until: Callable[..., Any],
) -> Iterator[Callable[..., Service]]:
    """Starts apis with settings of their own, before one worker."""
    folder = Path(tempfile.mkdtemp(prefix="qc"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        store, files = stack.enter_context(running_valkey()), stack.enter_context(library())
        (registry,) = free_ports(1)
        environ = {
            "PYTHONPATH": str(HERE),
            "QANAT_BROKER_URL": store.broker_url,
            "QANAT_STORE_URL": store.url,
            "QANAT_STORAGE_URL": f"file://{folder}/storage",
            "QANAT_API__REGISTRY_URL": f"http://127.0.0.1:{registry}",
            "QANAT_REGISTRY__PORT": str(registry),
            "QANAT_WORKER__ENGINE": "proving_engine:start",
            "QANAT_WORKER__ECHO": "true",
            "QANAT_WORKER__SLOTS": "4",
            "QANAT_WORKER__DRAIN_TIMEOUT": "0",
            "QANAT_WORKER__WORK_FOLDER": f"{folder}/work",
            "QANAT_WORKER__FETCH__ALLOWED_HOSTS": json.dumps([f"127.0.0.1:{files}"]),
        }
        stack.enter_context(part("registry", environ, folder / "registry.log"))
        stack.enter_context(part("worker", environ, folder / "worker.log"))
        client = stack.enter_context(httpx2.Client(timeout=30))

        def start(**settings: str) -> Service:
            (port,) = free_ports(1)
            own = {f"QANAT_API__{name.upper()}": value for name, value in settings.items()}
            own["QANAT_API__PORT"] = str(port)
            stack.enter_context(part("api", environ | own, folder / f"api-{port}.log"))
            places = (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{files}")
            return Service(*places, client, until)

        yield start


@pytest.fixture(scope="package")
def services(start_api: Callable[..., Service], until: Callable[..., Any]) -> dict[str, Service]:
    """Two apis: `clean` leaves no job of a sync execution, and takes queries and other sites' pages."""
    other = {"keep_sync_jobs": "false", "kvp_execute": "true", "cors": f'{{"origins": ["{SITE}"]}}'}
    made = {"kept": start_api(), "clean": start_api(**other)}
    made["by query"] = made["clean"]
    for service in made.values():
        until(lambda service=service: _knows(service, "echo"), 100)
    return made


def _knows(service: Service, process: str) -> bool:
    try:
        return service.get(f"/processes/{process}").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="package")
def service(services: dict[str, Service]) -> Service:
    """The service as it is by default."""
    return services["kept"]


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def requirements() -> ModuleType:
    return _module("requirements")


@pytest.fixture(scope="session")
def evidence() -> ModuleType:
    return _module("evidence")


@pytest.fixture(scope="session")
def problems() -> Callable[[str, Any], list[str]]:
    """What is wrong with a document by a schema of 1.0: oneOf is strict, null is no absence."""
    schemas = {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((HERE / "cite" / "schemas").glob("*.json"))
    }
    resources = [(name, DRAFT7.create_resource(schema)) for name, schema in schemas.items()]
    registry: Any = Registry().with_resources(resources)

    def find(name: str, document: Any) -> list[str]:
        checker = Draft7Validator.FORMAT_CHECKER
        validator = Draft7Validator({"$ref": name}, registry=registry, format_checker=checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]

    return find
