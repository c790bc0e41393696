"""The image of pyqgiswps: everything in one container, without rights and on a read-only file system."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.compose import images

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

NAME = f"qanat-test-{os.getpid()}"
WITHOUT_RIGHTS = (
    "--init --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp:mode=1777"
)


@pytest.fixture
def url(docker_compose_command: str, free_ports: Callable[[int], list[int]]) -> Iterator[str]:
    """The address of a container that runs."""
    (port,) = free_ports(1)
    run = ["docker", "run", "-d", "--name", NAME, *WITHOUT_RIGHTS.split()]
    images.done(
        *run,
        "-p",
        f"127.0.0.1:{port}:9080",
        "-e",
        "QANAT_API__ACCESS__OPEN=true",
        images.ALL_IN_ONE,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        images.done("docker", "rm", "-f", "-v", NAME)


def test_all_in_one_runs_a_job_without_rights_and_ends_when_told(
    url: str, until: Callable[..., Any]
) -> None:
    def there() -> bool:
        try:
            return bool(httpx2.get(f"{url}/processes/native:buffer", timeout=10).is_success)
        except httpx2.TransportError:
            return False

    until(there, 240)
    body = {"inputs": {"INPUT": {"value": images.POINT}, "DISTANCE": 1}}
    answer = httpx2.post(f"{url}/processes/native:buffer/execution", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.json()["features"][0]["geometry"]["type"] in ("Polygon", "MultiPolygon")

    images.done("docker", "kill", "-s", "TERM", NAME)
    assert images.done("docker", "wait", NAME).strip() == "0"
