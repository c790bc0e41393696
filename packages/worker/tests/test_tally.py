"""What a worker counts."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from qanat_common.protocol import Failed, RunJob, StoredFile, Succeeded, Value
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
        for name in ("successful", "failed", "dismissed")
    }
    assert ended == {"successful": 1, "failed": 1, "dismissed": 1}
    assert value(tally, "qps_job_kills_total", cause="timeout") == 1
    assert value(tally, "qps_job_attempts_total", reason="again") == 1
    assert value(tally, "qps_worker_slots", state="busy") == 1
    assert value(tally, "qps_worker_slots", state="free") == 3
    assert value(tally, "qps_job_run_seconds_count", process="p") == 3
    assert value(tally, "qps_job_queue_seconds_count", queue="qanat.s") == 4


def test_a_job_that_is_given_back_has_not_ended() -> None:
    tally = Tally()
    tally.begun(JOB, 1)

    tally.given_back(JOB, 0.5)

    assert value(tally, "qps_jobs_total", process="p", outcome="dismissed") is None
    assert value(tally, "qps_job_kills_total", cause="given-back") == 1
    assert value(tally, "qps_worker_slots", state="busy") == 0


def test_results_are_counted_by_their_size() -> None:
    tally = Tally()
    file = StoredFile(key="k", name="n", media_type="image/tiff", size=3 << 20)
    tally.begun(JOB, 1)

    tally.ended(JOB, Succeeded(outputs={"OUTPUT": file, "COUNT": Value(value=3)}), 0.5)

    assert value(tally, "qps_results_bytes_sum") == 3 << 20
    assert value(tally, "qps_results_bytes_bucket", le="1024.0") == 0


def test_the_version_of_qgis_is_told_once_it_is_known() -> None:
    tally = Tally()
    tally.runs("3.40.6")

    assert value(tally, "qps_build_info", version=version("qanat-worker"), qgis="3.40.6") == 1


def test_a_worker_that_runs_jobs_counts_them(bench: Any) -> None:
    bench.run("no:such")

    assert bench.runner._tally.metrics.get_sample_value("qps_jobs_passed_on_total") == 1


def test_what_the_process_of_a_job_took_is_counted(
    make_bench: Callable[..., Any], until: Callable[..., Any]
) -> None:
    tally = Tally()
    bench = make_bench(usage=tally)

    bench.run("echo", x=1)

    until(lambda: value(tally, "qps_job_cpu_seconds_total", process="echo"))
    assert value(tally, "qps_job_peak_rss_bytes_sum", process="echo") > 1 << 20
    assert value(tally, "qps_worker_warm_forks_total") >= 2
