"""Where a job is sent again: to those who offer its process, as the catalogue has it now."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from qanat_common.protocol import Catalog, Offer, RunJob, ServiceEntry, queue_name
from qanat_common.routing import places


class Offers(Protocol):
    """Where offers lie; blocks, and raises Unavailable."""

    def get_offer(self, digest: str) -> Offer | None:
        """The offer of a digest."""


class Dispatch:
    """Finds the queue of a job. For use by one thread."""

    def __init__(self, catalog: Callable[[], Catalog], offers: Offers) -> None:
        """`catalog` is asked for the newest each time."""
        self._catalog = catalog
        self._offers = offers
        self._made: dict[tuple[str, str | None], tuple[ServiceEntry, Mapping[str, str]]] = {}

    def queue(self, job: RunJob) -> str | None:
        """Where the job is to be sent; None when its service is there, and nobody in it can run it.

        A service that nobody speaks for keeps its jobs in its queue: its workers may come back.
        Raises Unavailable.
        """
        own = queue_name(job.service)
        service = self._service(job.service)
        if service is None:
            return own
        found, whole = self._queues(service, job.project)
        if job.process_id in found:
            return found[job.process_id]
        return None if whole and self._catalog().complete else own

    def is_consumed(self, queue: str, service: str) -> bool:
        """Whether a worker takes jobs from a queue, or one may come for whom they are kept."""
        entry = self._service(service)
        offers = entry.offers if entry else ()
        return queue == queue_name(service) or queue in {offer.queue for offer in offers}

    def _service(self, name: str) -> ServiceEntry | None:
        return next((entry for entry in self._catalog().services if entry.name == name), None)

    def _queues(self, service: ServiceEntry, project: str | None) -> tuple[Mapping[str, str], bool]:
        """Process id → queue; and whether all offers of the service could be read for it."""
        known, found = self._made.get((service.name, project), (None, {}))
        if known == service:
            return found, True
        offers = self._fetched(service.digests)
        found = {name: place.queue for name, place in places(service, offers, project).items()}
        whole = len(offers) == len(set(service.digests))
        if whole:
            self._made[service.name, project] = service, found
        return found, whole

    def _fetched(self, digests: Iterable[str]) -> Mapping[str, Offer]:
        found = {digest: self._offers.get_offer(digest) for digest in digests}
        return {digest: offer for digest, offer in found.items() if offer is not None}
