"""The api over HTTP, on a real store and storage; the worker behind the broker is a function."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from qanat_api.app import create_app
from qanat_api.callbacks import Caller
from qanat_api.catalog import NOTHING, Snapshot, build
from qanat_api.events import Events
from qanat_api.following import Following, Source
from qanat_api.gate import bounds_of, gate_of
from qanat_api.jobs import Jobs, Limits
from qanat_api.routes import Parts
from qanat_api.settings import ApiSettings
from qanat_api.subscribers import Subscribers
from qanat_common.notices import Notices
from qanat_common.ogc import GEOJSON, Process
from qanat_common.protocol import (
    Catalog,
    Failed,
    Offer,
    OutputValue,
    RunJob,
    ServiceEntry,
    StoredFile,
    Succeeded,
)
from qanat_common.storage import Storage, job_key
from qanat_common.store import Store
from qanat_common.tail import tail

GEOPACKAGE = "application/geopackage+sqlite3"
POINT = {"type": "Feature", "properties": {"n": None}, "geometry": {"type": "Point"}}
LAYER = {"type": "FeatureCollection", "features": [POINT]}

VECTOR = {
    "oneOf": [
        {"type": "object", "format": "geojson-feature-collection", "contentMediaType": GEOJSON},
        {"type": "string", "contentEncoding": "base64", "contentMediaType": GEOPACKAGE},
        {"type": "string", "contentMediaType": "application/gml+xml; version=3.2"},
    ]
}

BUFFER = {
    "id": "native:buffer",
    "version": "3.22.16",
    "title": "Buffer",
    "inputs": {
        "INPUT": {"title": "Layer", "schema": VECTOR},
        "DISTANCE": {"schema": {"type": "number", "default": 10}, "minOccurs": 0},
        "SEGMENTS": {"schema": {"type": "integer", "minimum": 1}, "minOccurs": 0},
        "DISSOLVE": {"schema": {"type": "boolean"}, "minOccurs": 0},
        "STYLE": {"schema": {"type": "string", "enum": ["Round", "Flat", ""]}, "minOccurs": 0},
    },
    "outputs": {"OUTPUT": {"schema": VECTOR}},
}

ECHO = {
    "id": "test:echo",
    "version": "1",
    "title": "Echo",
    "inputs": {
        "text": {"schema": {"type": "string"}},
        "extent": {
            "minOccurs": 0,
            "schema": {
                "allOf": [
                    {"format": "ogc-bbox"},
                    {
                        "type": "object",
                        "required": ["bbox"],
                        "properties": {
                            "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4},
                            "crs": {"type": "string", "format": "uri"},
                        },
                    },
                ]
            },
        },
        "numbers": {
            "minOccurs": 0,
            "maxOccurs": 3,
            "schema": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        },
        "rows": {
            "minOccurs": 0,
            "maxOccurs": "unbounded",
            "schema": {"type": "array", "items": {"type": "integer"}},
        },
        "range": {"minOccurs": 0, "schema": {"type": "array", "items": {"type": "number"}}},
    },
    "outputs": {
        "text": {"schema": {"type": "string"}},
        "count": {"schema": {"type": "integer"}},
        "file": {"schema": {"type": "object", "contentMediaType": GEOJSON}},
        "blob": {"schema": {"type": "string", "contentMediaType": GEOPACKAGE}},
    },
}


def process(document: dict[str, Any], **changes: Any) -> Process:
    return Process.model_validate({**document, **changes})


ASYNC = {"jobControlOptions": ["async-execute", "dismiss"]}
SYNC = {"jobControlOptions": ["sync-execute"]}
PROCESSES = (
    process(BUFFER),
    process(ECHO),
    process(ECHO, id="test:async", **ASYNC),
    process(ECHO, id="test:sync", outputTransmission=["value"], **SYNC),
)


def snapshot(**services: tuple[Process, ...]) -> Snapshot:
    """What services offer; the name says their QGIS, as in q322."""
    entries = [
        ServiceEntry(
            name=name,
            queue=f"qanat.{name}",
            qgis=f"{name[1:2]}.{name[2:]}",
            digests=[name],
            workers=1,
            slots=1,
        )
        for name in services
    ]
    offers = {name: Offer(processes=list(offered)) for name, offered in services.items()}
    return build(Catalog(complete=True, services=entries), offers, (), NOTHING)


@dataclass
class StillCatalogue:
    """A catalogue that does not change by itself."""

    snapshot: Snapshot

    async def run(self) -> None:
        await asyncio.Event().wait()


@dataclass
class Worker:
    """Takes what the broker is sent. `work` makes an outcome; without it jobs stay waiting."""

    store: Store
    storage: Storage
    work: Callable[[RunJob], Succeeded | Failed] | None = None
    error: Exception | None = None
    sent: list[RunJob] = field(default_factory=list)

    async def send(self, message: RunJob) -> None:
        if self.error:
            raise self.error
        self.sent.append(message)
        if self.work:
            await asyncio.to_thread(self.run, message)

    def run(self, message: RunJob, outcome: Succeeded | Failed | None = None) -> None:
        self.start(message)
        made = outcome or (self.work(message) if self.work else Succeeded())
        assert self.store.finish(message.job_id, "token", made)

    def start(self, message: RunJob) -> None:
        self.store.claim(message, "token", "boot", 3)

    def keep(self, job_id: str, name: str, data: bytes, media_type: str) -> StoredFile:
        key = job_key(job_id, name)
        size = self.storage.put_bytes(key, data)
        checksum = hashlib.sha256(data).hexdigest()
        return StoredFile(key=key, name=name, media_type=media_type, size=size, sha256=checksum)

    def returns(self, **outputs: OutputValue | tuple[str, bytes, str]) -> None:
        """Each job succeeds with these outputs; a tuple is a file: name, content, media type."""

        def work(message: RunJob) -> Succeeded:
            made = {
                name: self.keep(message.job_id, *value) if isinstance(value, tuple) else value
                for name, value in outputs.items()
            }
            return Succeeded(outputs=made)

        self.work = work

    def fails(self, code: str, message: str, pointer: str | None = None) -> None:
        self.work = lambda job: Failed(code=code, message=message, pointer=pointer)


@dataclass
class Api:
    """The api, started: `http` asks it."""

    http: TestClient
    worker: Worker
    catalogue: StillCatalogue
    store: Store
    storage: Storage
    folder: Path
    events: Events

    def execute(self, name: str = "test:echo", **request: Any) -> httpx2.Response:
        """Execute by JSON; `prefer` is the header."""
        prefer = request.pop("prefer", None)
        headers = {"Prefer": prefer} if prefer else {}
        return self.http.post(f"/processes/{name}/execution", json=request, headers=headers)

    def submit(self, name: str = "test:echo", **request: Any) -> str:
        """An accepted job; returns its path."""
        request.setdefault("inputs", {"text": "a"})
        answer = self.execute(name, prefer="respond-async", **request)
        assert answer.status_code == 201, answer.text
        return str(httpx2.URL(answer.headers["Location"]).path)

    def count(self) -> int:
        return len(self.http.get("/jobs?limit=1000").json()["jobs"])


@pytest.fixture
def store(valkey: Any) -> Iterator[Store]:
    store = Store(valkey.url)
    yield store
    store.close()


@pytest.fixture
def make_api(store: Store, tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Makes an api with settings of a test's own."""
    opened: list[TestClient] = []

    def make(**own: Any) -> Api:
        settings = ApiSettings(**own)
        storage = Storage(f"file://{tmp_path}/storage")
        worker, catalogue = Worker(store, storage), StillCatalogue(snapshot(q322=PROCESSES))
        events = Events(store, idle=0.02)
        limits = Limits(settings.inline_limit, settings.sync_limit, bounds_of(settings))
        subscribers = Subscribers(settings.callbacks)
        callers = [Caller(Notices(store), store.get, storage, settings.callbacks, look=0.02)]
        jobs = Jobs(lambda: catalogue.snapshot, store, storage, worker, events, limits, subscribers)
        source = Source(store.get, partial(tail, store))
        following = Following(source, events, settings.event_streams, settings.event_seconds)
        gate = gate_of(settings)
        parts = Parts(
            settings, catalogue, jobs, storage, following, store.ping, store.waiting, gate
        )
        app = create_app(parts, events, *(callers if settings.callbacks.on else ()))
        client = TestClient(app, "http://qanat.test", raise_server_exceptions=False)
        opened.append(client)
        return Api(client.__enter__(), worker, catalogue, store, storage, tmp_path, events)

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()


