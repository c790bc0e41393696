"""Where a job of a service goes, so that it never reaches a worker that lacks its process. Pure.

Workers of a service are meant to offer the same. While they differ (an upgrade that rolls through a
pool, a plugin that one of them lacks), what all of them offer alike goes through the queue of the
service, and every other process through the queue of one offer that has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from qanat_common.ogc import Process
from qanat_common.protocol import PROTOCOL, Offer, OfferEntry, Project, ServiceEntry


@dataclass(frozen=True)
class Place:
    """Where a process is run: by which queue, as whom it is described, with which QGIS.

    `project` is the one within which it is run, as its workers have it.
    """

    process: Process
    queue: str
    qgis: str = ""
    project: Project | None = None


@dataclass(frozen=True)
class Held:
    """A process as the workers of one offer have it, within a project or without one."""

    entry: OfferEntry
    process: Process
    project: Project | None


def speaks(protocol: int) -> bool:
    """Whether we may send jobs to workers of a protocol: neighbours are run mixed in an upgrade."""
    return abs(protocol - PROTOCOL) <= 1


def places(
    service: ServiceEntry, offers: Mapping[str, Offer], project: str | None = None
) -> dict[str, Place]:
    """Process id → where it is run, within a project if one is named.

    `offers` by digest; one that is missing is of workers to avoid.
    """
    told = service.offers or [
        OfferEntry(digest=digest, protocol=service.protocol, qgis=service.qgis)
        for digest in service.digests
        if digest in offers
    ]
    held: dict[str, list[Held]] = {}
    for entry in told:
        offer = offers.get(entry.digest)
        if offer is None or not speaks(entry.protocol):
            continue
        within = _project(offer, project)
        for process in _processes(offer, project, within):
            held.setdefault(process.id, []).append(Held(entry, process, within))
    found = {name: _place(service.queue, len(told), holders) for name, holders in held.items()}
    return {name: place for name, place in found.items() if place is not None}


def _project(offer: Offer, name: str | None) -> Project | None:
    return next((each for each in offer.projects or () if each.name == name), None)


def _processes(offer: Offer, name: str | None, within: Project | None) -> list[Process]:
    """What an offer has; within a project what is other or only there goes before."""
    if name is None:
        return offer.processes
    if within is None:
        return []
    several = [*offer.processes, *(offer.in_projects or ()), *within.processes]
    return list({process.id: process for process in several}.values())


def _place(queue: str, count: int, holders: list[Held]) -> Place | None:
    newest = holders[0]
    if len(holders) == count and all(_alike(newest, other) for other in holders[1:]):
        return Place(newest.process, queue, newest.entry.qgis, newest.project)
    reachable = [held for held in holders if held.entry.queue is not None]
    if not reachable:
        return None
    # most hands, then newest: a pool that is upgraded goes over to the new ones half-way
    most = max(reachable, key=lambda held: held.entry.slots)
    return Place(most.process, most.entry.queue or queue, most.entry.qgis, most.project)


def _alike(one: Held, other: Held) -> bool:
    """Whether a request that is right for one is right for the other; titles and versions may differ."""
    return (
        one.process.inputs == other.process.inputs
        and one.process.outputs == other.process.outputs
        and one.process.job_control_options == other.process.job_control_options
        and one.project == other.project
    )
