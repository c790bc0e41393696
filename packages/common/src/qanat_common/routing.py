"""Where a job of a service goes, so that it never reaches a worker that lacks its process. Pure.

Workers of a service are meant to offer the same. While they differ (an upgrade that rolls through a
pool, a plugin that one of them lacks), what all of them offer alike goes through the queue of the
service, and every other process through the queue of one offer that has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from qanat_common.ogc import Process
from qanat_common.protocol import PROTOCOL, Offer, OfferEntry, ServiceEntry


@dataclass(frozen=True)
class Place:
    """Where a process is run: by which queue, as whom it is described, with which QGIS."""

    process: Process
    queue: str
    qgis: str = ""


def speaks(protocol: int) -> bool:
    """Whether we may send jobs to workers of a protocol: neighbours are run mixed in an upgrade."""
    return abs(protocol - PROTOCOL) <= 1


def places(service: ServiceEntry, offers: Mapping[str, Offer]) -> dict[str, Place]:
    """Process id → where it is run. `offers` by digest; one that is missing is of workers to avoid."""
    told = service.offers or [
        OfferEntry(digest=digest, protocol=service.protocol, qgis=service.qgis)
        for digest in service.digests
        if digest in offers
    ]
    held: dict[str, list[tuple[OfferEntry, Process]]] = {}
    for entry in told:
        offer = offers.get(entry.digest)
        if offer is None or not speaks(entry.protocol):
            continue
        for process in offer.processes:
            held.setdefault(process.id, []).append((entry, process))
    found = {name: _place(service.queue, len(told), holders) for name, holders in held.items()}
    return {name: place for name, place in found.items() if place is not None}


def _place(queue: str, count: int, holders: list[tuple[OfferEntry, Process]]) -> Place | None:
    newest, process = holders[0]
    if len(holders) == count and all(_alike(process, other) for _, other in holders[1:]):
        return Place(process, queue, newest.qgis)
    reachable = [(entry, own) for entry, own in holders if entry.queue is not None]
    if not reachable:
        return None
    # most hands, then newest: a pool that is upgraded goes over to the new ones half-way
    entry, process = max(reachable, key=lambda holder: holder[0].slots)
    return Place(process, entry.queue or queue, entry.qgis)


def _alike(one: Process, other: Process) -> bool:
    """Whether a request that is right for one is right for the other; titles and versions may differ."""
    return (
        one.inputs == other.inputs
        and one.outputs == other.outputs
        and one.job_control_options == other.job_control_options
    )