@pytest.fixture
def documents() -> dict[str, Any]:
    """Descriptions as JSON."""
    return {"buffer": BUFFER, "echo": ECHO}


@pytest.fixture
def buffer() -> Process:
    return process(BUFFER)


@pytest.fixture
def echo() -> Process:
    return process(ECHO)


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    return snapshot


class FakeRegistry:
    """A registry over HTTP that says what it is told to say, holds questions, and may be away."""

    def __init__(self) -> None:
        self.catalog = Catalog(complete=True)
        self.holds = True
        self.asked: list[dict[str, str]] = []
        self._changed = threading.Condition()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # a connection for each question: none outlives a stop

            def do_GET(self) -> None:
                registry.answer(self)

            def log_message(self, form: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def etag(self) -> str:
        return f'"{hash(self.catalog.model_dump_json())}"'

    def say(self, catalog: Catalog) -> None:
        with self._changed:
            self.catalog = catalog
            self._changed.notify_all()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers.get("If-None-Match")
        self.asked.append({name.lower(): value for name, value in handler.headers.items()})
        with self._changed:
            if self.holds:
                self._changed.wait_for(lambda: self.etag != known or not self.holds, 20)
        status, body = (304, b"") if known == self.etag else (200, b"")
        if status == 200:
            body = self.catalog.model_dump_json().encode()
        handler.send_response(status)
        handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with suppress(OSError):  # who asked may be gone
            handler.wfile.write(body)

    def stop(self) -> None:
        with self._changed:
            self.holds = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    running = FakeRegistry()
    yield running
    running.stop()


@pytest.fixture
def catalog_of() -> Callable[..., Catalog]:
    """A catalogue of one service with these digests."""

    def make(*digests: str, complete: bool = True) -> Catalog:
        service = ServiceEntry(
            name="q322", queue="qanat.q322", digests=list(digests), workers=1, slots=1
        )
        return Catalog(complete=complete, services=[service] if digests else [])

    return make


VOID = frozenset({"br", "img", "input", "link", "meta"})


@dataclass
class Element:
    """An element of a page: what it is, and all the text in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(HTMLParser):
    """A page as a test reads it; fails where an element is not closed."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8", answer.text
        self.status = answer.status_code
        self.source = answer.text
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(answer.text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}>"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of a tag that have these attributes."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [e for e in self.elements if e.tag == tag and wanted.items() <= e.attributes.items()]

    @property
    def text(self) -> str:
        return self.find("body")[0].text

    @property
    def hrefs(self) -> set[str]:
        return {e.attributes["href"] for e in self.find("a") if "href" in e.attributes}


@pytest.fixture
def page(api: Api) -> Callable[..., Page]:
    """Asks for a page as a browser does."""

    def get(path: str, **headers: str) -> Page:
        return Page(api.http.get(path, headers={"Accept": BROWSER, **headers}))

    return get


@pytest.fixture
def read_page() -> Callable[[httpx2.Response], Page]:
    return Page


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
