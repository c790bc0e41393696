"""What dies comes back, and nothing accepted is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

pytestmark = [pytest.mark.qgis, pytest.mark.timeout(300)]

POINT = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
BODY = {
    "inputs": {
        "INPUT": {"value": {"type": "FeatureCollection", "features": [POINT]}},
        "DISTANCE": 1,
    }
}


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def part(pid: int, module: str) -> psutil.Process:
    return next(p for p in family(pid) if module in p.cmdline())


def submit(url: str) -> str:
    answer = httpx2.post(
        f"{url}/processes/native:buffer/execution", json=BODY, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def test_after_kill_9_accepted_jobs_run_and_finished_ones_are_still_there(
    all_in_one: Any, until: Callable[..., Any]
) -> None:
    finished = submit(all_in_one.url)
    until(lambda: httpx2.get(finished).json()["status"] == "successful", 30)
    before = httpx2.get(f"{finished}/results").content
    accepted = [submit(all_in_one.url) for _ in range(8)]
    processes = family(all_in_one.process.pid)
    all_in_one.kill()
    until(lambda: not any(p.is_running() and p.status() != "zombie" for p in processes), 10)

    all_in_one.start()
    for job in accepted:
        until(lambda job=job: httpx2.get(job).json()["status"] == "successful", 60)
    assert httpx2.get(f"{finished}/results").content == before


@pytest.mark.parametrize("module", ["qanat_worker", "qanat_registry", "qanat_api"])
def test_a_part_that_dies_is_started_again(
    all_in_one: Any, until: Callable[..., Any], module: str
) -> None:
    died = part(all_in_one.process.pid, module)
    died.kill()

    def back() -> bool:
        try:
            return part(all_in_one.process.pid, module).pid != died.pid and all_in_one.serves()
        except (StopIteration, psutil.Error):
            return False

    until(back, 30)
    job = submit(all_in_one.url)
    until(lambda: httpx2.get(job).json()["status"] == "successful", 30)


def test_ctrl_c_leaves_nothing_behind(all_in_one: Any, folder: Path) -> None:
    processes = family(all_in_one.process.pid)
    assert all_in_one.stop() == 0
    assert not any(p.is_running() and p.status() != "zombie" for p in processes)
