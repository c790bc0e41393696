"""Services as clients see them: who runs the processes, with what, and how busy they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qanat_api.catalog import Snapshot, version_of
from qanat_api.links import Links, both
from qanat_common.protocol import OfferEntry, ServiceEntry
from qanat_common.store import Waiting


def document(
    snapshot: Snapshot, entry: ServiceEntry, waiting: Waiting, links: Links, now: datetime
) -> dict[str, Any]:
    """A service at the time `now`."""
    offers = entry.offers
    oldest = waiting.oldest
    return {
        "name": entry.name,
        "title": entry.title or entry.name,
        "description": entry.description,
        "labels": entry.labels,
        "qgisVersions": qgis_versions(entry),
        "providers": _providers(offers),
        "alike": len(entry.digests) <= 1,
        "processes": len(snapshot.entries.get(entry.name, ())),
        "workers": entry.workers,
        "draining": entry.draining,
        "slots": entry.slots,
        "waiting": waiting.count,
        "oldestWaitingSeconds": _age(oldest, now) if oldest else None,
        "links": [link.document() for link in links.of_service(entry.name)],
    }


def listing(documents: Sequence[dict[str, Any]], links: Links) -> dict[str, Any]:
    """All services."""
    own = both(links.services, "All services")
    return {"services": documents, "links": [link.document() for link in own]}


def qgis_versions(entry: ServiceEntry) -> list[str]:
    """The QGIS versions of a service's workers, the newest first."""
    found = {offer.qgis for offer in entry.offers} or {entry.qgis}
    return sorted((version for version in found if version), key=version_of, reverse=True)


def _providers(offers: Sequence[OfferEntry]) -> list[dict[str, Any]]:
    """The providers of all workers; one that has several versions is told with each."""
    found = {(provider.id, provider.version): provider for o in offers for provider in o.providers}
    told = (found[key] for key in sorted(found))
    return [
        {
            "id": provider.id,
            "name": provider.name,
            "version": provider.version,
            "algorithms": provider.algorithms,
        }
        for provider in told
    ]


def _age(oldest: datetime, now: datetime) -> float:
    return round(max(0.0, (now - oldest).total_seconds()), 1)
