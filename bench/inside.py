"""A job as a child inside the worker: no broker, no store, no HTTP.

`python -m bench.inside TIMES` prints the times in milliseconds as JSON.
"""

import json
import os
import sys
import tempfile
import uuid
from pathlib import Path

from bench.figures import PAUSE_SECONDS, points, timed
from qanat_common.protocol import Inline
from qanat_worker import sandbox
from qanat_worker.__main__ import engine_start
from qanat_worker.children import Children
from qanat_worker.pipe import Done, Order
from qanat_worker.port import Task
from qanat_worker.settings import WorkerSettings


def main(times: int) -> None:
    """Start a warm parent, have children buffer ten points."""
    settings = WorkerSettings()
    with tempfile.TemporaryDirectory(prefix="qb") as name:
        folder = Path(name)
        children = Children(engine_start(settings, folder, "error"), lambda capabilities: None)
        children.start()

        def run() -> None:
            root = folder / uuid.uuid4().hex
            inputs = {"INPUT": Inline(value=points(10)), "DISTANCE": Inline(value=0.5)}
            task = Task(
                process_id="native:buffer",
                inputs=inputs,
                outputs=None,
                folder=str(sandbox.make_folders(root)),
            )
            child = children.take(lambda: False)
            assert child is not None  # noqa: S101  # it is never told to stop
            child.order(Order(task=task, limits=settings.limits, root=str(root)))
            while not isinstance(said := child.hear(30), Done):
                if said is None or said.kind == "broken":
                    raise RuntimeError(said)
            child.end()

        print(json.dumps(timed(run, times, pause=PAUSE_SECONDS).values), flush=True)
        children.close()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
