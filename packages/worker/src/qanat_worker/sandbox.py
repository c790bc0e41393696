"""What a child may still do: its environment, its limits by the kernel, its process group."""

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import stat
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qanat_worker.settings import LimitSettings

PASSED = ("PATH", "PYTHONPATH", "LANG", "TZ")
"""Variables of the worker that its jobs may see, besides LC_*."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_SECUREBITS = 28
_PR_SET_NO_NEW_PRIVS = 38
_ROOT_IS_NOBODY = 0b11
"""SECBIT_NOROOT, locked: programs that root starts have no capabilities for it."""

_CAPABILITIES = 0x20080522
"""The version of capset's structures."""

_CPU_GRACE = 10
_CPU_LEAVE = 5
"""Between SIGXCPU, which tells why, and SIGKILL: at one and the same second it would be SIGKILL."""


def scrubbed(environ: Mapping[str, str], extra: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment in which the warm parent starts, and which its children inherit.

    Made from a list of what may pass: broker, store and storage, and every secret, stay outside.
    """
    passed = {
        name: value for name, value in environ.items() if name in PASSED or name.startswith("LC_")
    }
    if "PYTHONPATH" in passed:
        folders = passed["PYTHONPATH"].split(os.pathsep)
        passed["PYTHONPATH"] = os.pathsep.join(str(Path(folder).absolute()) for folder in folders)
    defaults = {"LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    return defaults | passed | _homely(home) | dict(extra)


def _homely(home: Path) -> dict[str, str]:
    """Variables by which programs find a place to write."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "CPL_TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local"),
        "XDG_RUNTIME_DIR": str(home),
        "QGIS_CUSTOM_CONFIG_PATH": str(home),
    }


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Have this process get a signal when the thread that made it ends; too late: end now."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def detach(parent: int) -> None:
    """Make a forked child the leader of its own process group, with signal handlers of its own."""
    os.setsid()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_DFL)
    # As Python has it: whoever writes to a closed pipe gets an error, not the end.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    die_with_parent(signal.SIGKILL, parent)


def make_folders(root: Path) -> Path:
    """The folders of a job under `root`, for its owner only; returns where its files lie."""
    for folder in (root, root / "work", root / "home"):
        folder.mkdir(mode=0o700)
    return root / "work"


def enter(root: Path) -> None:
    """Live in the folders of a job: whatever this process writes goes there."""
    os.environ.update(_homely(root / "home"))
    tempfile.tempdir = None
    os.chdir(root / "work")
    console = os.open(root / "console", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(console, 1)
    os.dup2(console, 2)
    os.close(console)
    os.close(nothing)


def only_read_what_is_open() -> None:
    """Reopen for reading the files that the parent had open for writing: other jobs have them too."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with contextlib.suppress(OSError):
            _only_read(int(name))


def _only_read(handle: int) -> None:
    writes = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    if writes and stat.S_ISREG(os.fstat(handle).st_mode):
        reader = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(reader, handle, inheritable=False)
        os.close(reader)


def give_up_privileges() -> None:
    """Have no capabilities, not even as root, and none by any program that is started."""
    _prctl(_PR_SET_SECUREBITS, _ROOT_IS_NOBODY)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    ctypes.CDLL(None).capset(struct.pack("Ii", _CAPABILITIES, 0), bytes(24))


def restrain(limits: LimitSettings) -> None:
    """Set the limits that the kernel keeps; what it cannot count, `limits` watches from outside."""
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    cores = os.cpu_count() or 1
    processor = limits.cpu_seconds or int(limits.wall_seconds * cores) + _CPU_GRACE
    wanted = {
        resource.RLIMIT_AS: size + limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.output_bytes,
        resource.RLIMIT_CPU: processor + int(sum(os.times()[:2])),
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        last = bound + _CPU_LEAVE if which == resource.RLIMIT_CPU else bound
        resource.setrlimit(which, (bound, last if hard == resource.RLIM_INFINITY else bound))
