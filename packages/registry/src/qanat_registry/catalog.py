"""Announcements and a clock → who is there, and the catalogue of what they offer. Pure.

The clock is an argument: seconds that only grow. A worker is known from its first announcement
until it says that it leaves, or was silent for a lease. Silence counts only while we listen: as
long as the broker is away nobody's lease runs out, and whoever was known has a whole lease to be
heard again once it is back.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from qanat_common.protocol import (
    Announcement,
    Catalog,
    OfferEntry,
    ProviderInfo,
    ServiceEntry,
    WorkerState,
)

REMEMBERED_LEASES = 10
"""How many leases long a gone worker's last serial is kept, so that a late word does not revive it."""


class WorkerReport(BaseModel):
    """A worker as operators see it; times by the clock of this registry."""

    model_config = ConfigDict(frozen=True)

    boot: str
    node: str
    service: str
    queue: str
    protocol: int
    state: WorkerState
    versions: dict[str, str]
    providers: list[ProviderInfo]
    processes: int
    refused: int
    slots: int
    labels: dict[str, str]
    sandbox: str | None
    digest: str
    first_seen: datetime
    last_seen: datetime
    seconds_left: float


class ServiceReport(ServiceEntry):
    """A service as operators see it: its entry of the catalogue, and what the api need not know.

    `differences` names in what its workers are not alike: what → its values.
    """

    processes: int
    qgis_versions: list[str]
    differences: dict[str, list[str]]


@dataclass(frozen=True)
class Lease:
    """A worker that is known: its newest announcement, when it was first and last heard."""

    announcement: Announcement
    first: float
    last: float

    @property
    def ready(self) -> bool:
        """Whether the worker takes jobs."""
        return self.announcement.state is WorkerState.READY


@dataclass(frozen=True)
class Departure:
    """A worker that left or fell silent: the last serial heard of it, and when."""

    serial: int
    when: float


class Roster:
    """Who is there. Not for use from several threads."""

    def __init__(self, lease_seconds: float) -> None:
        """`lease_seconds` is how long a worker may be silent."""
        self._lease_seconds = lease_seconds
        self._leases: dict[str, Lease] = {}
        self._departed: dict[str, Departure] = {}
        self._since: float | None = None

    def listening(self, now: float) -> None:
        """From now on whoever speaks is heard."""
        self._since = now

    def deaf(self) -> None:
        """Whoever speaks is not heard: the broker is away."""
        self._since = None

    def hear(self, announcement: Announcement, now: float) -> bool:
        """Take an announcement in; whether it may have changed the catalogue.

        The order of a worker's words is that of their serials, not that of their arrival.
        """
        boot, serial = announcement.boot, announcement.serial
        known, departed = self._leases.get(boot), self._departed.get(boot)
        newest = known.announcement.serial if known else departed.serial if departed else -1
        if serial <= newest:
            return False
        if announcement.state is WorkerState.LEAVING:
            self._departed[boot] = Departure(serial, now)
            return self._leases.pop(boot, None) is not None
        self._departed.pop(boot, None)
        self._leases[boot] = Lease(announcement, known.first if known else now, now)
        return known is None or not _says_the_same(known.announcement, announcement)

    def expire(self, now: float) -> Sequence[Announcement]:
        """Forget who was silent for a lease; returns what they last said."""
        silent = [lease for lease in self._leases.values() if self._ends(lease) <= now]
        for lease in silent:
            boot = lease.announcement.boot
            del self._leases[boot]
            self._departed[boot] = Departure(lease.announcement.serial, now)
        oldest = now - REMEMBERED_LEASES * self._lease_seconds
        for boot in [boot for boot, gone in self._departed.items() if gone.when < oldest]:
            del self._departed[boot]
        return [lease.announcement for lease in silent]

    def next_change(self, now: float) -> float | None:
        """When the catalogue may change although nobody speaks; None for never."""
        if self._since is None:
            return None
        ends = [self._ends(lease) for lease in self._leases.values()]
        whole = self._since + self._lease_seconds
        return min([whole, *ends] if now < whole else ends, default=None)

    def complete(self, now: float) -> bool:
        """Whether everybody who is there must have been heard: we listened for a whole lease."""
        return self._since is not None and now >= self._since + self._lease_seconds

    def catalog(self, now: float) -> Catalog:
        """What is offered: the same for everybody who knows the same workers."""
        entries = [_entry(leases) for leases in self._services()]
        return Catalog(complete=self.complete(now), services=entries)

    def services(self) -> list[ServiceReport]:
        """The services for operators."""
        return [_service_report(leases) for leases in self._services()]

    def workers(self, now: float, wall: datetime) -> list[WorkerReport]:
        """The workers for operators; `wall` is the time of day at `now`."""
        found = sorted(
            self._leases.values(), key=lambda lease: (lease.announcement.service, lease.first)
        )
        return [
            _worker_report(
                lease,
                first_seen=wall - timedelta(seconds=now - lease.first),
                last_seen=wall - timedelta(seconds=now - lease.last),
                seconds_left=round(min(self._ends(lease) - now, self._lease_seconds), 3),
            )
            for lease in found
        ]

    def _ends(self, lease: Lease) -> float:
        """When a lease ends, if its worker stays silent: never, while we are deaf."""
        if self._since is None:
            return float("inf")
        return max(lease.last, self._since) + self._lease_seconds

    def _services(self) -> Iterable[list[Lease]]:
        """The leases of each service, the newest software first; in an order that is always the same."""

        def name(lease: Lease) -> str:
            return lease.announcement.service

        newest_first = sorted(self._leases.values(), key=_age, reverse=True)
        return [list(leases) for _, leases in groupby(sorted(newest_first, key=name), key=name)]


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by: the numbers in front ("3.40.1-Bratislava" → 3, 40, 1)."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else ()


