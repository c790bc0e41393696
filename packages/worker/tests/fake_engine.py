"""An engine without QGIS, loaded in a real warm parent: its processes do what jobs do badly."""

import ctypes
import errno
import itertools
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qanat_common.errors import AlgorithmFailed, Fault, InputRejected
from qanat_common.ogc import Process
from qanat_common.protocol import Inline, LocalFile, LogLevel, Offer, ProviderInfo, Value
from qanat_worker import landlock, seccomp
from qanat_worker.port import Feedback, Produced, ProducedFile, ProducedPicture, Task

Outputs = dict[str, Produced]
PROCESSES: dict[str, Callable[[Task, Feedback], Outputs]] = {}


def process(run: Callable[[Task, Feedback], Outputs]) -> Callable[[Task, Feedback], Outputs]:
    PROCESSES[run.__name__] = run
    return run


def given(task: Task, name: str = "x", default: Any = None) -> Any:
    value = task.inputs.get(name)
    return value.value if isinstance(value, Inline) else default


@process
def echo(task: Task, feedback: Feedback) -> Outputs:
    return {name: Value(value=given(task, name)) for name in task.inputs}


@process
def read(task: Task, feedback: Feedback) -> Outputs:
    """The text, name and media type of each file, by the input it came as."""
    found: Outputs = {}
    for name, value in task.inputs.items():
        files = value if isinstance(value, list) else [value]
        found[name] = Value(
            value=[
                [Path(one.path).read_text(), Path(one.path).name, one.media_type]
                for one in files
                if isinstance(one, LocalFile)
            ]
        )
    return found


@process
def where(task: Task, feedback: Feedback) -> Outputs:
    """All that a job sees of its surroundings."""
    console = subprocess.run(["/bin/cat", "/proc/self/environ"], capture_output=True, check=True)
    return {
        "environ": Value(value=dict(os.environ)),
        "inherited": Value(value=Path("/proc/self/environ").read_text()),
        "of_tools": Value(value=console.stdout.decode()),
        "cwd": Value(value=str(Path.cwd())),
        "folder": Value(value=task.folder),
        "group": Value(value=[os.getpid(), os.getpgid(0)]),
        "parent": Value(value=os.getppid()),
        "ignored": Value(value=signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN),
        "sockets": Value(value=sum("socket:" in link for link in _descriptors())),
    }


def _descriptors() -> list[str]:
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return links


@process
def wait(task: Task, feedback: Feedback) -> Outputs:
    """Says that it has begun, then waits for a file that a test makes, or for ever."""
    marker = Path(given(task))
    marker.write_text(str(os.getpid()))
    feedback.progress(10)
    feedback.log(LogLevel.INFO, "waiting")
    while marker.exists():
        time.sleep(0.01)
    return {"done": Value(value=True)}


@process
def calculate(task: Task, feedback: Feedback) -> Outputs:
    """One call of C that never comes back, and lets no other code of Python run meanwhile."""
    Path(given(task)).write_text(str(os.getpid()))
    return {"sum": Value(value=sum(itertools.repeat(0)))}


@process
def scribble(task: Task, feedback: Feedback) -> Outputs:
    """Writes one file, over and over."""
    Path(given(task)).write_text(str(os.getpid()))
    while True:
        (Path(task.folder) / "file").write_bytes(b"x" * (1 << 20))


@process
def family(task: Task, feedback: Feedback) -> Outputs:
    """Starts a grandchild in its group and one in a session of its own, and waits for ever."""
    program = [sys.executable, "-c", "import time; time.sleep(600)"]
    pids = [
        subprocess.Popen(program).pid,
        subprocess.Popen(program, start_new_session=True).pid,
    ]
    Path(given(task)).write_text(" ".join(map(str, [os.getpid(), *pids])))
    if given(task, "leave", False):
        return {}
    time.sleep(600)
    return {}


@process
def talk(task: Task, feedback: Feedback) -> Outputs:
    for number in range(given(task)):
        feedback.log(LogLevel.WARNING, f"line {number}")
        feedback.progress(number)
    return {}


@process
def file(task: Task, feedback: Feedback) -> Outputs:
    path = Path(task.folder) / "made.txt"
    path.write_text("x" * given(task, default=3))
    return {"out:1": ProducedFile(path=str(path), name="made.txt", media_type="text/plain")}


@process
def outside(task: Task, feedback: Feedback) -> Outputs:
    """Claims a file that is not its own, by a link in its folder."""
    link = Path(task.folder) / "link"
    link.symlink_to(given(task))
    return {"out": ProducedFile(path=str(link), name="link", media_type="text/plain")}


