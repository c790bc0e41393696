"""A message in, an outcome in the record: through real children of a real warm parent."""

from typing import Any

from qanat_common.ogc import JobStatus


def test_a_job_runs_in_a_child_and_its_outputs_stand_in_the_record(bench: Any) -> None:
    assert bench.values("echo", x=3, y={"a": [1, None, "ä"]}) == {
        "x": 3,
        "y": {"a": [1, None, "ä"]},
    }
    assert bench.record().status is JobStatus.SUCCESSFUL
