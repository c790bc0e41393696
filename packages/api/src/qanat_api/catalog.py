"""What may be run: an immutable snapshot of the registry's catalogue, with its documents ready-made."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from qanat_api.documents import Ready, ready
from qanat_api.filters import ProcessQuery
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

READY_PAGES = 64
"""So many parts of the process list are kept ready."""


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


@dataclass(frozen=True)
class Page:
    """Some of the processes: their summaries, the links of this part, and both as a document."""

    found: Sequence[ProcessSummary]
    links: Sequence[Mapping[str, Any]]
    document: Ready


Entries = Mapping[str, Mapping[str, Process]]
"""Service → process id → process."""


class Snapshot:
    """All processes at one time, by id and by `id@service`."""

    def __init__(self, entries: Entries, services: Sequence[str], *, known: bool) -> None:
        """`services` in the order of preference; `known` is false until a registry was heard."""
        self.entries = entries
        self.known = known
        self._found = {offered.id: offered for offered in _offered(entries, services)}
        self._listed = _sorted({offered.process.id for offered in self._found.values()})
        self._listings: dict[str, Ready] = {}
        self.page = lru_cache(READY_PAGES)(self._page)
        self.description = lru_cache(READY_DESCRIPTIONS)(self._description)
        self._summary = cache(self._summarised)
        self._text = cache(self._searched)

    def __len__(self) -> int:
        """How many processes are listed."""
        return len(self._listed)

    def get(self, process_id: str) -> Offered | None:
        """The process of an id, or of `id@service`."""
        return self._found.get(process_id)

    def summaries(self, query: ProcessQuery) -> list[ProcessSummary]:
        """The processes that a query is about, all its parts together."""
        return [self._summary(name) for name in self._matching(query)]

    def listing(self, base: str) -> Ready:
        """The whole list, made once for each base address."""
        found = self._listings.get(base)
        if found is None:
            if len(self._listings) >= READY_BASES:
                self._listings.pop(next(iter(self._listings)))
            found = self._listings[base] = self._whole(base)
        return found

    def prepare(self, before: "Snapshot") -> None:
        """Make ready what clients of the snapshot before this one asked for: the whole list."""
        for base in list(before._listings):
            self.listing(base).gzipped  # noqa: B018 - it is kept

    def _page(self, base: str, query: ProcessQuery) -> Page:
        """Some of the list, with links to what is before and after (/req/core/pl-links)."""
        names = self._matching(query)
        limit, offset = query.limit or len(names) or 1, query.offset
        links, found = Links(base), names[offset : offset + limit]

        def at(size: int | None, start: int) -> str:
            return with_query(links.processes, query.parameters(size, start))

        own = both(at(query.limit, offset))
        if offset + limit < len(names):
            own.append(json_link(at(limit, offset + limit), "next"))
        if offset > 0:
            start = max(0, min(offset, len(names)) - limit)
            own.append(json_link(at(min(limit, offset - start), start), "prev"))
        told = [link.document() for link in own]
        document = ready({"processes": self._items(links, found), "links": told})
        return Page([self._summary(name) for name in found], told, document)

    def _whole(self, base: str) -> Ready:
        """The whole list."""
        links = Links(base)
        own = [link.document() for link in links.of_list()]
        return ready({"processes": self._items(links, self._listed), "links": own})

    def _matching(self, query: ProcessQuery) -> list[str]:
        """The ids of the processes that a query is about, in order."""
        words = [word.casefold() for word in query.words]
        providers = {provider.casefold() for provider in query.providers}
        return [
            name
            for name in (self._of(query.services) if query.services else self._listed)
            if all(word in self._text(name) for word in words)
            and (not providers or not providers.isdisjoint(_providers(self._summary(name))))
        ]

    def _of(self, services: Sequence[str]) -> list[str]:
        """The processes of some services, each by an id under which it runs there."""
        return _sorted(
            process_id if self._found[process_id].service == service else f"{process_id}@{service}"
            for service in services
            for process_id in self.entries.get(service, ())
        )

    def _summarised(self, name: str) -> ProcessSummary:
        found = self._found[name]
        return found.process.summary().model_copy(update={"id": found.id})

    def _searched(self, name: str) -> str:
        return _text(self._summary(name))

    def _items(self, links: Links, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            self._summary(name).model_copy(update={"links": links.of_summary(name)}).document()
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


def _providers(summary: ProcessSummary) -> set[str]:
    """The names of a process's provider: what its id begins with, and its title."""
    titles = {note.title for note in summary.metadata or () if note.role == "provider"}
    prefix, colon, _ = summary.id.partition(":")
    return {name.casefold() for name in (*titles, prefix if colon else None) if name}


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(set(names), key=str.casefold)


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
    made = Snapshot(entries, _preferred(spoken, entries, order), known=True)
    made.prepare(before)
    return made


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
