"""An execution by a query (2.0 draft, kvp-execute): there only where the settings say so."""

from fastapi import APIRouter, Request, Response

from qanat_api import kvp, negotiation
from qanat_api.routes import LinksOf, PartsOf
from qanat_api.routes.processes import Asked, run

router = APIRouter()

NOT_INDEXED = "noindex, nofollow"


@router.get("/processes/{process_id}/execution", response_model=None)
async def execute(request: Request, process_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """Run a process by the inputs of the query."""
    offered = parts.jobs.process(process_id, links.project)
    query = kvp.parse(request.url.query, offered.process, offered.rules)
    accept = query.accept or request.headers.get("accept")
    prefer = [query.prefer] if query.prefer else request.headers.getlist("prefer")
    profiles = negotiation.profiles(request.query_params.getlist("profile"))
    wanted = negotiation.preferences(prefer, document="ogc-results" in profiles, accept=accept)
    asked = Asked(offered, query.body, wanted, negotiation.wants_html(accept, None))
    response = await run(request, parts, links, asked)
    response.headers["X-Robots-Tag"] = NOT_INDEXED
    return response
