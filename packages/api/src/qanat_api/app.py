"""The application: its routers, its one handler of errors, and what runs beside the requests."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Protocol

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from qanat_api import documents, html, negotiation, pages
from qanat_api.following import NothingMore
from qanat_api.metrics import Measured, Requests
from qanat_api.proxies import Proxies
from qanat_api.routes import (
    Parts,
    core,
    forms,
    jobs,
    kvp,
    pictures,
    processes,
    projects,
    results,
    services,
    site_of,
    uploads,
)
from qanat_api.settings import ApiSettings
from qanat_common.errors import Internal, MethodNotAllowed, NotFound, QanatError

logger = logging.getLogger(__name__)

ROUTERS = (
    *(core.router, processes.router, projects.router, services.router),
    *(jobs.router, results.router, uploads.router),
)
"""The API, which its definition describes."""

PAGES = (forms.router, pictures.router)
"""What only pages of ours use."""


METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""What pages of other sites may do, where they may do something."""

SENT = (
    *("Authorization", "If-Match", "If-None-Match", "If-Range", "Last-Event-ID"),
    *("Prefer", "Range", "X-API-Key", "X-Request-ID"),
)
"""Headers that they may send, beside those that they always may."""

EXPOSED = (
    *("Accept-Ranges", "Allow", "Content-Crs", "Content-Disposition", "Content-Location"),
    "Content-Range",
    *("ETag", "Link", "Location", "Preference-Applied", "Repr-Digest", "Retry-After", "Vary"),
    "WWW-Authenticate",
)
"""Headers of answers that their scripts may read, beside those that they always may."""


class Beside(Protocol):
    """Something that runs beside the requests."""

    def start(self) -> None:
        """Begin; called in the event loop."""

    def stop(self) -> None:
        """End, within a second or so; may block."""


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Application(FastAPI):
    """FastAPI, and before all of it, errors too, what the settings say of proxies and other sites."""

    def __init__(self, own: ApiSettings, lifespan: Lifespan, requests: Requests) -> None:
        """Without a definition of FastAPI's own."""
        super().__init__(
            title=own.title,
            version=version("qanat-api"),
            lifespan=lifespan,
            openapi_url=None,
            redirect_slashes=False,
        )
        self._own = own
        self._requests = requests

    def build_middleware_stack(self) -> ASGIApp:
        """What is not asked for by the settings stands in nobody's way."""
        own = self._own
        stack: ASGIApp = Measured(super().build_middleware_stack(), self._requests)
        if own.cors.origins:
            stack = CORSMiddleware(
                stack,
                allow_origins=own.cors.origins,
                allow_methods=METHODS,
                allow_headers=SENT,
                expose_headers=EXPOSED,
                max_age=own.cors.max_age,
            )
        if own.trusted_proxies or own.path_prefix:
            stack = Proxies(stack, own.trusted_proxies, own.proxy_headers, own.path_prefix)
        return stack


async def _at_once() -> None:
    """Nothing is waited for."""


def create_app(
    parts: Parts,
    *beside: Beside,
    close: Callable[[], None] = lambda: None,
    requests: Requests | None = None,
    opening: Callable[[], Awaitable[None]] = _at_once,
) -> FastAPI:
    """The application; `beside` runs from its start to its end, `close` is called last.

    `requests` counts what is asked. No request is taken before `opening`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for one in beside:
            one.start()
        refreshing = asyncio.create_task(parts.catalog.run())
        refreshing.add_done_callback(_must_not_end)
        await opening()
        yield
        refreshing.cancel()
        for one in reversed(beside):
            await asyncio.to_thread(one.stop)
        close()

    app = Application(parts.settings, lifespan, requests or Requests())
    app.state.parts = parts
    app.state.routers = (*ROUTERS, *PAGES, *((kvp.router,) if parts.settings.kvp_execute else ()))
    for router in app.state.routers:
        app.include_router(router)
    app.add_exception_handler(QanatError, _refused)
    app.add_exception_handler(NothingMore, _nothing_more)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(Exception, _broken)
    return app


def _must_not_end(task: "asyncio.Task[None]") -> None:
    """Without its catalogue the api would look alive, and grow old: end, and be started anew."""
    if not task.cancelled():
        logger.critical("the catalogue is no longer refreshed", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


async def _refused(request: Request, error: Exception) -> Response:
    """Every failure that a client may see."""
    if not isinstance(error, QanatError):
        return await _broken(request, error)
    return _problem(request, error)


async def _unrouted(request: Request, error: Exception) -> Response:
    """No such path, or no such method on it; an OPTIONS request asks for the methods."""
    methods = _methods(request)
    if not methods:
        return _problem(request, NotFound("There is nothing at this path."))
    allow = {"Allow": ", ".join(methods)}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return _problem(
        request, MethodNotAllowed(f"{request.method}: allowed are {', '.join(methods)}"), allow
    )


async def _nothing_more(request: Request, end: Exception) -> Response:
    """Tells a client that follows a job to come back no more (HTML, server-sent events)."""
    return Response(status_code=204, headers=documents.NO_STORE)


async def _broken(request: Request, error: Exception) -> Response:
    """A mistake of ours: uvicorn logs it with its traceback, the client is told nothing of it."""
    return _problem(request, Internal())


def _problem(
    request: Request, error: QanatError, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as the client reads it: as a page, or as an exception document."""
    try:
        as_html = negotiation.wants_html(
            request.headers.get("accept"), request.query_params.get("f")
        )
        site = site_of(request)
    except QanatError:  # what the client wants is itself at fault
        return documents.problem(request, error, headers)
    if not as_html:
        return documents.problem(request, error, headers)
    made = pages.problem(site, error)
    return html.page(request, made, error.status, documents.problem_headers(error, headers))


def _methods(request: Request) -> list[str]:
    """The methods of a path: Starlette itself names those of the first route only."""
    scope = {**request.scope, "method": "?"}
    found = {"OPTIONS"}
    for route in (route for router in request.app.state.routers for route in router.routes):
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found) if len(found) > 1 else []
