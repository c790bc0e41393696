"""What the routes need, and how they get it; a router of our own that answers HEAD where GET is."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Depends, Request, Response

from qanat_api import links, negotiation
from qanat_api.catalog import Snapshot
from qanat_api.following import Following
from qanat_api.gate import Gate, OfCaller
from qanat_api.html import Site
from qanat_api.jobs import Jobs
from qanat_api.languages import language
from qanat_api.ports import Storage
from qanat_api.settings import ApiSettings
from qanat_common.jobs import JobRecord
from qanat_common.ogc import Process
from qanat_common.store import Waiting

T = TypeVar("T")

Route = TypeVar("Route", bound=Callable[..., Coroutine[Any, Any, Response]])


class Catalogue(Protocol):
    """What may be run, kept fresh."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest that is known."""

    async def run(self) -> None:
        """Keep it fresh, for ever."""


@dataclass(frozen=True)
class Parts:
    """The parts of the api, wired; `check` raises Unavailable when the store is away.

    `waiting` tells how many jobs of a service no worker has begun; both may block.
    """

    settings: ApiSettings
    catalog: Catalogue
    jobs: Jobs
    files: Storage
    following: Following
    check: Callable[[], None]
    waiting: Callable[[str], Waiting]
    gate: Gate | None = None
    """Who may do what; None: everybody everything."""
    guard: OfCaller | None = None
    """What who asks may do, within a request that there is a gate for."""

    @property
    def secured(self) -> bool:
        """Whether who asks must show who it is."""
        return self.gate is not None

    def described(self, record: JobRecord) -> Process | None:
        """The process of a job, as its service has it; None when that offers it no more."""
        snapshot, project = self.catalog.snapshot, record.request.project
        within = snapshot.of(project) if project else snapshot
        found = within.get(f"{record.process_id}@{record.service}") if within is not None else None
        return found.process if found else None


def parts(request: Request) -> Parts:
    """The parts of the application that was asked."""
    found: Parts = request.app.state.parts
    return found


async def parts_for_caller(request: Request) -> Parts:
    """The parts as who asks may see them. Raises Unauthorized."""
    found = parts(request)
    if found.gate is None:
        return found
    guard = await found.gate.guard(request)
    seen = Seen(lambda: guard.snapshot(found.catalog.snapshot))
    return replace(found, jobs=found.jobs.for_caller(guard), catalog=seen, guard=guard)


class Seen:
    """A catalogue of which somebody sees a part."""

    def __init__(self, taken: Callable[[], Snapshot]) -> None:
        """`taken` gives the newest."""
        self._taken = taken

    @property
    def snapshot(self) -> Snapshot:
        """The newest that is known."""
        return self._taken()

    async def run(self) -> None:
        """It is kept fresh elsewhere."""


def links_of(request: Request) -> links.Links:
    """The addresses of our resources, as this client sees them."""
    base = links.base_url(request.scope, parts(request).settings.base_url)
    return links.Links(base, project_of(request))


def project_of(request: Request) -> str | None:
    """The name of the project within which a client asks."""
    return request.query_params.get("project") or None


def site_of(request: Request) -> Site:
    """What every page shows."""
    liked = language(request.headers.get("accept-language"))
    return Site(parts(request).settings.title, links_of(request), liked)


def wants_html(request: Request) -> bool:
    """Whether the client is to get the page of a resource."""
    return negotiation.wants_html(request.headers.get("accept"), request.query_params.get("f"))


def reads_documents(request: Request) -> None:
    """Refuse a client that reads neither JSON nor HTML."""
    negotiation.require_document(request.headers.get("accept"), request.query_params.get("f"))


def _at_once(found: Callable[[Request], T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency that is called in the event loop: FastAPI calls a plain one in a thread."""

    async def depend(request: Request) -> T:
        return found(request)

    return depend


def get(router: APIRouter, path: str, *, document: bool = True) -> Callable[[Route], Route]:
    """A route for GET and HEAD; `document` says that it answers with JSON or HTML only."""
    return router.api_route(
        path,
        methods=["GET", "HEAD"],
        response_model=None,
        dependencies=[Depends(_at_once(reads_documents))] if document else None,
    )


PartsOf = Annotated[Parts, Depends(parts_for_caller)]
OpenPartsOf = Annotated[Parts, Depends(_at_once(parts))]
"""For what everybody may see, whoever it is."""

LinksOf = Annotated[links.Links, Depends(_at_once(links_of))]
SiteOf = Annotated[Site, Depends(_at_once(site_of))]
HtmlOf = Annotated[bool, Depends(_at_once(wants_html))]
