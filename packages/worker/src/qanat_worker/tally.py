"""What a worker counts of its jobs, for those who watch it."""

from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from qanat_common.monitor import metrics
from qanat_common.protocol import Failed, OutputValue, RunJob, StoredFile, Succeeded, queue_name

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 10_800, 21_600)
"""Edges of the histograms of times, in seconds."""

MIB = 1 << 20
MEMORY = tuple(MIB << power for power in range(6, 15))
"""Edges of the histogram of memory, in bytes: 64 MiB to 16 GiB."""

RESULTS = tuple(1024 << power for power in range(0, 23, 2))
"""Edges of the histogram of results, in bytes: 1 KiB to 4 GiB."""

KILLS = {
    "time-limit": "timeout",
    "memory-limit": "memory",
    "output-limit": "output",
    "process-limit": "processes",
    "file-limit": "files",
    "process-crashed": "signal",
}
"""The code of a failure → why the job's process was ended, or ended itself."""

DISMISSED, GIVEN_BACK = "dismissed", "given-back"
LOST = "lost"


class Usage(Protocol):
    """Who hears what the processes of jobs cost; from any thread."""

    def forked(self) -> None:
        """A process stands ready for a job."""

    def used(self, process_id: str, cpu_seconds: float, peak_bytes: int) -> None:
        """The process of a job has ended; it and what it started took so much."""


class Fetches(Protocol):
    """Who hears what became of inputs by reference; from any thread."""

    def fetched(self, scheme: str, size: int) -> None:
        """One is here: so many bytes, by such an address."""

    def rejected(self, reason: str) -> None:
        """One is not to be had, or must not be."""


class Tally:
    """Counts; from any thread. Its names are an interface: docs/how-to/watch.md."""

    def __init__(self, slots: int = 1) -> None:
        """`slots` is how many jobs run at the same time."""
        self._qgis = ""
        self.metrics: CollectorRegistry = metrics("qanat-worker", lambda: self._qgis)
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
        self._costs(own)

    def _costs(self, own: CollectorRegistry) -> None:
        """What jobs cost, take and leave."""
        self._cpu = Counter(
            "qps_job_cpu_seconds", "Processor time of jobs.", ("process",), registry=own
        )
        self._memory = Histogram(
            "qps_job_peak_rss_bytes",
            "The most memory that a job's process had, with what it shares with the engine's.",
            ("process",),
            buckets=MEMORY,
            registry=own,
        )
        self._forks = Counter(
            "qps_worker_warm_forks", "Processes made for jobs, ahead of them.", registry=own
        )
        self._fetched = Counter(
            "qps_input_fetch_bytes", "Bytes of inputs by reference.", ("scheme",), registry=own
        )
        self._rejected = Counter(
            "qps_input_rejected", "Inputs that were not fetched.", ("reason",), registry=own
        )
        self._results = Histogram(
            "qps_results_bytes",
            "How large the result files of a job are.",
            buckets=RESULTS,
            registry=own,
        )

    def runs(self, qgis: str) -> None:
        """Jobs run on such a QGIS from now on."""
        self._qgis = qgis

    def begun(self, job: RunJob, attempt: int) -> None:
        """A job was claimed; `attempt` counts from 1."""
        self._busy.inc()
        self._free.dec()
        self._attempts.labels("first" if attempt == 1 else "again").inc()
        waited = (datetime.now(UTC) - job.created).total_seconds()
        self._waited.labels(queue_name(job.service)).observe(max(waited, 0.0))

    def ended(self, job: RunJob, outcome: Succeeded | Failed | None, seconds: float) -> None:
        """A job ran for so long; without an outcome it was dismissed."""
        self._free_again(job, seconds)
        self._jobs.labels(job.process_id, outcome.status if outcome else DISMISSED).inc()
        if isinstance(outcome, Succeeded):
            self._results.observe(sum(map(_size, outcome.outputs.values())))
        cause = KILLS.get(outcome.code) if isinstance(outcome, Failed) else None
        if cause is not None or outcome is None:
            self._kills.labels(cause or DISMISSED).inc()

    def given_back(self, job: RunJob, seconds: float) -> None:
        """A job ran for so long, and is left to another worker: it has not ended."""
        self._free_again(job, seconds)
        self._kills.labels(GIVEN_BACK).inc()

    def _free_again(self, job: RunJob, seconds: float) -> None:
        self._busy.dec()
        self._free.inc()
        self._ran.labels(job.process_id).observe(seconds)

    def lost(self, job: RunJob) -> None:
        """A job was given up: each worker that ran it was lost."""
        self._jobs.labels(job.process_id, LOST).inc()

    def passed_on(self) -> None:
        """A job was left to others."""
        self._passed_on.inc()

    def forked(self) -> None:
        """Part of Usage."""
        self._forks.inc()

    def used(self, process_id: str, cpu_seconds: float, peak_bytes: int) -> None:
        """Part of Usage."""
        self._cpu.labels(process_id).inc(cpu_seconds)
        self._memory.labels(process_id).observe(peak_bytes)

    def fetched(self, scheme: str, size: int) -> None:
        """Part of Fetches."""
        self._fetched.labels(scheme).inc(size)

    def rejected(self, reason: str) -> None:
        """Part of Fetches."""
        self._rejected.labels(reason).inc()


def _size(output: OutputValue) -> int:
    return output.size if isinstance(output, StoredFile) else 0
