"""The process of an id, within a project if one is named; wrong names are told. Pure."""

from qanat_api.catalog import Offered, Snapshot
from qanat_common.errors import NoSuchProcess, NoSuchProject, Unavailable


def within(snapshot: Snapshot, project: str | None) -> Snapshot:
    """The processes that there are, within a project if one is named. Raises NoSuchProject."""
    found = snapshot.of(project) if project else snapshot
    if found is not None:
        return found
    if not snapshot.known:
        raise Unavailable("The projects are not known yet.", retry_after=2)
    known = ", ".join(snapshot.published) or "none"
    raise NoSuchProject(
        f"project: there is no project {(project or '')[:200]!r}; there are: {known}"
    )


def process(snapshot: Snapshot, process_id: str, project: str | None) -> Offered:
    """The process of an id. Raises NoSuchProcess, NoSuchProject."""
    found = within(snapshot, project).get(process_id)
    if found:
        return found
    if not snapshot.known:
        raise Unavailable("The processes are not known yet.", retry_after=2)
    if not len(snapshot):
        raise Unavailable("No worker is there now, so that nothing can be run.", retry_after=5)
    where = f" in the project {project!r}" if project else ""
    elsewhere = [] if project else snapshot.needing(process_id)
    advice = f" It is offered within a project: ?project={elsewhere[0]}" if elsewhere else ""
    raise NoSuchProcess(f"There is no process {process_id[:200]!r}{where}.{advice}")
