"""What a worker counts."""

from datetime import UTC, datetime
from typing import Any

from qanat_common.protocol import Failed, RunJob, Succeeded
from qanat_worker.tally import Tally

JOB = RunJob(job_id="j", process_id="p", service="s", created=datetime.now(UTC))


def value(tally: Tally, name: str, **labels: str) -> Any:
    return tally.metrics.get_sample_value(name, labels)


def test_jobs_are_counted_by_how_they_end() -> None:
    tally = Tally(slots=4)
    for outcome in (Succeeded(), Failed(code="time-limit", message="too long"), None):
        tally.begun(JOB, 1)
        tally.ended(JOB, outcome, 0.5)
    tally.begun(JOB, 2)

    ended = {
        name: value(tally, "qps_jobs_total", process="p", outcome=name)
        for name in ("successful", "failed", "stopped")
    }
    assert ended == {"successful": 1, "failed": 1, "stopped": 1}
    assert value(tally, "qps_job_kills_total", cause="timeout") == 1
    assert value(tally, "qps_job_attempts_total", reason="again") == 1
    assert value(tally, "qps_worker_slots", state="busy") == 1
    assert value(tally, "qps_worker_slots", state="free") == 3
    assert value(tally, "qps_job_run_seconds_count", process="p") == 3
    assert value(tally, "qps_job_queue_seconds_count", queue="qanat.s") == 4


def test_a_worker_that_runs_jobs_counts_them(bench: Any) -> None:
    bench.run("no:such")

    assert bench.runner._tally.metrics.get_sample_value("qps_jobs_passed_on_total") == 1
