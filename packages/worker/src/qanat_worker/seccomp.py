"""A filter of system calls: what no job has a use for, the kernel refuses from now on.

https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import platform
import socket
import struct

DENIED: dict[str, tuple[int, int]] = {
    # Into other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # Other views of the file system.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "setns": (308, 268),
    "unshare": (272, 97),
    # Parts of the kernel that are broken into most.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # The machine itself.
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
"""Name → number on x86_64, and on aarch64."""

NETWORK: dict[str, tuple[int, int]] = {
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
}
"""Refused besides where there is no network. A pair of sockets needs none of them."""

SOCKET, CLONE, CLONE3, PRLIMIT = (41, 198), (56, 220), (435, 435), (302, 261)

ONLINE = (int(socket.AF_INET), int(socket.AF_INET6))
"""The families that a job with network may use: sockets in the file system lead to services."""

NAMESPACES = 0x7E020000
"""The flags of clone that make namespaces: mount, cgroup, uts, ipc, user, pid, net."""

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine → which of the numbers are its own, and its name in the filter."""

_LOAD, _EQUAL, _AT_LEAST, _ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_X32 = 0x40000000
_NEVER = _ERRNO | errno.EPERM
_UNKNOWN = _ERRNO | errno.ENOSYS

_GET_ACTION, _SET_FILTER = 2, 1
_SECCOMP = (317, 277)

_libc = ctypes.CDLL(None, use_errno=True)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)


def _answer(code: int, value: int, answer: int) -> list[bytes]:
    """Unless the value loaded last compares, go on; else answer."""
    return [_step(code, value, 0, 1), _step(_RETURN, answer)]


def program(machine: str, network: bool) -> bytes:
    """The filter in the kernel's own code."""
    column, architecture = ARCHITECTURES[machine]
    denied = DENIED if network else DENIED | NETWORK | {"socket": SOCKET}
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUAL, architecture, 1, 0),
        _step(_RETURN, _NEVER),
        _step(_LOAD, _NUMBER_AT),
        *_answer(_AT_LEAST, _X32, _UNKNOWN),
        # Its flags lie in memory, where no filter sees them; libraries then use clone.
        *_answer(_EQUAL, CLONE3[column], _UNKNOWN),
    ]
    for numbers in denied.values():
        steps += _answer(_EQUAL, numbers[column], _NEVER)
    steps += _on_argument(CLONE[column], _answer(_ANY, NAMESPACES, _NEVER))
    # Limits of other processes; those of its own may go down only.
    steps += _on_argument(PRLIMIT[column], [_step(_EQUAL, 0, 1, 0), _step(_RETURN, _NEVER)])
    if network:
        families = [_step(_EQUAL, ONLINE[0], 2, 0), _step(_EQUAL, ONLINE[1], 1, 0)]
        steps += _on_argument(SOCKET[column], [*families, _step(_RETURN, _NEVER)])
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _on_argument(number: int, steps: list[bytes]) -> list[bytes]:
    """`steps` look at the first argument of a system call; what they let pass is allowed."""
    look = [_step(_LOAD, _FIRST_ARGUMENT_AT), *steps, _step(_RETURN, _ALLOW)]
    return [_step(_EQUAL, number, 0, len(look)), *look]


def available() -> bool:
    """Whether this kernel filters, and the filter is written for this machine."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return False
    action = ctypes.c_uint32(_ERRNO)
    number = _SECCOMP[ARCHITECTURES[machine][0]]
    return int(_libc.syscall(number, _GET_ACTION, 0, ctypes.byref(action))) == 0


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def restrict(steps: bytes) -> None:
    """Filter the calls of this thread and what it starts. Raises OSError."""
    filtered = _Program(len(steps) // 8, steps)
    number = _SECCOMP[ARCHITECTURES[platform.machine()][0]]
    if _libc.syscall(number, _SET_FILTER, 0, ctypes.byref(filtered)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
