"""What is told of a job, in a list and by itself."""

from datetime import UTC, datetime

import pytest

from qanat_api.links import Links
from qanat_api.status import listed, status_info
from qanat_common.jobs import JobSummary
from qanat_common.ogc import JobStatus


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_list_tells_of_a_job_what_its_status_tells(status: JobStatus) -> None:
    links = Links("https://maps.example/gis")
    record = JobSummary(
        job_id="a b", process_id="echo", service="default", status=status, created=datetime.now(UTC)
    )
    assert listed(record, links) == status_info(record, links).document()
