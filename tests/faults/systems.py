"""The systems under attack: the all-in-one, and services apart on RabbitMQ and Redis."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import conftest
import httpx2
import psutil
from tests.faults.machine import CLOCK_LIBRARIES, Clock, Disk, disk
from tests.faults.proxy import Proxy

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
START_SECONDS = 120.0
SERVERS = frozenset({"redis-server", "valkey-server", "beam.smp"})


@dataclass
class System:
    """What the nemesis and the clients know of a system; subclasses say how it is run."""

    folder: Path
    disk: Disk
    clock: Clock
    url: str = ""
    proxies: Mapping[str, Proxy] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    """What did not end as it should when it was told to stop at last."""

    def note_end(self, name: str, status: int) -> None:
        """One was told to stop; a Python that is still starting ends by the signal itself."""
        if status not in (0, -signal.SIGTERM):
            self.ended.append(f"{name} ended with status {status} when it was told to stop")

    def environ(self) -> dict[str, str]:
        """The settings that all systems have alike, as environment."""
        clean = {name: value for name, value in os.environ.items() if name[:6] != "QANAT_"}
        return clean | {
            "PYTHONPATH": str(ROOT),
            "QANAT_WORKER__ENGINE": "tests.faults.engine:start",
            "QANAT_WORKER__MAX_ATTEMPTS": "1000",
            "QANAT_WORKER__SERVICE": "faults",
            "QANAT_WORKER__DRAIN_TIMEOUT": "2",
            "QANAT_WORKER__RENEW_QUEUE_AFTER": "3",
            "QANAT_API__SYNC_LIMIT": "25",
            "QANAT_LOG__FORMAT": "json",
        }

    def pids(self) -> dict[str, int]:
        """The processes that may be harmed: name → id."""
        raise NotImplementedError

    def serves(self) -> bool:
        """Whether jobs can be run."""
        with suppress(httpx2.TransportError):
            return httpx2.get(f"{self.url}/processes/faults:work", timeout=5).status_code == 200
        return False

    def await_service(self, seconds: float = START_SECONDS) -> None:
        """Wait until jobs can be run."""
        end = time.monotonic() + seconds
        while not self.serves():
            if time.monotonic() > end:
                raise TimeoutError(f"it does not serve after {seconds:g} s")
            time.sleep(0.1)

    def restart(self) -> None:
        """Stop all in order, and start it again."""
        raise NotImplementedError

    def crash(self) -> None:
        """End all at once, and start it again."""
        raise NotImplementedError

    def logs(self) -> Iterator[Path]:
        """What the parts wrote."""
        yield from sorted(self.folder.glob("*.log"))


def below(name: str, pid: int) -> dict[str, int]:
    """The worker with its warm parent, and with a child of that."""
    found = {name: pid}
    with suppress(psutil.Error):
        for parent in psutil.Process(pid).children():
            found[f"{name}'s warm parent"] = parent.pid
            children = parent.children()
            if children:
                found[f"{name}'s child"] = min(children, key=psutil.Process.create_time).pid
    return found


def _below_shell(pid: int) -> list[psutil.Process]:
    """The server of a process that was started: RabbitMQ runs below a shell."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        found = (process, *process.children(recursive=True))
        return [each for each in found if each.name() in SERVERS]
    return []