def _age(lease: Lease) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    versions = lease.announcement.versions
    qgis, worker = versions.get("qgis", ""), versions.get("qanat-worker", "")
    return version_key(qgis), version_key(worker), lease.announcement.boot


def _says_the_same(old: Announcement, new: Announcement) -> bool:
    return new == old.model_copy(update={"serial": new.serial})


def _entry(leases: Sequence[Lease]) -> ServiceEntry:
    """A service of the catalogue. Its draining workers count only where no other is left."""
    ready = [lease for lease in leases if lease.ready]
    speaking = [lease.announcement for lease in ready or leases]
    newest = speaking[0]
    digests = list(dict.fromkeys(announcement.digest for announcement in speaking))
    return ServiceEntry(
        name=newest.service,
        queue=newest.queue,
        title=newest.title,
        description=newest.description,
        protocol=min(announcement.v for announcement in speaking),
        qgis=min((one.versions.get("qgis", "") for one in speaking), key=version_key),
        digests=digests,
        workers=len(ready),
        slots=sum(lease.announcement.slots for lease in ready),
        draining=len(leases) - len(ready),
        labels=_shared([announcement.labels for announcement in speaking]),
        offers=[_offer([one for one in speaking if one.digest == digest]) for digest in digests],
    )


def _offer(told: Sequence[Announcement]) -> OfferEntry:
    """Those who offer the same, the newest first. A draining one takes no jobs: it counts no slots."""
    ready = [announcement for announcement in told if announcement.state is WorkerState.READY]
    own = {announcement.offer_queue for announcement in told}
    return OfferEntry(
        digest=told[0].digest,
        queue=own.pop() if len(own) == 1 else None,
        protocol=min(announcement.v for announcement in told),
        qgis=told[0].versions.get("qgis", ""),
        providers=told[0].providers,
        workers=len(ready),
        slots=sum(announcement.slots for announcement in ready),
    )


def _shared(labels: Sequence[dict[str, str]]) -> dict[str, str]:
    """The labels that all have."""
    first = labels[0]
    return {
        name: value
        for name, value in first.items()
        if all(one.get(name) == value for one in labels)
    }


def differences(told: Sequence[Announcement]) -> dict[str, list[str]]:
    """In what the workers of a service are not alike: versions of software and providers, offers."""
    seen: dict[str, set[str]] = {}
    for one in told:
        facts = {
            "protocol": str(one.v),
            **one.versions,
            **{f"provider {provider.id}": provider.version for provider in one.providers},
            "offer": one.digest[:16],
        }
        for name, value in facts.items():
            seen.setdefault(name, set()).add(value)
    lacking = {
        f"provider {provider.id}"
        for one in told
        for provider in one.providers
        if any(provider.id not in {own.id for own in other.providers} for other in told)
    }
    for name in lacking:
        seen[name].add("none")
    return {name: sorted(values) for name, values in sorted(seen.items()) if len(values) > 1}


def _service_report(leases: Sequence[Lease]) -> ServiceReport:
    told = [lease.announcement for lease in leases]
    qgis = {announcement.versions.get("qgis", "") for announcement in told}
    return ServiceReport(
        **_entry(leases).model_dump(),
        processes=max(announcement.processes for announcement in told),
        qgis_versions=sorted(qgis, key=version_key),
        differences=differences(told),
    )


def _worker_report(
    lease: Lease, first_seen: datetime, last_seen: datetime, seconds_left: float
) -> WorkerReport:
    told = lease.announcement
    return WorkerReport(
        protocol=told.v,
        first_seen=first_seen,
        last_seen=last_seen,
        seconds_left=seconds_left,
        **told.model_dump(include=set(WorkerReport.model_fields) & set(Announcement.model_fields)),
    )
