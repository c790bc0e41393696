"""The registry over HTTP: the catalogue for api replicas, workers and services for operators."""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from qanat_common.errors import Unavailable
from qanat_common.monitor import Check
from qanat_registry.board import Board
from qanat_registry.catalog import ServiceReport, WorkerReport

LONGEST_WAIT = 30
"""How long a request for the catalogue is held at most, in seconds."""

router = APIRouter()


class Part(Protocol):
    """Something that runs beside the requests, as long as the registry does."""

    def start(self) -> None:
        """Begin; called in the event loop."""

    def stop(self) -> None:
        """End, within a second or so; may block."""


def create_app(board: Board, parts: Sequence[Part], checks: Mapping[str, Check]) -> FastAPI:
    """The application; `parts` run from its start to its end, `checks` make it ready."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for part in parts:
            part.start()
        yield
        board.close()
        for part in reversed(parts):
            part.stop()

    app = FastAPI(
        title="Qanat registry",
        version=version("qanat-registry"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.board = board
    app.state.checks = {"broker": hears(board), **checks}
    app.state.started = time.monotonic()
    app.include_router(router)
    return app


@router.get("/catalog", response_class=Response)
async def catalog(
    request: Request,
    if_none_match: Annotated[str | None, Header()] = None,
    prefer: Annotated[list[str] | None, Header()] = None,
) -> Response:
    """What is offered, with an ETag.

    With the ETag of the newest in If-None-Match and `Prefer: wait=N` the answer is held until
    there is another one, at most N seconds.
    """
    board: Board = request.app.state.board
    snapshot, headers = board.snapshot, {}
    known = _etags(if_none_match)
    wait = _wait(prefer or ())
    if wait and snapshot.etag in known:
        snapshot = await board.other_than(snapshot.etag, wait)
        headers["Preference-Applied"] = f"wait={wait}"
    headers |= {"ETag": snapshot.etag, "Cache-Control": "no-cache"}
    if snapshot.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(snapshot.body, media_type="application/json", headers=headers)


@router.get("/workers")
async def workers(request: Request) -> dict[str, list[WorkerReport]]:
    """Who is there, with all that they say of themselves."""
    board: Board = request.app.state.board
    return {"workers": board.workers()}


@router.get("/services")
async def services(request: Request) -> dict[str, list[ServiceReport]]:
    """What the workers of each service offer together."""
    board: Board = request.app.state.board
    return {"services": board.services()}


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Whether this process answers at all; asks nobody else."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether the registry can do its work: it hears the broker and reaches the store.

    Beside that: how many of its workers confine their jobs in which way.
    """
    failed = _failed(request)
    board: Board = request.app.state.board
    return JSONResponse(
        {
            "status": "unavailable" if failed else "ok",
            "checks": _told(request, failed),
            "sandbox": Counter(worker.sandbox or "unknown" for worker in board.workers()),
        },
        status_code=503 if failed else 200,
    )


@router.get("/health")
def health(request: Request) -> dict[str, Any]:
    """The registry in a few numbers, for people and monitors."""
    board: Board = request.app.state.board
    failed = _failed(request)
    found = board.services()
    return {
        "status": "degraded" if failed else "ok",
        "version": request.app.version,
        "uptime_seconds": round(time.monotonic() - request.app.state.started, 1),
        "checks": _told(request, failed),
        "catalog_complete": board.snapshot.complete,
        "services": len(found),
        "workers": sum(service.workers for service in found),
        "draining": sum(service.draining for service in found),
        "slots": sum(service.slots for service in found),
    }


def hears(board: Board) -> Check:
    """Whether announcements are heard."""

    def check() -> None:
        if not board.hears:
            raise Unavailable("The broker cannot be reached.")

    return check


def _failed(request: Request) -> dict[str, str]:
    failed = {}
    for name, check in request.app.state.checks.items():
        try:
            check()
        except Unavailable as error:
            failed[name] = error.detail
    return failed


def _told(request: Request, failed: Mapping[str, str]) -> dict[str, str]:
    return {name: failed.get(name, "ok") for name in request.app.state.checks}


def _etags(if_none_match: str | None) -> set[str]:
    """The entity tags of an If-None-Match, compared weakly (RFC 9110, 13.1.2)."""
    return set(re.findall(r'"[^"]*"', if_none_match or ""))


def _wait(prefer: Sequence[str]) -> int:
    """The seconds of a preference `wait=N` (RFC 7240), as many as are granted; 0 without one."""
    found = re.search(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])', ",".join(prefer))
    return min(int(found[1]), LONGEST_WAIT) if found else 0