@dataclass
class AllInOne(System):
    """`pyqgiswps`, which starts its own parts again."""

    process: subprocess.Popen[bytes] | None = None
    ports: list[int] = field(default_factory=lambda: conftest.free_ports(2))

    def start(self) -> None:
        """Start it; returns when it serves."""
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        own = {
            "QANAT_SERVER__DATA_FOLDER": str(self.disk.folder / "data"),
            "QANAT_API__PORT": str(self.ports[0]),
            "QANAT_REGISTRY__PORT": str(self.ports[1]),
            "QANAT_SERVER__VALKEY_BINARY": str(self.clock.server()),
        }
        with (self.folder / "pyqgiswps.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / "pyqgiswps")],
                env=self.environ() | own,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.await_service()

    def pids(self) -> dict[str, int]:
        """Its parts, found by their command lines."""
        assert self.process is not None
        found: dict[str, int] = {}
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                words = " ".join(child.cmdline())
                for name in ("api", "registry", "worker"):
                    if f"qanat_{name}" in words:
                        found |= below(name, child.pid) if name == "worker" else {name: child.pid}
                if "valkey-server" in words:
                    found["valkey"] = child.pid
        return found

    def restart(self) -> None:
        self.stop()
        self.start()

    def crash(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self.start()

    def stop(self) -> int:
        """As Ctrl-C does; its status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


@dataclass
class Apart(System):
    """Services of their own, two workers, started again by a keeper as systemd would."""

    servers: dict[str, conftest.Server] = field(default_factory=dict)
    specs: dict[str, tuple[list[str], dict[str, str]]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    ending: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start all services; returns when they serve."""
        api, registry = conftest.free_ports(2)
        self.url = f"http://127.0.0.1:{api}"
        shared = {
            "QANAT_STORAGE_URL": f"file://{self.disk.folder}/storage",
            "QANAT_API__PORT": str(api),
            "QANAT_REGISTRY__PORT": str(registry),
            "QANAT_API__REGISTRY_URL": f"http://127.0.0.1:{registry}",
            "QANAT_WORKER__WORK_FOLDER": f"{self.disk.folder}/work",
            "QANAT_JOB_SECRET": "so no signature may get lost",
        }
        for name in ("registry", "worker 1", "worker 2", "api"):
            service = name.partition(" ")[0]
            urls = {
                "QANAT_BROKER_URL": f"amqp://guest:guest@127.0.0.1:{self._port(name, 'broker')}//",
                "QANAT_STORE_URL": f"redis://127.0.0.1:{self._port(name, 'store')}/1",
            }
            environ = self.environ() | shared | urls
            self.specs[name] = ([sys.executable, "-m", f"qanat_{service}"], environ)
            self._spawn(name)
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()
        self.await_service()

    def _port(self, service: str, server: str) -> int:
        return self.proxies[f"{service} to {server}"].port

    def _spawn(self, name: str) -> None:
        command, environ = self.specs[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def _keep(self) -> None:
        while not self.ending.wait(0.3):
            for name, process in list(self.running.items()):
                if process.poll() is not None and not self.ending.is_set():
                    self._spawn(name)

    def pids(self) -> dict[str, int]:
        """The services, and what runs below the first worker."""
        found: dict[str, int] = {}
        for name, process in self.running.items():
            found |= below(name, process.pid) if name == "worker 1" else {name: process.pid}
        for name, server in self.servers.items():
            for each in _below_shell(server.process.pid) if server.process else ():
                found[name] = each.pid
        return found

    def bounce(self, server: str, *, kill: bool) -> None:
        """Stop or kill a server, and start it again."""
        self.servers[server].stop(kill=kill)
        self.servers[server].start()

    def lose_leaders(self) -> None:
        """Kill RabbitMQ, and start it without what tells it which queues it leads."""
        rabbitmq = self.servers["rabbitmq"]
        rabbitmq.stop(kill=True)
        for names in rabbitmq.folder.glob("db/*/quorum/*/names.dets"):
            names.unlink()
        rabbitmq.start()

    def restart(self) -> None:
        for process in list(self.running.values()):
            process.terminate()
        self.await_service()

    def crash(self) -> None:
        for process in list(self.running.values()):
            process.kill()
        for server in self.servers:
            self.bounce(server, kill=True)
        self.await_service()

    def stop(self) -> None:
        """Stop all services."""
        self.ending.set()
        time.sleep(0.5)
        for process in self.running.values():
            process.terminate()
        for name, process in self.running.items():
            try:
                self.note_end(name, process.wait(60))
            except subprocess.TimeoutExpired:
                process.kill()
                self.note_end(name, process.wait())


@contextmanager
def all_in_one(folder: Path) -> Iterator[System]:
    """A running all-in-one."""
    with disk(_made(folder / "disk")) as small:
        system = AllInOne(folder, small, Clock(folder / "clock"))
        try:
            system.start()
            yield system
        finally:
            small.free()
            system.note_end("pyqgiswps", system.stop())


@contextmanager
def apart(folder: Path, *, steps: bool = False) -> Iterator[System]:
    """Running services on RabbitMQ and Redis, each connection through a proxy.

    Debian's Redis does not bear the library that steps its clock: then Valkey is in its place.
    """
    with ExitStack() as stack:
        small = stack.enter_context(disk(_made(folder / "disk")))
        clock = Clock(folder / "clock", steps=steps and bool(CLOCK_LIBRARIES))
        binary = clock.server() if clock.steps else None
        redis = stack.enter_context(conftest.running_redis(binary))
        rabbitmq = stack.enter_context(conftest.running_rabbitmq())
        ports = {
            "store": int(redis.url.rpartition(":")[2].partition("/")[0]),
            "broker": int(rabbitmq.broker_url.rpartition(":")[2].partition("/")[0]),
        }
        proxies = {
            f"{service} to {server}": Proxy(port)
            for service in ("registry", "worker 1", "worker 2", "api")
            for server, port in ports.items()
        }
        for proxy in proxies.values():
            stack.callback(proxy.close)
        servers: dict[str, conftest.Server] = {"redis": redis, "rabbitmq": rabbitmq}
        system = Apart(folder, small, clock, proxies=proxies, servers=servers)
        try:
            system.start()
            yield system
        finally:
            small.free()
            system.stop()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


SYSTEMS: dict[str, Callable[[Path], AbstractContextManager[System]]] = {
    "all-in-one": all_in_one,
    "apart": apart,
    "apart-valkey": partial(apart, steps=True),
}
