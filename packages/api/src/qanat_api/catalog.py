"""What may be run: an immutable snapshot of the registry's catalogue, with its documents ready-made."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from qanat_api.documents import Ready, ready
from qanat_api.inputs import Rules, compile_rules
from qanat_api.links import Links, both, json_link, with_query
from qanat_common.ogc import Process, ProcessSummary
from qanat_common.protocol import PROTOCOL, Catalog, Offer, ServiceEntry

SPOKEN = frozenset({PROTOCOL - 1, PROTOCOL, PROTOCOL + 1})
"""Protocols of workers that this api may send jobs to: neighbours are run mixed in an upgrade."""

SEARCHED = frozenset({"provider", "group"})
"""Roles of the notes on a process in which words are searched for."""

READY_BASES = 8
"""For so many base addresses the process list is kept ready."""

READY_DESCRIPTIONS = 4096
"""So many descriptions are kept ready."""


@dataclass(frozen=True)
class Offered:
    """A process as a service offers it; `id` is the one by which it was found."""

    id: str
    process: Process
    service: str

    @cached_property
    def rules(self) -> Rules:
        """The rules of its inputs, compiled at the first execution."""
        return compile_rules(self.process)


Entries = Mapping[str, Mapping[str, Process]]
"""Service → process id → process."""


class Snapshot:
    """All processes at one time, by id and by `id@service`."""

    def __init__(self, entries: Entries, services: Sequence[str], *, known: bool) -> None:
        """`services` in the order of preference; `known` is false until a registry was heard."""
        self.entries = entries
        self.known = known
        self._found = {offered.id: offered for offered in _offered(entries, services)}
        self._listed = sorted(
            {offered.process.id for offered in self._found.values()}, key=str.casefold
        )
        self._summaries = {name: self._found[name].process.summary() for name in self._listed}
        self.listing = lru_cache(READY_BASES)(self._listing)
        self.description = lru_cache(READY_DESCRIPTIONS)(self._description)

    def __len__(self) -> int:
        """How many processes are listed."""
        return len(self._listed)

    def get(self, process_id: str) -> Offered | None:
        """The process of an id, or of `id@service`."""
        return self._found.get(process_id)

    def summaries(self, query: str) -> list[ProcessSummary]:
        """The processes in which every word of a query occurs; all when it has none."""
        return [self._summaries[name] for name in self._matching(query)]

    def page(self, base: str, query: str, limit: int | None, offset: int) -> dict[str, Any]:
        """Some of the list, with links to what is before and after (/req/core/pl-links)."""
        links = Links(base)
        names = self._matching(query)
        limit = limit or len(names) or 1
        given = {"q": query} if query else {}
        neighbours = {
            "next": offset + limit if offset + limit < len(names) else None,
            "prev": max(0, offset - limit) if offset > 0 else None,
        }

        def at(start: int) -> str:
            return with_query(links.processes, {**given, "limit": str(limit), "offset": str(start)})

        own = both(at(offset))
        own += [json_link(at(start), rel) for rel, start in neighbours.items() if start is not None]
        return {
            "processes": self._items(links, names[offset : offset + limit]),
            "links": [link.document() for link in own],
        }

    def _listing(self, base: str) -> Ready:
        """The whole list."""
        links = Links(base)
        own = [link.document() for link in links.of_list()]
        return ready({"processes": self._items(links, self._listed), "links": own})

    def _matching(self, query: str) -> list[str]:
        words = query.casefold().split()
        return [name for name in self._listed if all(word in self._texts[name] for word in words)]

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        """Process id → all in which a word is searched for."""
        return {name: _text(summary) for name, summary in self._summaries.items()}

    def _items(self, links: Links, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            self._summaries[name].model_copy(update={"links": links.of_summary(name)}).document()
            for name in names
        ]

    def _description(self, base: str, process_id: str) -> Ready:
        """A process description."""
        offered = self._found[process_id]
        update = {"id": offered.id, "links": Links(base).of_process(offered.id)}
        return ready(offered.process.model_copy(update=update))


def _text(summary: ProcessSummary) -> str:
    notes = (note.title for note in summary.metadata or () if note.role in SEARCHED)
    parts = (summary.id, summary.title, *(summary.keywords or ()), *notes)
    return "\n".join(part for part in parts if part).casefold()


def build(
    catalog: Catalog, offers: Mapping[str, Offer], order: Sequence[str], before: Snapshot
) -> Snapshot:
    """The snapshot of a catalogue, `offers` by digest.

    A process counts as offered by a service when all its workers offer it: any of them may get the
    job. An incomplete catalogue only adds to the snapshot before it.
    """
    entries: dict[str, Mapping[str, Process]] = {}
    spoken = [service for service in catalog.services if service.protocol in SPOKEN]
    for service in spoken:
        entries[service.name] = _common([offers[d] for d in service.digests if d in offers])
    if not catalog.complete:
        entries = _added(before.entries, entries)
    return Snapshot(entries, _preferred(spoken, entries, order), known=True)


def _common(offers: Sequence[Offer]) -> dict[str, Process]:
    """The processes that are in all offers, as the first has them."""
    if not offers:
        return {}
    shared = set.intersection(*({process.id for process in offer.processes} for offer in offers))
    return {process.id: process for process in offers[0].processes if process.id in shared}


def _added(before: Entries, after: Entries) -> dict[str, Mapping[str, Process]]:
    names = [*after, *(name for name in before if name not in after)]
    return {name: {**before.get(name, {}), **after.get(name, {})} for name in names}


def _preferred(
    services: Sequence[ServiceEntry], entries: Entries, order: Sequence[str]
) -> list[str]:
    """Names of services: those of the configured order, then the newest QGIS first, then by name."""
    qgis = {service.name: _version(service.qgis) for service in services}
    given = {name: place for place, name in enumerate(order)}
    by_name = sorted(entries)
    by_qgis = sorted(by_name, key=lambda name: qgis.get(name, ()), reverse=True)
    return sorted(by_qgis, key=lambda name: given.get(name, len(given)))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text.partition("-")[0]))


def _offered(entries: Entries, services: Sequence[str]) -> Iterator[Offered]:
    """Each offer under its own id; the plain id is that of the most preferred service, told last."""
    for service in reversed(services):
        for process in entries[service].values():
            yield Offered(f"{process.id}@{service}", process, service)
            yield Offered(process.id, process, service)


NOTHING = Snapshot({}, (), known=False)
"""What is known before the registry was heard."""
