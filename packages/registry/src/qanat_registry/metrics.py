"""What a registry tells of the cluster, read at the moment somebody asks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qanat_common.errors import Unavailable
from qanat_common.monitor import metrics
from qanat_common.ogc import JobStatus
from qanat_common.protocol import ServiceEntry
from qanat_common.store import Waiting

UNFINISHED = (JobStatus.ACCEPTED, JobStatus.RUNNING)


class Jobs(Protocol):
    """Where jobs are counted; blocks, and raises Unavailable."""

    def waiting(self, service: str) -> Waiting:
        """Jobs of a service that no worker has begun."""

    def count(self, status: JobStatus) -> int:
        """Jobs in a state."""


class Cluster(Collector):
    """The services and their jobs as metrics; what the store cannot tell just now is left out."""

    def __init__(self, services: Callable[[], Sequence[ServiceEntry]], jobs: Jobs) -> None:
        """`services` is asked for the newest each time."""
        self._services = services
        self._jobs = jobs

    def describe(self) -> Iterator[Metric]:
        """Part of Collector: nothing is asked of the store before somebody wants to know."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Part of Collector."""
        services = self._services()
        yield from _workers(services)
        try:
            yield from self._counted(services)
        except Unavailable:
            return

    def _counted(self, services: Sequence[ServiceEntry]) -> Iterator[Metric]:
        depth = _gauge("qps_job_queue_depth", "Jobs that no worker has begun.", "queue")
        oldest = _gauge(
            "qps_job_oldest_waiting_seconds", "How long the oldest of them waits.", "queue"
        )
        now = datetime.now(UTC)
        for service in services:
            found = self._jobs.waiting(service.name)
            since = found.oldest or now
            depth.add_metric([service.queue], found.count)
            oldest.add_metric([service.queue], max(0.0, (now - since).total_seconds()))
        states = _gauge("qps_jobs_current", "Jobs that have not ended.", "state")
        for status in UNFINISHED:
            states.add_metric([status], self._jobs.count(status))
        yield from (depth, oldest, states)


def _workers(services: Sequence[ServiceEntry]) -> Iterator[Metric]:
    """What is known of workers. Of each service, not of each worker: labels stay few."""
    up = _gauge("qps_worker_up", "Workers that are there.", "service", "state")
    slots = _gauge("qps_service_slots", "Jobs that its workers run at a time.", "service")
    offers = _gauge("qps_service_offers", "How many different things its workers offer.", "service")
    processes = _gauge(
        "qps_registry_processes", "Processes that the newest of its workers offer.", "service"
    )
    for service in services:
        newest = service.offers[0].providers if service.offers else ()
        processes.add_metric([service.name], sum(one.algorithms for one in newest))
        up.add_metric([service.name, "ready"], service.workers)
        up.add_metric([service.name, "draining"], service.draining)
        slots.add_metric([service.name], service.slots)
        offers.add_metric([service.name], len(service.digests))
    yield from (up, slots, offers, processes)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


class Done:
    """What a registry has done for jobs on its rounds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Nothing was done yet."""
        self._expired = Counter(
            "qps_results_expired", "Jobs taken away, with their results.", registry=registry
        )
        self._resent = Counter(
            "qps_jobs_published_again",
            "Jobs that had lost their message or their worker.",
            registry=registry,
        )

    def expired(self) -> None:
        """A job was taken away, at its time."""
        self._expired.inc()

    def resent(self) -> None:
        """A job was published again."""
        self._resent.inc()


def cluster_metrics(
    services: Callable[[], Sequence[ServiceEntry]], jobs: Jobs
) -> CollectorRegistry:
    """The metrics of a registry."""
    made = metrics("qanat-registry")
    made.register(Cluster(services, jobs))
    return made
