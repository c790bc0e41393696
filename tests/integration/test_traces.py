"""One trace from a request over HTTP through the broker to the job's process, sent by OTLP."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENT = "00f067aa0ba902b7"
EXECUTION = "POST /processes/{process_id}/execution"
STEPS = {
    EXECUTION,
    "job",
    "wait in the queue",
    "fetch inputs",
    "run in a process of its own",
    "keep results",
}


class Collector:
    """Takes traces as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, form: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def names(self, trace: str) -> set[str]:
        return {span.name for span in self.spans if span.trace_id.hex() == trace}

    def above(self, name: str) -> list[str]:
        """The names of the steps that a step is part of, from the nearest on; the client's is its id."""
        by_id = {span.span_id: span for span in self.spans}
        (found,) = (span for span in self.spans if span.name == name)
        names = []
        while found.parent_span_id in by_id:
            found = by_id[found.parent_span_id]
            names.append(found.name)
        return [*names, found.parent_span_id.hex()]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
def test_a_job_is_one_trace_that_goes_on_with_the_clients(
    cluster: Any, collector: Collector, until: Callable[..., Any]
) -> None:
    cluster.environ |= {"QANAT_TRACES__ENDPOINT": collector.url}
    for service in ("worker", "api"):
        cluster.kill(service)
        cluster.start(service)
    cluster.wait_for("fake:echo", 60)

    answer = httpx2.post(
        f"{cluster.url}/processes/fake:echo/execution",
        json={"inputs": {"x": "secret"}},
        headers={"traceparent": f"00-{TRACE}-{CLIENT}-01"},
        timeout=60,
    )

    assert answer.status_code == 200
    until(lambda: collector.names(TRACE) >= STEPS, 60)
    for step in (
        "wait in the queue",
        "fetch inputs",
        "run in a process of its own",
        "keep results",
    ):
        above = collector.above(step)
        assert (above[0], *above[-2:]) == ("job", EXECUTION, CLIENT)
    assert "secret" not in str(collector.spans)
