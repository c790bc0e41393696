"""What systemd is told: where it says, and nothing that could stop a service."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from qanat_common.systemd import READY, SOCKET, tell


@pytest.fixture(params=["path", "abstract"])
def ear(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """Who listens, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        name = str(folder / "notify")
        made.bind(name if request.param == "path" else f"\0{name}")
        monkeypatch.setenv(SOCKET, name if request.param == "path" else f"@{name}")
        made.settimeout(10)
        yield made


def test_who_started_the_service_is_told(ear: socket.socket) -> None:
    tell(READY)

    assert ear.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_where_nobody_listens_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(SOCKET, address)

    tell(READY)
