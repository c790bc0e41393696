"""What a registry tells of the cluster."""

from datetime import UTC, datetime, timedelta

from prometheus_client.exposition import generate_latest

from qanat_common.errors import Unavailable
from qanat_common.ogc import JobStatus
from qanat_common.protocol import OfferEntry, ProviderInfo, ServiceEntry
from qanat_common.store import Waiting
from qanat_registry.metrics import cluster_metrics
from qanat_registry.workers import table

SERVICE = ServiceEntry(
    name="s",
    queue="qanat.s",
    digests=["a", "b"],
    workers=3,
    slots=6,
    draining=1,
    offers=[
        OfferEntry(
            digest=digest, providers=[ProviderInfo(id="p", name="P", version="1", algorithms=n)]
        )
        for digest, n in (("a", 350), ("b", 283))
    ],
)


class FakeJobs:
    """Two jobs wait, the oldest for a minute; or the store is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away

    def waiting(self, service: str) -> Waiting:
        if self.away:
            raise Unavailable("away")
        return Waiting(2, datetime.now(UTC) - timedelta(seconds=60))

    def count(self, status: JobStatus) -> int:
        return {JobStatus.ACCEPTED: 2, JobStatus.RUNNING: 5}[status]


def test_services_and_their_queues_are_told() -> None:
    told = cluster_metrics(lambda: [SERVICE], FakeJobs())

    assert told.get_sample_value("qps_worker_up", {"service": "s", "state": "ready"}) == 3
    assert told.get_sample_value("qps_service_slots", {"service": "s"}) == 6
    assert told.get_sample_value("qps_registry_processes", {"service": "s"}) == 350
    assert told.get_sample_value("qps_job_queue_depth", {"queue": "qanat.s"}) == 2
    oldest = told.get_sample_value("qps_job_oldest_waiting_seconds", {"queue": "qanat.s"})
    assert oldest is not None
    assert oldest > 59
    assert told.get_sample_value("qps_jobs_current", {"state": "running"}) == 5


def test_without_the_store_the_workers_are_told_all_the_same() -> None:
    text = generate_latest(cluster_metrics(lambda: [SERVICE], FakeJobs(away=True))).decode()

    assert "qps_worker_up" in text
    assert "qps_job_queue_depth" not in text


def test_workers_are_printed_in_columns() -> None:
    worker = {
        "service": "main",
        "boot": "0123456789abcdef",
        "node": "main-0123@gis",
        "state": "ready",
        "versions": {"qgis": "3.40.3", "qanat-worker": "0.1.0"},
        "protocol": 1,
        "processes": 350,
        "slots": 2,
        "digest": "abcdef0123456789",
        "sandbox": None,
        "labels": {"site": "north"},
    }

    heading, line = table([worker]).splitlines()

    assert heading.split()[:4] == ["SERVICE", "WORKER", "HOST", "STATE"]
    assert line.split() == [
        *("main", "01234567", "gis", "ready", "3.40.3", "0.1.0", "1", "350", "2"),
        *("abcdef01", "unknown", "site=north"),
    ]
    assert heading.index("QGIS") == line.index("3.40.3")
