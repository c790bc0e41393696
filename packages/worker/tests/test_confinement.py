"""The fence around a job, tried from within, in real children."""

import os
import platform
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qanat_common.ogc import JobStatus
from qanat_worker import landlock, seccomp
from qanat_worker.confinement import NONE, OFF, Confinement, is_complete, tried

CONFINED = Confinement(sandbox="best-effort")
REFUSED = {"PermissionError", "CalledProcessError"}
MACHINE = platform.machine()

pytestmark = pytest.mark.skipif(
    landlock.version() < 6 or not seccomp.available(),
    reason="the kernel has no Landlock 6 (Linux 6.12), or no seccomp",
)


class Canary:
    """Listens on loopback, and should hear nothing."""

    def __init__(self, kind: socket.SocketKind) -> None:
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            self.socket.listen()
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]

    def heard(self) -> bool:
        try:
            if self.socket.type is socket.SOCK_STREAM:
                self.socket.accept()[0].close()
            else:
                self.socket.recv(10)
        except TimeoutError:
            return False
        return True


@pytest.fixture
def tcp() -> Iterator[Canary]:
    canary = Canary(socket.SOCK_STREAM)
    yield canary
    canary.socket.close()


@pytest.fixture
def udp() -> Iterator[Canary]:
    canary = Canary(socket.SOCK_DGRAM)
    yield canary
    canary.socket.close()


@pytest.fixture
def confined(make_bench: Callable[..., Any]) -> Any:
    return make_bench(confined=CONFINED)


def outcomes(bench: Any, *attempts: str) -> dict[str, str]:
    """Attempt → what came of it, in a job of its own."""
    inputs = {str(at): text for at, text in enumerate(attempts)}
    outputs = bench.run("attempt", uuid.uuid4().hex, **inputs).outcome.outputs
    return {text: outputs[name].value for name, text in inputs.items()}


def refused(bench: Any, *attempts: str) -> None:
    told = outcomes(bench, *attempts)
    assert {text: result for text, result in told.items() if result not in REFUSED} == {}


def works(bench: Any, *attempts: str) -> list[str]:
    found = list(outcomes(bench, *attempts).values())
    assert all(result.startswith("done: ") for result in found), found
    return [result.removeprefix("done: ") for result in found]


def test_the_level_that_jobs_are_confined_by_is_told(confined: Any) -> None:
    assert confined.children.sandbox == "landlock-6+seccomp"
    assert confined.ready[0].sandbox == "landlock-6+seccomp"


def test_files_of_the_machine_cannot_be_read_or_listed(confined: Any, tmp_path: Path) -> None:
    refused(
        confined,
        "open('/etc/shadow')",
        "open('/etc/passwd')",
        "os.listdir('/root')",
        "os.listdir('/')",
        "os.listdir('/tmp')",
        f"os.listdir({str(tmp_path)!r})",
        "open('/proc/1/environ')",
        "open('/proc/%d/environ' % os.getppid())",
        "os.readlink('/proc/%d/cwd' % os.getppid())",
        "open('/proc/%d/mem' % os.getppid(), 'rb')",
        "open('/proc/%d/cmdline' % os.getppid())",
        "run('cat', '/etc/shadow')",
        "run('find', '/root')",
    )


def test_neither_job_sees_the_folder_of_the_other(
    make_bench: Callable[..., Any], until: Callable[..., Any]
) -> None:
    bench = make_bench(confined=CONFINED)
    running = bench.begin("wait", x="marker")
    (root,) = until(lambda: [at.parents[1] for at in bench.folder.glob("*/work/marker")])
    marker = root / "work" / "marker"
    text = repr(str(marker))
    refused(bench, f"open({text})", f"os.unlink({text})")
    marker.unlink()
    running.join(5)
    assert bench.record("j1").status is JobStatus.SUCCESSFUL


def test_nothing_can_be_written_outside_the_folder_of_the_job(
    confined: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept")
    refused(
        confined,
        f"open({str(tmp_path / 'new')!r}, 'w')",
        f"os.truncate({str(kept)!r}, 0)",
        f"os.unlink({str(kept)!r})",
        f"os.rename({str(kept)!r}, folder + '/mine')",
        "os.mkdir('/usr/share/new')",
        "open('/dev/shm/new', 'w')",
        "open(os.environ['PYTHONPATH'] + '/new.py', 'w')",
        f"run('cp', '/usr/bin/env', {str(tmp_path)!r})",
    )
    link = f"os.link({str(kept)!r}, folder + '/mine')"
    assert outcomes(confined, link) == {link: "OSError"}
    assert kept.read_text() == "kept"
    assert kept.stat().st_nlink == 1


def test_a_link_in_the_folder_leads_nowhere_else(confined: Any) -> None:
    refused(confined, "os.symlink('/etc/shadow', 'link') or open('link')")


def test_no_connection_is_made_and_nothing_is_sent(confined: Any, tcp: Any, udp: Any) -> None:
    refused(
        confined,
        f"say({tcp.port})",
        f"whisper({udp.port})",
        f"run('/usr/bin/python3', '-c', 'import socket; socket.create_connection((\"127.0.0.1\","
        f" {tcp.port}))')",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_UNIX)",
    )
    assert not tcp.heard()
    assert not udp.heard()


