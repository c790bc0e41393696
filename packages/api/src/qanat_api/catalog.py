"""What may be run: an immutable snapshot of the registry's catalogue, with its documents ready-made."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from qanat_api import projects
from qanat_api.documents import Ready, ready
from qanat_api.filters import ProcessQuery
from qanat_api.inputs import Rules, compile_rules
from qanat_api.links import Links, both, json_link, with_query
from qanat_common.ogc import Link, Process, ProcessSummary
from qanat_common.protocol import Catalog, Offer, Project, ServiceEntry
from qanat_common.routing import Place, places

SEARCHED = frozenset({"provider", "group"})
"""Roles of the notes on a process in which words are searched for."""

READY_BASES = 8
"""For so many base addresses the process list is kept ready."""

READY_DESCRIPTIONS = 4096
"""So many descriptions are kept ready."""

READY_PROJECTS = 32
"""Of so many projects the processes are kept ready."""

READY_PAGES = 64
"""So many parts of the process list are kept ready."""


@dataclass(frozen=True)
class Offered:
    """A process as a service offers it; `id` is the one by which it was found.

    `siblings` are the ids of the same process at the other services that offer it.
    """

    id: str
    place: Place
    service: str
    siblings: tuple[str, ...] = ()

    @property
    def queue(self) -> str:
        """The queue of workers that offer it."""
        return self.place.queue

    @property
    def qgis(self) -> str:
        """Their version of QGIS."""
        return self.place.qgis

    @property
    def project(self) -> Project | None:
        """The project within which it is."""
        return self.place.project

    @property
    def plain(self) -> Process:
        """What the workers say of it, whatever the project."""
        return self.place.process

    @cached_property
    def process(self) -> Process:
        """The description for clients, with what the project has as choices."""
        return projects.within(self.plain, self.project) if self.project else self.plain

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


Entries = Mapping[str, Mapping[str, Place]]
"""Service → process id → where it is run."""

Wanted = Callable[[str], bool]
"""Whether an `id@service` is for whoever asks."""


class Snapshot:
    """All processes at one time, by id and by `id@service`.

    Listed is each id, and `id@service` where that is another offer than the id alone leads to.
    """

    def __init__(
        self,
        entries: Entries,
        order: Sequence[str],
        services: Mapping[str, ServiceEntry],
        *,
        known: bool,
        aliases: Mapping[str, str] | None = None,
        offers: Mapping[str, Offer] = MappingProxyType({}),
        project: str | None = None,
        wanted: Wanted | None = None,
    ) -> None:
        """`order` names services, the preferred first; `known` is false until a registry was heard.

        `aliases` has ids of older versions of QGIS: they lead to a process, and are not listed.
        `project` is the one within which all of it is: `of` makes it so; `wanted` says what is left.
        """
        self.entries = entries
        self.aliases = aliases or {}
        self.services = services
        self._order = order
        self.known = known
        self.offers = offers
        self.project = project
        self._wanted = wanted
        self.of = lru_cache(READY_PROJECTS)(self._of_project)
        self._found = {offered.id: offered for offered in _offered(entries, order)}
        self._listed = _sorted(
            name
            for name, offered in self._found.items()
            if name == offered.plain.id or not self._is_default(offered)
        )
        self._listings: dict[str, Ready] = {}
        self.page = lru_cache(READY_PAGES)(self._page)
        self.description = lru_cache(READY_DESCRIPTIONS)(self._description)
        self._summary = cache(self._summarised)
        self._text = cache(self._searched)

    def part(self, wanted: Wanted) -> "Snapshot":
        """Only the processes whose `id@service` is wanted, and the services that offer one of them."""
        entries = {
            service: _wanted(service, offered, wanted) for service, offered in self.entries.items()
        }
        services = {name: one for name, one in self.services.items() if entries.get(name)}
        return Snapshot(
            entries,
            self._order,
            services,
            known=self.known,
            aliases=self.aliases,
            offers=self.offers,
            wanted=wanted,
        )

    @cached_property
    def published(self) -> Mapping[str, Project]:
        """Name → project, as the most preferred service has it; by name."""
        services = [self.services[name] for name in self._order if name in self.services]
        digests = [digest for service in services for digest in service.digests]
        told = [self.offers[digest].projects or () for digest in digests if digest in self.offers]
        found = {each.name: each for several in reversed(told) for each in several}
        return {name: found[name] for name in _sorted(found)}

    def needing(self, process_id: str) -> list[str]:
        """The projects in which there is a process that may not be there without one."""
        return [
            name
            for name in self.published
            if (inside := self.of(name)) is not None and inside.get(process_id)
        ]

    def _of_project(self, name: str) -> "Snapshot | None":
        """The processes within a project, of the services that have it; None where none has."""
        if name not in self.published:
            return None
        entries = {
            service: {
                process_id: place
                for process_id, place in self._places(service, name).items()
                if place.project is not None and projects.fits(place.process, place.project)
            }
            for service in self._order
        }
        return Snapshot(
            entries,
            self._order,
            self.services,
            known=self.known,
            aliases=self.aliases,
            project=name,
        )

    def _places(self, service: str, project: str) -> dict[str, Place]:
        """What a service has within a project, of what is wanted."""
        entry = self.services.get(service)
        found = places(entry, self.offers, project) if entry else {}
        return found if self._wanted is None else _wanted(service, found, self._wanted)

    def __len__(self) -> int:
        """How many ids are listed."""
        return len(self._listed)

    def _is_default(self, offered: Offered) -> bool:
        """Whether the plain id leads to it."""
        return self._found[offered.plain.id].service == offered.service

    def get(self, process_id: str) -> Offered | None:
        """The process of an id, or of `id@service`; the id may be an older one."""
        found = self._found.get(process_id)
        if found is not None:
            return found
        own, at, service = process_id.partition("@")
        return self._found.get(f"{self.aliases.get(own, '')}{at}{service}")

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
        links, found = Links(base, self.project), names[offset : offset + limit]

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
        links = Links(base, self.project)
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
        return found.plain.summary().model_copy(update={"id": found.id})

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
        update = {
            "id": offered.id,
            "links": self._links(Links(base, self.project), offered),
            "service": offered.service,
            "qgis_version": offered.qgis or None,
        }
        return ready(offered.process.model_copy(update=update))

    def _links(self, links: Links, offered: Offered) -> list[Link]:
        """The links of a description, to what other services have of it too."""
        siblings = (self._found[name] for name in offered.siblings)
        return links.of_process(offered.id) + [
            json_link(links.process(other.id), "related", _title_of(other)) for other in siblings
        ]

    def links_of(self, links: Links, offered: Offered) -> list[dict[str, Any]]:
        """The same as JSON."""
        return [link.document() for link in self._links(links, offered)]


def _wanted(service: str, offered: Mapping[str, Place], wanted: Wanted) -> dict[str, Place]:
    return {name: one for name, one in offered.items() if wanted(f"{name}@{service}")}


def _title_of(offered: Offered) -> str:
    qgis = f" (QGIS {offered.qgis})" if offered.qgis else ""
    return f"The same at service {offered.service}{qgis}"


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

    An incomplete catalogue only adds to the snapshot before it.
    """
    services = {service.name: service for service in catalog.services}
    entries = {name: places(service, offers) for name, service in services.items()}
    aliases = {old: new for offer in offers.values() for old, new in offer.aliases.items()}
    if not catalog.complete:
        entries = _added(before.entries, entries)
        services = {**before.services, **services}
        aliases = {**before.aliases, **aliases}
        offers = {**before.offers, **offers}
    preferred = _preferred(services, entries, order)
    made = Snapshot(entries, preferred, services, known=True, aliases=aliases, offers=offers)
    made.prepare(before)
    return made


