"""What the process of a job may read, write and call: a fence of Landlock and seccomp around it."""

import os
import platform
import sys
from pathlib import Path

from pydantic import Field

from qanat_common.protocol import Message
from qanat_worker import landlock, sandbox, seccomp
from qanat_worker.settings import Sandbox

OFF, NONE = "off", "none"

READABLE = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/matplotlibrc",
    "/etc/nsswitch.conf",
    "/etc/OpenCL",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
)
"""What programs and libraries need of the system, for reading and running."""

READABLE_WITH_NETWORK = (
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/ca-certificates",
    "/etc/pki",
    "/etc/ssl",
    "/etc/services",
)
"""What finding other machines and trusting them needs besides."""

VARIABLES = ("GDAL_DATA", "GDAL_DRIVER_PATH", "OGR_DRIVER_PATH", "PROJ_DATA", "PROJ_LIB")
"""Variables of the environment that name folders to read."""


class Confinement(Message):
    """How the jobs of a worker are confined; `level` is what the warm parent found to work."""

    sandbox: Sandbox
    network: bool = False
    readable: list[str] = Field(default_factory=list)
    level: str = NONE


def is_complete(level: str) -> bool:
    """Whether a level has all that there is."""
    return level.startswith("landlock-") and level.endswith("+seccomp")


class Fence:
    """Of one job: made by its process ahead of it, closed when it comes, and never opened again."""

    def __init__(self, confinement: Confinement) -> None:
        """Called before the process has entered the folder of a job."""
        self._expected = confinement.level
        self._rules: landlock.Ruleset | None = None
        self._filter: bytes | None = None
        self._abi = 0
        if confinement.sandbox == "off":
            self._expected = OFF
            return
        sandbox.only_read_what_is_open()
        if seccomp.available():
            self._filter = seccomp.program(platform.machine(), confinement.network)
        self._abi = landlock.version()
        if self._abi:
            self._rules = _rules(self._abi, confinement)

    def close_around(self, root: Path) -> None:
        """Leave this process `root` to write in. Raises where less works than did in the parent."""
        reached = self.attempt(root)
        if reached != self._expected:
            raise RuntimeError(f"confined by {reached}, not by {self._expected}")

    def attempt(self, root: Path) -> str:
        """As much of it as works here; returns how much that is."""
        if self._expected == OFF:
            return OFF
        sandbox.give_up_privileges()
        works = [self._restrict_files(root), self._filter_calls()]
        return "+".join(filter(None, works)) or NONE

    def _restrict_files(self, root: Path) -> str | None:
        if self._rules is None:
            return None
        try:
            self._rules.allow([root], landlock.READ_WRITE)
            self._rules.restrict()
        except OSError:
            return None
        return f"landlock-{self._abi}"

    def _filter_calls(self) -> str | None:
        if self._filter is None:
            return None
        try:
            seccomp.restrict(self._filter)
        except OSError:
            return None
        return "seccomp"


def _rules(abi: int, confinement: Confinement) -> landlock.Ruleset:
    rules = landlock.Ruleset(abi, confinement.network)
    rules.allow(_readable(confinement), landlock.READ)
    rules.allow([Path(os.devnull)], landlock.READ | landlock.WRITE_FILE)
    return rules


def _readable(confinement: Confinement) -> list[Path]:
    system = [*READABLE, *(READABLE_WITH_NETWORK if confinement.network else ())]
    python = [sys.prefix, sys.base_prefix, *sys.path]
    named = [part for name in VARIABLES for part in os.environ.get(name, "").split(os.pathsep)]
    home = Path(os.environ["HOME"])
    given = [Path(path) for path in (*python, *named, *confinement.readable) if path]
    # Whoever may read a folder may read all in it: never those of other jobs.
    apart = [path for path in given if not home.parent.is_relative_to(path.absolute())]
    return list(dict.fromkeys([*map(Path, system), home, *apart]))


def tried(confinement: Confinement) -> Confinement:
    """`confinement` with the level that a process of this one can reach, found by one that tries."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, Fence(confinement).attempt(Path(os.environ["HOME"])).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as told:
        level = told.read() or NONE
    os.waitpid(pid, 0)
    return confinement.model_copy(update={"level": level})
