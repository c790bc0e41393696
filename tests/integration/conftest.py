"""The three services as processes of their own, on either pair of broker and store."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest


@dataclass
class Cluster:
    """api, registry and worker on the given broker and store; each may be killed and started again."""

    environ: dict[str, str]
    folder: Path
    api_port: int
    registry_port: int
    until: Callable[..., Any]
    processes: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def registry_url(self) -> str:
        return f"http://127.0.0.1:{self.registry_port}"

    def start(self, *services: str) -> None:
        for service in services:
            with (self.folder / f"{service}.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", f"qanat_{service}"],
                    env=os.environ | self.environ,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                )
            self.processes.append((service, process))

    def kill(self, service: str) -> None:
        """End the service's newest process as a crash would."""
        found = max(at for at, (name, _) in enumerate(self.processes) if name == service)
        _, process = self.processes.pop(found)
        process.kill()
        process.wait(10)

    def stop(self) -> None:
        for _, process in self.processes:
            process.terminate()
        for _, process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text("utf-8")

    def processes_listed(self) -> list[str]:
        """Ids of the process list; empty while the api does not answer."""
        try:
            answer = httpx2.get(f"{self.url}/processes", timeout=5)
        except httpx2.TransportError:
            return []
        return [process["id"] for process in answer.json()["processes"]]

    def wait_for(self, process_id: str, seconds: float = 20) -> None:
        self.until(lambda: process_id in self.processes_listed(), seconds)


@pytest.fixture
def own_settings() -> dict[str, str]:
    """What a module has otherwise than others, as environment."""
    return {}


@pytest.fixture
def cluster(
    servers: Any,
    own_settings: dict[str, str],
    folder: Path,
    until: Callable[..., Any],
    free_ports: Callable[[int], list[int]],
) -> Iterator[Cluster]:
    """A running cluster with the FakeEngine: on Valkey alone, or on RabbitMQ and Redis."""
    api_port, registry_port = free_ports(2)
    environ = {
        "PYTHONPATH": str(Path(__file__).parent),
        "QANAT_BROKER_URL": servers.broker_url,
        "QANAT_STORE_URL": servers.store_url,
        "QANAT_STORAGE_URL": f"file://{folder}/storage",
        "QANAT_API__PORT": str(api_port),
        "QANAT_API__REGISTRY_URL": f"http://127.0.0.1:{registry_port}",
        "QANAT_REGISTRY__PORT": str(registry_port),
        "QANAT_WORKER__ENGINE": "fake_engine:start",
        "QANAT_WORKER__WORK_FOLDER": f"{folder}/work",
        "QANAT_WORKER__SERVICE": f"s{os.getpid()}{servers.name}",
    } | own_settings
    cluster = Cluster(environ, folder, api_port, registry_port, until)
    try:
        cluster.start("registry", "worker", "api")
        cluster.wait_for("fake:echo", 60)
        yield cluster
    finally:
        cluster.stop()