@process
def large(task: Task, feedback: Feedback) -> Outputs:
    return {"text": Value(value="ä" * given(task))}


@process
def write(task: Task, feedback: Feedback) -> Outputs:
    """Writes files of a megabyte, for ever."""
    number = 0
    while True:
        number += 1
        (Path(task.folder) / f"{number}").write_bytes(b"x" * (1 << 20))
        time.sleep(0.01)


@process
def write_one(task: Task, feedback: Feedback) -> Outputs:
    with (Path(task.folder) / "one").open("wb") as opened:
        while True:
            opened.write(b"x" * (1 << 20))


@process
def litter(task: Task, feedback: Feedback) -> Outputs:
    """Makes empty files, for ever."""
    number = 0
    while True:
        number += 1
        (Path(task.folder) / f"{number}").touch()


@process
def multiply(task: Task, feedback: Feedback) -> Outputs:
    """Starts programs that do nothing, for ever."""
    while True:
        subprocess.Popen(["/bin/sleep", "600"])
        time.sleep(0.02)


@process
def burn(task: Task, feedback: Feedback) -> Outputs:
    """Has two programs use the processor, or does it itself."""
    if given(task, default=False):
        for tool in [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in "ab"]:
            tool.wait()
    while True:
        pass


@process
def open_many(task: Task, feedback: Feedback) -> Outputs:
    """How many files can be opened."""
    opened = []
    try:
        while len(opened) < 10_000:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for number in opened:
            os.close(number)
    return {"opened": Value(value=len(opened))}


@process
def open_too_many(task: Task, feedback: Feedback) -> Outputs:
    """Opens files until one more is too many."""
    opened = []
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))


@process
def full_disk(task: Task, feedback: Feedback) -> Outputs:
    raise OSError(errno.ENOSPC, "No space left on device", "/secret")


@process
def eat(task: Task, feedback: Feedback) -> Outputs:
    """Takes memory until there is no more."""
    return {"size": Value(value=len(b"x" * (1 << 40)))}


@process
def eat_in_tools(task: Task, feedback: Feedback) -> Outputs:
    """Has two programs take memory, each within the limit of one process."""
    program = [sys.executable, "-c", f"import time; x = b'x' * {given(task)}; time.sleep(600)"]
    for tool in [subprocess.Popen(program) for _ in range(2)]:
        tool.wait()
    return {}


@process
def bad_alloc(task: Task, feedback: Feedback) -> Outputs:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


@process
def crash(task: Task, feedback: Feedback) -> Outputs:
    os.kill(os.getpid(), given(task, default=signal.SIGSEGV))
    return {}


@process
def leave(task: Task, feedback: Feedback) -> Outputs:
    os._exit(3)


@process
def fail(task: Task, feedback: Feedback) -> Outputs:
    raise AlgorithmFailed(f"DISTANCE: {given(task)!r} is too small")


@process
def refuse(task: Task, feedback: Feedback) -> Outputs:
    raise InputRejected("x is no number", Fault("/inputs/x", "is no number"))


@process
def bug(task: Task, feedback: Feedback) -> Outputs:
    raise KeyError("a path: /secret")


@process
def kill_parent(task: Task, feedback: Feedback) -> Outputs:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
    return {}


@process
def stray(task: Task, feedback: Feedback) -> Outputs:
    sys.stdout.write("a line that no log must show\n")
    os.write(1, b"another\n")
    return {"leaked": Value(value=os.environ.get("LEAK", "nothing"))}


@process
def attempt(task: Task, feedback: Feedback) -> Outputs:
    """What comes of each attempt: expressions, evaluated one after the other; errors by name."""
    surroundings = {
        "os": os, "socket": socket, "subprocess": subprocess, "resource": resource, "ctypes": ctypes,
        "folder": task.folder, "call": _libc_call, "say": _say_by_tcp, "whisper": _say_by_udp,
        "run": _run, "threading": threading, "OPEN": OPEN,
    }  # fmt: skip
    return {name: Value(value=_result(text, surroundings)) for name, text in _texts(task)}


def _texts(task: Task) -> list[tuple[str, str]]:
    return [(name, given(task, name)) for name in task.inputs]


def _result(text: str, surroundings: dict[str, Any]) -> str:
    try:
        return f"done: {eval(text, surroundings)}"  # noqa: S307 - by the test itself
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return type(error).__name__


