"""Processes of this machine and their groups: signalled, listed, reaped; each may end at any moment."""

import os
import signal


def kill_group(pid: int) -> None:
    """End a process group at once."""
    signal_group(pid, signal.SIGKILL)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # The child has not become the leader of a group yet, or nothing of it is left.
        signal_process(pid, number)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def group_of(pid: int) -> int | None:
    """The group of a process; None when it has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def members(leader: int) -> list[int]:
    """The processes of a group."""
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    return [pid for pid in pids if group_of(pid) == leader]


def children_of(pid: int) -> list[int]:
    """The processes that have this one as their parent."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123 - as fast as can be, after each job
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def reap(pid: int) -> None:
    """Bury a child of this process, if it has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
