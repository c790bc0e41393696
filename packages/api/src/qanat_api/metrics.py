"""What an api counts of its requests, for those who watch it."""

import time

from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qanat_common.monitor import metrics
from qanat_common.tracing import span

SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60)
"""Edges of the histogram, in seconds."""

UNAUTHORIZED, FORBIDDEN = 401, 403
REFUSALS = frozenset({UNAUTHORIZED, FORBIDDEN})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


class Requests:
    """Counts requests by their route, never by their address: labels stay few."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.metrics: CollectorRegistry = metrics("qanat-api")
        self._requests = Counter(
            "qps_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.metrics,
        )
        self._seconds = Histogram(
            "qps_http_request_duration_seconds",
            "How long answers took to begin.",
            ("route",),
            buckets=SECONDS,
            registry=self.metrics,
        )

        self._refused = Counter(
            "qps_auth_failures",
            "Requests that were refused for who asked.",
            ("reason",),
            registry=self.metrics,
        )
        self._callbacks = Counter(
            "qps_callbacks",
            "Subscribers that were to be called.",
            ("outcome",),
            registry=self.metrics,
        )

    def called(self, outcome: str) -> None:
        """What became of a call to a subscriber."""
        self._callbacks.labels(outcome).inc()

    def refused(self, status: int, challenge: str) -> None:
        """A request was answered by 401 or 403; `challenge` is its WWW-Authenticate."""
        shown = "invalid" if "error=" in challenge else "none"
        self._refused.labels(shown if status == UNAUTHORIZED else "forbidden").inc()

    def counted(self, scope: Scope, status: int, seconds: float) -> None:
        """A request was answered."""
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Measured:
    """An application whose requests are counted and traced."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        """`app` answers."""
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.counted(scope, message["status"], time.perf_counter() - began)
                if message["status"] in REFUSALS:
                    challenge = Headers(raw=message["headers"]).get("www-authenticate", "")
                    self._requests.refused(message["status"], challenge)
            await send(message)

        carried = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        with span(scope["method"], carried, SpanKind.SERVER) as running:
            await self._app(scope, receive, noted)
            route = getattr(scope.get("route"), "path", "none")
            running.update_name(f"{scope['method']} {route}")
            running.set_attribute("http.route", route)
