"""Callback: who subscribed to a job is called, by a service whose settings allow it."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

proves = pytest.mark.proves
CALLBACK = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback"


class Subscriber(BaseHTTPRequestHandler):
    """Keeps what it is told."""

    told: queue.Queue[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.put((self.path, json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def told() -> queue.Queue[tuple[str, Any]]:
    return queue.Queue()


@pytest.fixture(scope="module")
def subscriber(told: queue.Queue[tuple[str, Any]]) -> Iterator[str]:
    """The address of someone who may be called."""
    handler = type("Told", (Subscriber,), {"told": told})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def calling(start_api: Callable[..., Any], subscriber: str, until: Callable[..., Any]) -> Any:
    """A service that calls back."""
    service = start_api(
        callbacks__internal_hosts=json.dumps([subscriber.removeprefix("http://")]),
        callbacks__secret="the secret of the subscriber",
    )

    def answers() -> bool:
        try:
            return bool(service.get("/processes/echo").status_code == 200)
        except httpx2.TransportError:
            return False

    until(answers, 60)
    return service


@proves("/req/callback/job-callback")
def test_the_subscriber_gets_the_results(
    calling: Any, subscriber: str, told: queue.Queue[tuple[str, Any]], problems: Any
) -> None:
    assert CALLBACK in calling.get("/conformance").json()["conformsTo"]
    body = {"inputs": {"stringInput": "to be told"}}
    uris = {"successUri": f"{subscriber}/done", "inProgressUri": f"{subscriber}/began"}
    job = calling.submit("echo", {**body, "subscriber": uris})
    calling.ended(job)
    heard = dict([told.get(timeout=30)])
    if "/done" not in heard:
        assert heard["/began"]["jobID"] == job.rpartition("/")[2]
        heard = dict([told.get(timeout=30)])
    document = calling.results("echo", {**body, "response": "document"}).json()
    assert heard["/done"] == document
    assert problems("results", heard["/done"]) == []


@proves("/req/callback/job-callback")
def test_an_address_that_may_not_be_called_is_refused(calling: Any, service: Any) -> None:
    for one in (calling, service):
        body = {
            "inputs": {"stringInput": "a"},
            "subscriber": {"successUri": "http://127.0.0.1:1/", "failedUri": "http://10.0.0.1/"},
        }
        answer = one.post("echo", body)
        assert answer.status_code == 400
        assert "/subscriber" in answer.json()["detail"]
    assert CALLBACK not in service.get("/conformance").json()["conformsTo"]
