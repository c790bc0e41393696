"""How one sees that a service does its work: asked of a small real HTTP server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qanat.parts import OurWorker, get, service_parts
from qanat.settings import Settings, settle


class Answers(ThreadingHTTPServer):
    """Answers each path with a status and JSON."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.given: dict[str, tuple[int, Any]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def workers(self, **states: str) -> None:
        told = [{"boot": boot, "state": state} for boot, state in states.items()]
        self.given["/workers"] = (200, {"workers": told})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Answers)
        status, document = self.server.given.get(self.path, (404, {}))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
        pass


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_failure_or_nobody_there_is_no_answer(answers: Answers) -> None:
    answers.given["/readyz"] = (503, {"status": "unavailable"})

    assert get(answers.url + "/readyz") is None
    assert get("http://127.0.0.1:9/readyz") is None


def test_the_worker_is_ready_when_the_registry_says_so_of_the_one_with_our_folder(
    answers: Answers, tmp_path: Path
) -> None:
    ready = OurWorker(answers.url, tmp_path)
    assert not ready()

    (tmp_path / "ours").mkdir()
    answers.workers(another="ready", ours="draining")
    assert not ready()

    answers.workers(another="ready", ours="ready")
    assert ready()


def test_a_worker_that_is_no_more_does_not_stand_for_the_next(
    answers: Answers, tmp_path: Path
) -> None:
    for boot in ("first", "second"):
        (tmp_path / boot).mkdir()
    ready = OurWorker(answers.url, tmp_path)
    answers.workers(first="ready")
    assert ready()

    assert not ready()
    answers.workers(first="ready", second="ready")
    assert ready()


def test_the_api_is_ready_when_it_knows_processes(answers: Answers, tmp_path: Path) -> None:
    port = answers.server_address[1]
    settings = settle(Settings.model_validate({"api": {"port": port}}), "", "")
    (api,) = [part for part in service_parts(settings, tmp_path) if part.name == "api"]

    answers.given["/readyz"] = (200, {"status": "ok", "processes": 0})
    assert not api.ready()
    answers.given["/readyz"] = (200, {"status": "ok", "processes": 3})
    assert api.ready()