def test_a_service_that_listens_on_a_file_cannot_be_reached(confined: Any, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(folder / "s"))
        service.listen()
        refused(confined, f"socket.socket(socket.AF_UNIX).connect({str(folder / 's')!r})")


def test_a_worker_with_network_lets_jobs_connect_but_not_to_services_on_files(
    make_bench: Callable[..., Any], tcp: Any, udp: Any
) -> None:
    bench = make_bench(confined=CONFINED.model_copy(update={"network": True}))
    assert works(bench, f"say({tcp.port})", f"whisper({udp.port})")
    assert tcp.heard()
    assert udp.heard()
    refused(bench, "socket.socket(socket.AF_UNIX)", "socket.socket(socket.AF_NETLINK)")


def test_no_signal_reaches_a_process_that_is_not_the_jobs(
    confined: Any, alive: Callable[[int], bool]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        refused(
            confined,
            "os.kill(os.getppid(), 9)",
            f"os.kill({os.getpid()}, 0)",
            f"os.kill({other.pid}, 9)",
            f"os.pidfd_open({other.pid}) and run('sh', '-c', 'kill -9 {other.pid}')",
            "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))",
        )
        assert alive(other.pid)
        other.communicate(b"\n")


@pytest.mark.skipif(MACHINE not in seccomp.ARCHITECTURES, reason="numbers of another machine")
def test_calls_that_no_job_needs_are_refused(confined: Any) -> None:
    column = seccomp.ARCHITECTURES[MACHINE][0]
    numbers = [numbers[column] for numbers in (seccomp.DENIED | seccomp.NETWORK).values()]
    refused(
        confined,
        *(f"call({number}, 0, 0, 0, 0, 0, 0)" for number in numbers),
        f"call({seccomp.CLONE[column]}, 0x10000011, 0, 0, 0, 0)",
        "run('unshare', '--user', 'true')",
        "run('unshare', '--map-root-user', '--net', 'true')",
    )


def test_what_the_warm_parent_has_open_is_only_read(confined: Any) -> None:
    write, read = "os.write(OPEN[0], b'x')", "os.read(OPEN[0], 1)"
    assert outcomes(confined, write, read) == {write: "OSError", read: "done: b''"}


def test_root_has_no_power_within_a_job(confined: Any) -> None:
    (status,) = works(confined, "open('/proc/self/status').read()")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(lines["CapEff"], 16) == int(lines["CapPrm"], 16) == 0
    assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")


def test_programs_and_libraries_of_the_system_work(confined: Any) -> None:
    found = works(
        confined,
        "open('note', 'w').write('noted')",
        "run('cat', 'note')",
        "run('/usr/bin/python3', '-c', 'import json, ssl, sqlite3; print(6 * 7)')",
        "run('sh', '-c', 'echo one | tr a-z A-Z > told; mv told kept; cat kept; rm kept')",
        "os.kill(run.__globals__['subprocess'].Popen(['sleep', '60']).pid, 15)",
        "socket.socketpair()[0].fileno() > 0",
        "threading.Thread(target=print).start()",
        "__import__('tempfile').mkdtemp().startswith(folder.removesuffix('work'))",
        "__import__('colorsys').__name__",
        "open('/dev/null', 'w').write('x')",
        "len(os.urandom(4))",
    )
    assert [found[at] for at in (1, 2, 3, 7, 8)] == ["noted", "42", "ONE", "True", "colorsys"]


def test_folders_that_the_settings_name_are_read_and_not_written(
    make_bench: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("models")
    (folder / "one").write_text("1")
    bench = make_bench(confined=CONFINED.model_copy(update={"readable": [str(folder)]}))
    one = str(folder / "one")
    assert works(bench, f"open({one!r}).read()") == ["1"]
    refused(bench, f"open({one!r}, 'w')", f"os.unlink({one!r})")


def test_a_folder_that_holds_the_jobs_is_not_opened_by_its_name_in_the_settings(
    make_bench: Callable[..., Any], tmp_path: Path
) -> None:
    readable = [str(tmp_path), "/"]
    bench = make_bench(confined=CONFINED.model_copy(update={"readable": readable}))
    refused(bench, f"os.listdir({str(tmp_path)!r})", "open('/etc/shadow')")


def test_the_next_job_runs(confined: Any) -> None:
    refused(confined, "os.kill(os.getppid(), 9)")
    assert confined.run("echo", "j2", x=1).status is JobStatus.SUCCESSFUL


def test_without_a_sandbox_nothing_is_tried() -> None:
    assert tried(Confinement(sandbox="off")).level == OFF


def test_a_kernel_that_has_neither_is_told_and_jobs_still_run(
    make_bench: Callable[..., Any],
) -> None:
    bench = make_bench(confined=CONFINED, old_kernel=True)
    assert bench.children.sandbox == NONE
    assert bench.values("echo", x=1) == {"x": 1}


@pytest.mark.parametrize(
    ("level", "complete"),
    [("landlock-1+seccomp", True), ("landlock-6", False), ("seccomp", False), (NONE, False)],
)
def test_a_level_is_complete_with_both(level: str, complete: bool) -> None:
    assert is_complete(level) is complete
