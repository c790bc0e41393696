"""Published projects: the list, and what each of them has."""

from typing import Any

from fastapi import APIRouter, Request, Response

from qanat_api import documents, html, pages
from qanat_api.links import Links, both, json_link
from qanat_api.routes import HtmlOf, LinksOf, PartsOf, SiteOf, get
from qanat_common.errors import NoSuchProject, Unavailable
from qanat_common.ogc import REL
from qanat_common.protocol import Project

router = APIRouter()


@get(router, "/projects")
async def project_list(
    request: Request, parts: PartsOf, links: LinksOf, site: SiteOf, as_html: HtmlOf
) -> Response:
    """Every project within which processes can be run."""
    published = parts.catalog.snapshot.published
    document = {
        "projects": [_summary(project, links) for project in published.values()],
        "links": [link.document() for link in both(links.projects, "Published projects")],
    }
    if as_html:
        made = pages.projects(site, document)
        return html.conditional(request, documents.ready_bytes(made))
    return documents.conditional(request, documents.ready(document))


@get(router, "/projects/{project_name}")
async def project(
    request: Request,
    project_name: str,
    parts: PartsOf,
    links: LinksOf,
    site: SiteOf,
    as_html: HtmlOf,
) -> Response:
    """The layers, layouts and map themes of a project."""
    snapshot = parts.catalog.snapshot
    found = snapshot.published.get(project_name)
    if found is None:
        if not snapshot.known:
            raise Unavailable("The projects are not known yet.", retry_after=2)
        raise NoSuchProject(f"There is no project {project_name[:200]!r}.")
    document = _document(found, links)
    if as_html:
        made = pages.project(site, found, document)
        return html.conditional(request, documents.ready_bytes(made))
    return documents.conditional(request, documents.ready(document))


def _summary(project: Project, links: Links) -> dict[str, Any]:
    described = links.described(project.name)
    own = [*both(described), json_link(links.in_project(project.name).processes, REL + "processes")]
    return {
        **project.model_dump(include={"name", "title", "description", "crs"}, exclude_none=True),
        "layers": len(project.layers),
        "links": [link.document() for link in own],
    }


def _document(project: Project, links: Links) -> dict[str, Any]:
    own = [
        *both(links.described(project.name), "This project"),
        json_link(
            links.in_project(project.name).processes, REL + "processes", "Processes within it"
        ),
        json_link(links.projects, "up", "Published projects"),
    ]
    told = project.model_dump(mode="json", exclude={"processes"}, exclude_none=True)
    return {**told, "links": [link.document() for link in own]}
