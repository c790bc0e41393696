"""The cluster of compose.yaml, built and started by pytest-docker; base images from Debian's packages."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "compose" / "compose.yaml", Path(__file__).with_name("override.yaml")]
BASES = {"BASE_IMAGE": "trixie", "OLD_BASE_IMAGE": "bookworm"}
START_SECONDS = 240


def done(*command: str, seconds: float = 900) -> str:
    """What a command prints; its complaint where it fails."""
    try:
        found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"{' '.join(command)}: {error.stderr[-2000:]}")
    return found.stdout


def answers(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> None:
    """A Docker engine; `./dev compose` starts one where it can."""
    if not pytestconfig.getoption("--compose"):
        pytest.skip("builds images and starts a cluster, in some minutes: ./dev compose")
    if not shutil.which("docker") or not answers("docker", "info"):
        pytest.skip("no Docker engine answers here (./dev compose tries to start one)")


@pytest.fixture(scope="session")
def bases(engine: None) -> dict[str, str]:
    """The base images: those that are named by the environment, else made by debootstrap."""
    found = {}
    for name, suite in BASES.items():
        image = os.environ.get(name) or f"qanat-base:{suite}"
        if not answers("docker", "image", "inspect", image):
            if os.geteuid() != 0 or not shutil.which("debootstrap"):
                pytest.skip(f"the base image {image} is made by debootstrap, as root")
            done(str(ROOT / "compose" / "base-image.sh"), suite, image)
        found[name] = image
    return found


@pytest.fixture(scope="session")
def docker_compose_command(
    bases: dict[str, str], free_port: int, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Compose of either kind, told by the environment what to build from, and where to listen."""
    os.environ.update(bases, BUILD_NETWORK="host", PORT=str(free_port), TAG="test")
    done(str(ROOT / "compose" / "secrets.sh"))
    return "docker compose" if answers("docker", "compose", "version") else "docker-compose"


@pytest.fixture(scope="session")
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="session")
def docker_compose_file() -> list[str]:
    return [str(file) for file in FILES]


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    return ["build", "up -d"]


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

    def services(self) -> dict[str, Any]:
        """What `GET /services` tells, by name; empty as long as nothing answers."""
        try:
            answer = self.http.get("/services")
        except httpx2.TransportError:
            return {}
        if answer.status_code != 200:
            return {}
        return {each["name"]: each for each in answer.json()["services"]}

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
def cluster(docker_services: Any, free_port: int, until: Callable[..., Any]) -> Iterator[Cluster]:
    """The cluster with all of its pools there."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{free_port}", timeout=60) as http:
        made = Cluster(http, docker_services._docker_compose.execute)
        until(lambda: {"qgis-322", "qgis-340", "heavy"} <= made.services().keys(), START_SECONDS)
        yield made
