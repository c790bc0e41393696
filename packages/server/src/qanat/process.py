"""A part of the all-in-one as a process: started so that it cannot outlive us, stopped with all it began."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from qanat_common.systemd import SOCKET

PR_SET_PDEATHSIG = 1


def inherited() -> dict[str, str]:
    """Our environment, without what is between us and systemd."""
    return {name: value for name, value in os.environ.items() if name != SOCKET}


@dataclass(frozen=True)
class Part:
    """How a part is run. `ready` says whether it does its work; it may block for a second.

    `death_signal` is what it gets when we die, `stop_seconds` how long it may take to stop.
    `output` is a file for what it prints, else that goes where ours goes. `keeps` are open files
    that it inherits.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    start_seconds: float
    stop_seconds: float
    death_signal: signal.Signals = signal.SIGKILL
    environment: Mapping[str, str] = field(default_factory=inherited)
    output: Path | None = None
    keeps: Sequence[int] = ()


class Process:
    """A running part, in a session of its own: a Ctrl-C of the terminal does not reach it."""

    def __init__(self, part: Part) -> None:
        """Starts it. In the main thread only: the death signal is of the thread that forked."""
        us, prctl = os.getpid(), ctypes.CDLL(None, use_errno=True).prctl

        def prepare() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            prctl(PR_SET_PDEATHSIG, int(part.death_signal), 0, 0, 0)
            if os.getppid() != us:
                os._exit(1)

        output = part.output.open("wb") if part.output else None
        try:
            self._popen = subprocess.Popen(  # noqa: S603  # our own parts
                part.command,
                env=part.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=prepare,  # we have one thread
                pass_fds=part.keeps,
            )
        finally:
            if output:
                output.close()

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group too."""
        return self._popen.pid

    def ended(self) -> int | None:
        """Its status when it has ended (negative: by that signal); what it left behind is killed."""
        if self._popen.returncode is None:
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self.pid, options) is None:
                return None
            self.kill()  # not yet reaped: the group is surely still its own
            self._popen.wait()
        return self._popen.returncode

    def terminate(self) -> None:
        """Ask it to stop."""
        self._popen.terminate()

    def kill(self) -> None:
        """End it and its group now."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def words(status: int) -> str:
    """How a process ended, for people."""
    if status >= 0:
        return f"status {status}"
    return signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
