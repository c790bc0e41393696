"""What a worker counts of its jobs, for those who watch it."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from qanat_common.monitor import metrics
from qanat_common.protocol import Failed, RunJob, Succeeded, queue_name

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 10_800, 21_600)
"""Edges of the histograms, in seconds."""

KILLS = {
    "time-limit": "timeout",
    "memory-limit": "memory",
    "output-limit": "output",
    "process-limit": "processes",
    "file-limit": "files",
    "process-crashed": "signal",
}
"""The code of a failure → why the job's process was ended, or ended itself."""


class Tally:
    """Counts; from any thread. Its names are an interface: docs/how-to/watch.md."""

    def __init__(self, slots: int = 1) -> None:
        """`slots` is how many jobs run at the same time."""
        self.metrics: CollectorRegistry = metrics("qanat-worker")
        own = self.metrics
        self._jobs = Counter("qps_jobs", "Jobs that ended.", ("process", "outcome"), registry=own)
        self._attempts = Counter(
            "qps_job_attempts", "Jobs begun, anew or again.", ("reason",), registry=own
        )
        self._waited = Histogram(
            "qps_job_queue_seconds",
            "How long jobs waited for a worker.",
            ("queue",),
            buckets=SECONDS,
            registry=own,
        )
        self._ran = Histogram(
            "qps_job_run_seconds", "How long jobs ran.", ("process",), buckets=SECONDS, registry=own
        )
        self._kills = Counter(
            "qps_job_kills", "Jobs ended before their end.", ("cause",), registry=own
        )
        self._passed_on = Counter(
            "qps_jobs_passed_on", "Jobs whose process is not offered here.", registry=own
        )
        states = Gauge("qps_worker_slots", "Jobs that may run.", ("state",), registry=own)
        self._busy, self._free = states.labels("busy"), states.labels("free")
        self._free.set(slots)

    def begun(self, job: RunJob, attempt: int) -> None:
        """A job was claimed; `attempt` counts from 1."""
        self._busy.inc()
        self._free.dec()
        self._attempts.labels("first" if attempt == 1 else "again").inc()
        waited = (datetime.now(UTC) - job.created).total_seconds()
        self._waited.labels(queue_name(job.service)).observe(max(waited, 0.0))

    def ended(self, job: RunJob, outcome: Succeeded | Failed | None, seconds: float) -> None:
        """A job ran for so long; without an outcome it was dismissed, or given back."""
        self._busy.dec()
        self._free.inc()
        self._ran.labels(job.process_id).observe(seconds)
        self._jobs.labels(job.process_id, outcome.status if outcome else "stopped").inc()
        cause = KILLS.get(outcome.code) if isinstance(outcome, Failed) else None
        if cause is not None or outcome is None:
            self._kills.labels(cause or "stopped").inc()

    def passed_on(self) -> None:
        """A job was left to others."""
        self._passed_on.inc()
