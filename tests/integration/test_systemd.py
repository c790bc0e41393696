"""Services tell systemd when they serve and when they end, as units of `Type=notify` do."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


@pytest.fixture
def ear(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(folder / "notify"))
        made.settimeout(60)
        yield made


@pytest.mark.parametrize("servers", ["embedded"], indirect=True)
@pytest.mark.parametrize("service", ["registry", "worker", "api"])
def test_a_service_says_when_it_serves_and_when_it_ends(
    cluster: Any, ear: socket.socket, until: Callable[..., Any], service: str
) -> None:
    cluster.kill(service)
    cluster.environ["NOTIFY_SOCKET"] = ear.getsockname()
    cluster.start(service)

    assert ear.recv(100) == b"READY=1"
    _, process = cluster.processes[-1]
    process.terminate()
    assert ear.recv(100) == b"STOPPING=1"
    until(lambda: process.poll() == 0, 60)
