"""A port for those who watch a service: /livez, /readyz and /metrics, apart from what it serves."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from pydantic import Field

from qanat_common.errors import Unavailable
from qanat_common.settings import Section

logger = logging.getLogger(__name__)

READ_SECONDS = 5
"""How long somebody who asks may take to say what."""

Check = Callable[[], None]
"""Raises Unavailable when what it asks is away. May block."""


class MonitorSettings(Section):
    """Where a service is watched."""

    host: str = Field(
        default="127.0.0.1", description="The address at which /livez, /readyz, /metrics are."
    )
    port: int = Field(default=0, ge=0, le=65535, description="The port for them; 0: none.")


class Build(Collector):
    """What runs here. The version of QGIS is known, and may change, only while a worker runs."""

    def __init__(self, version: str, qgis: Callable[[], str]) -> None:
        """`qgis` is asked each time; it says nothing where there is no QGIS."""
        self._version = version
        self._qgis = qgis

    def collect(self) -> Iterator[Metric]:
        """Part of Collector."""
        told = GaugeMetricFamily(
            "qps_build_info", "Always 1; what runs here.", labels=("version", "qgis")
        )
        told.add_metric([self._version, self._qgis()], 1)
        yield told


def metrics(package: str, qgis: Callable[[], str] = str) -> CollectorRegistry:
    """The metrics of a process.

    `package` is the distribution whose version they tell, `qgis` says the version of QGIS.
    """
    # When each was first counted is a series more, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it
    made = CollectorRegistry(auto_describe=True)
    made.register(Build(version(package), qgis))
    return made


class Monitor:
    """Answers in threads of its own, so that a service in trouble can still be watched."""

    def __init__(
        self,
        settings: MonitorSettings,
        checks: Mapping[str, Check],
        metrics: CollectorRegistry,
        facts: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """The service is ready while no check fails; `facts` are told beside them."""
        self._settings = settings
        self._checks = checks
        self._metrics = metrics
        self._facts = facts
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Begin to answer, if there is a port; ends the command when it is taken."""
        own = self._settings
        if not own.port:
            return
        paths = {"/livez": self._live, "/readyz": self._ready, "/metrics": self._measured}
        try:
            self._server = ThreadingHTTPServer((own.host, own.port), _handler(paths))
        except OSError as error:
            logger.critical("monitor: cannot listen on %s:%d: %s", *_address(own), error.strerror)
            sys.exit(1)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="monitor", daemon=True).start()
        logger.info("watched at http://%s:%d/metrics, /livez, /readyz", *_address(own))

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _live(self) -> "Answer":
        return _json({"status": "ok"}, HTTPStatus.OK)

    def _ready(self) -> "Answer":
        told, ready = dict.fromkeys(self._checks, "ok"), True
        for name, check in self._checks.items():
            try:
                check()
            except Unavailable as error:
                told[name], ready = error.detail, False
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        word = "ok" if ready else "unavailable"
        return _json({"status": word, "checks": told, **self._facts()}, status)

    def _measured(self) -> "Answer":
        return HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._metrics)


Answer = tuple[HTTPStatus, str, bytes]


def _json(document: Mapping[str, object], status: HTTPStatus) -> Answer:
    return status, "application/json", json.dumps(document).encode()


def _address(own: MonitorSettings) -> tuple[str, int]:
    return own.host, own.port


def _handler(paths: Mapping[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET at these paths."""

        timeout = READ_SECONDS

        def do_GET(self) -> None:
            """Part of BaseHTTPRequestHandler."""
            make = paths.get(self.path.partition("?")[0])
            missing = _json({"status": "there is nothing at this path"}, HTTPStatus.NOT_FOUND)
            status, media_type, body = make() if make else missing
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            """Part of BaseHTTPRequestHandler: the software is nobody's business."""
            return "qanat"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
            """Part of BaseHTTPRequestHandler: those who watch ask often."""

    return Handler
