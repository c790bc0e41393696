"""Landlock, the kernel's fence around files, TCP and signals of a process; the system calls, bare.

https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
"""The numbers of the system calls, equal on all architectures."""

NEWEST = 6
"""The newest version whose rights are used here; a later one of the kernel is taken as this."""

_VERSION = 1
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15

RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16}
"""Version → how many rights on files it knows."""

READ = EXECUTE | READ_FILE | READ_DIR
READ_WRITE = (1 << 16) - 1 & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV)
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV
"""Of a rule for a file that is no folder."""

_TCP_SINCE, _TCP = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11
"""Scopes: abstract unix sockets, and signals, to this process and what it starts."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: int | bytes | None) -> int:
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def version() -> int:
    """Of the kernel's Landlock, NEWEST at most; 0 where there is none, or it may not be used."""
    try:
        return min(_call(CREATE, None, 0, _VERSION), NEWEST)
    except OSError:
        return 0


class Ruleset:
    """What will be allowed: made ahead of `restrict`, after which there is no way back."""

    def __init__(self, abi: int, network: bool) -> None:
        """Raises OSError where `abi` is more than the kernel has."""
        self._known = (1 << RIGHTS[abi]) - 1
        tcp = 0 if network or abi < _TCP_SINCE else _TCP
        scopes = _SCOPES if abi >= _SCOPES_SINCE else 0
        # An old kernel knows a shorter structure, and accepts zeros behind it.
        attributes = struct.pack("QQQ", self._known, tcp, scopes)
        self._handle = _call(CREATE, attributes, len(attributes), 0)

    def allow(self, paths: Iterable[Path], rights: int) -> None:
        """Allow `rights` on files, and on folders with all that is in them; absent ones are passed."""
        for path in paths:
            try:
                handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                self._add(handle, rights)
            finally:
                os.close(handle)

    def _add(self, handle: int, rights: int) -> None:
        possible = self._known
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            possible &= ON_FILES
        _call(
            ADD_RULE, self._handle, _PATH_BENEATH, struct.pack("=Qi", rights & possible, handle), 0
        )

    def restrict(self) -> None:
        """Allow this thread, and what it starts from now on, nothing else any more."""
        _call(RESTRICT, self._handle, 0)
        self.close()

    def close(self) -> None:
        """Forget the ruleset."""
        os.close(self._handle)