def _added(before: Entries, after: Entries) -> dict[str, dict[str, Place]]:
    names = [*after, *(name for name in before if name not in after)]
    return {name: {**before.get(name, {}), **after.get(name, {})} for name in names}


def _preferred(
    services: Mapping[str, ServiceEntry], entries: Entries, order: Sequence[str]
) -> list[str]:
    """Names of services: those of the configured order, then the newest QGIS first, then by name."""
    qgis = {name: version_of(service.qgis) for name, service in services.items()}
    given = {name: place for place, name in enumerate(order)}
    by_name = sorted(entries)
    by_qgis = sorted(by_name, key=lambda name: qgis.get(name, ()), reverse=True)
    return sorted(by_qgis, key=lambda name: given.get(name, len(given)))


def version_of(text: str) -> tuple[int, ...]:
    """What versions are ordered by: the numbers in front ("3.40.1-Bratislava" → 3, 40, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", text.partition("-")[0]))


def _offered(entries: Entries, order: Sequence[str]) -> Iterator[Offered]:
    """Each offer under its own id; the plain id is that of the most preferred service, told last."""
    services: dict[str, list[str]] = {}
    for service in order:
        for process_id in entries[service]:
            services.setdefault(process_id, []).append(service)
    for service in reversed(order):
        for process_id, place in entries[service].items():
            own = f"{process_id}@{service}"
            ids = [f"{process_id}@{other}" for other in services[process_id]]
            others = tuple(name for name in ids if name != own) if len(ids) > 1 else ()
            offered = Offered(own, place, service, others)
            yield offered
            yield replace(offered, id=process_id)


NOTHING = Snapshot({}, (), {}, known=False)
"""What is known before the registry was heard."""
