"""The task of a worker that has been told to stop."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from celery import Celery
from celery.exceptions import Reject
from celery.worker import state as celery_state

from qanat_common.ogc import JobStatus
from qanat_common.protocol import TASK_RUN, wire
from qanat_common.signing import Seal
from qanat_worker.broker import Parts, add_task


@pytest.fixture
def task(bench: Any) -> Iterator[Any]:
    """The task of a worker."""
    app = Celery("test", set_as_current=False)
    unused = cast("Any", None)
    parts = Parts(
        runner=bench.runner,
        pulse=bench.pulse,
        store=bench.store,
        seal=Seal(),
        herald=unused,
        queues=unused,
    )
    add_task(app, parts)
    yield app.tasks[TASK_RUN]
    app.close()


def test_a_job_that_a_slot_takes_up_after_the_order_to_stop_goes_back(
    bench: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bench.accept("echo", x=1)
    monkeypatch.setattr(celery_state, "should_stop", 0)
    with pytest.raises(Reject) as raised:
        task.run(wire(job))
    assert raised.value.requeue
    assert bench.record().status is JobStatus.ACCEPTED


def test_before_it_the_job_is_run(bench: Any, task: Any) -> None:
    task.run(wire(bench.accept("echo", x=1)))
    assert bench.record().status is JobStatus.SUCCESSFUL
