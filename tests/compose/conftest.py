"""The cluster of compose.yaml, built and started by pytest-docker, driven by HTTP."""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.compose import images

FILES = [images.COMPOSE / "compose.yaml", Path(__file__).with_name("override.yaml")]
START_SECONDS = 240
ANSWERS = 8
"""So many answers in a row come from both of the apis."""


@pytest.fixture(scope="session")
def newest(pytestconfig: pytest.Config) -> bool:
    """Whether only the services of the newest Debian are asked for."""
    chosen = pytestconfig.getoption("--compose")
    if not chosen:
        pytest.skip("builds images and starts a cluster, in some minutes: ./dev compose")
    return bool(chosen == "newest")


@pytest.fixture(scope="session")
def docker_compose_command(newest: bool, free_port: int) -> str:
    """Compose of either kind, told by the environment what to build from, and where to listen."""
    try:
        images.check_engine()
        command = images.compose()
        made = images.environ(images.bases(newest))
    except images.Missing as error:
        pytest.skip(str(error))
    os.environ.update(made, PORT=str(free_port))
    images.build(command, made, newest=newest)
    return command


@pytest.fixture(scope="session")
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="session")
def docker_compose_file() -> list[str]:
    return [str(file) for file in FILES]


@pytest.fixture(scope="session")
def docker_setup(newest: bool) -> list[str]:
    services = "proxy qgis-340 heavy" + ("" if newest else " qgis-322")
    return [f"up -d {services}"]


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["down -v -t 5"]


@dataclass(frozen=True)
class Cluster:
    """The running cluster: `http` asks its proxy, `compose` changes it."""

    http: httpx2.Client
    compose: Callable[[str], Any]

    def container(self, service: str) -> str:
        """The id of the container of a service."""
        return str(self.compose(f"ps -q {service}").decode().strip())

    def inside(self, service: str, program: str) -> str:
        """What a line of Python prints in the container of a service; it has no other tools."""
        told = self.compose(f"exec -T {service} python -c '{program}'")
        return str(told.decode().strip())

    def services(self) -> dict[str, Any]:
        """What `GET /services` tells, by name; empty as long as nothing answers."""
        try:
            answer = self.http.get("/services")
        except httpx2.TransportError:
            return {}
        if answer.status_code != 200:
            return {}
        return {each["name"]: each for each in answer.json()["services"]}

    def offers(self, process: str) -> bool:
        """Whether both apis describe a process."""
        asked = (self.http.get(f"/processes/{process}") for _ in range(ANSWERS))
        return all(answer.status_code == 200 for answer in asked)

    def submit(self, process: str, inputs: dict[str, Any]) -> str:
        """Start a job; its id."""
        answer = self.http.post(
            f"/processes/{process}/execution",
            json={"inputs": inputs},
            headers={"Prefer": "respond-async"},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def status(self, job: str) -> str:
        """The status of a job, or nothing while it cannot be asked."""
        try:
            answer = self.http.get(f"/jobs/{job}")
        except httpx2.TransportError:
            return ""
        return str(answer.json()["status"]) if answer.status_code == 200 else ""


@pytest.fixture(scope="session")
def cluster(
    docker_services: Any, free_port: int, newest: bool, until: Callable[..., Any]
) -> Iterator[Cluster]:
    """The cluster with all of its pools there, known to both apis."""
    there = {"qgis-340", "heavy"} | (set() if newest else {"qgis-322"})
    with httpx2.Client(base_url=f"http://127.0.0.1:{free_port}", timeout=60) as http:
        made = Cluster(http, docker_services._docker_compose.execute)
        until(lambda: there <= made.services().keys(), START_SECONDS)
        for service in there:
            until(lambda service=service: made.offers(f"native:buffer@{service}"), 60)
        yield made