def _libc_call(number: int, *arguments: Any) -> int:
    """A system call by its number."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _say_by_tcp(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 2).close()


def _say_by_udp(port: int) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


OPEN: list[int] = []
"""A file that the engine of the warm parent has open for writing."""


PAINTED: list[str] = []
"""What is done for a picture, in the child whose job said so."""


@process
def paint(task: Task, feedback: Feedback) -> Outputs:
    PAINTED.append(given(task))
    path = Path(task.folder) / "made.tif"
    path.write_bytes(b"II*")
    return {"out": ProducedFile(path=str(path), name="made.tif", media_type="image/tiff")}


def _picture(path: Path, longest: int) -> dict[str, ProducedPicture]:
    return {"out": ProducedPicture(path=str(path), width=longest, height=longest // 2)}


def _made(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    (folder / "made.png").write_bytes(b"PNG")
    return _picture(folder / "made.png", longest)


def _raised(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    raise RuntimeError("a path: /secret")


def _crashed(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def _slept(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    time.sleep(600)
    return {}


def _eaten(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    (folder / "eaten.png").write_bytes(b"x" * (1 << 40))
    return {}


def _garbled(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    found = _made(folder, longest)["out"].model_copy(update={"width": "wide"})
    return {"out": found}


def _huge(folder: Path, longest: int) -> dict[str, ProducedPicture]:
    with (folder / "made.png").open("wb") as opened:
        opened.truncate(1 << 30)
    return _picture(folder / "made.png", longest)


DEEDS: dict[str, Callable[[Path, int], dict[str, ProducedPicture]]] = {
    "make": _made,
    "raise": _raised,
    "crash": _crashed,
    "leave": lambda folder, longest: os._exit(3),
    "elsewhere": lambda folder, longest: _picture(Path("/etc/hostname"), longest),
    "nothing": lambda folder, longest: _picture(folder / "none.png", longest),
    "garble": _garbled,
    "huge": _huge,
    "sleep": _slept,
    "eat": _eaten,
}


class FakeEngine:
    """Satisfies the port."""

    def __init__(self, options: dict[str, Any]) -> None:
        if message := options.get("refuse"):
            raise RuntimeError(message)
        if options.get("old_kernel"):
            landlock.version, seccomp.available = lambda: 0, lambda: False
        if options.get("mute"):
            os._exit(5)
        version = options.get("version") or os.environ.get("FAKE_VERSION")
        self._version = Path(version).read_text() if version else "1"
        self._warm = False
        self._failing = options.get("failing_fork", 0)

    def offer(self) -> Offer:
        return Offer(
            processes=[
                Process(id=name, version=self._version, title=name) for name in sorted(PROCESSES)
            ]
        )

    def versions(self) -> dict[str, str]:
        return {"fake": self._version}

    def providers(self) -> list[ProviderInfo]:
        count = len(PROCESSES)
        return [ProviderInfo(id="fake", name="Fake", version="1", algorithms=count)]

    def warm_up(self) -> None:
        self._warm = True
        if self._failing:
            os.fork = failing(os.fork, self._failing)
        OPEN.append(os.open(Path.cwd() / "open", os.O_RDWR | os.O_CREAT, 0o600))

    def rehearse(self) -> None:
        os.environ["REHEARSED_IN"] = str(os.getpid())
        if os.environ.get("FAKE_STAGE_FRIGHT"):
            raise RuntimeError("stage fright")
        if os.environ.get("FAKE_REHEARSAL_TOLD"):
            os.write(1, b"rehearsed\n")

    def pictures(
        self, outputs: Mapping[str, Produced], folder: str, longest: int
    ) -> dict[str, ProducedPicture]:
        """What the job of this child was to do."""
        return DEEDS[PAINTED[0]](Path(folder), longest)

    def run(self, task: Task, feedback: Feedback) -> Outputs:
        assert self._warm
        return PROCESSES[task.process_id](task, feedback)


def failing(fork: Callable[[], int], at: int) -> Callable[[], int]:
    """A fork whose n-th call fails."""
    calls = itertools.count(1)

    def perhaps() -> int:
        if next(calls) == at:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return fork()

    return perhaps


def refusing(options: dict[str, Any]) -> FakeEngine:
    raise RuntimeError("there is no QGIS here")


def on_old_kernel(options: dict[str, Any]) -> FakeEngine:
    return FakeEngine(options | {"old_kernel": True})


def slow(options: dict[str, Any]) -> FakeEngine:
    time.sleep(600)
    return FakeEngine(options)
