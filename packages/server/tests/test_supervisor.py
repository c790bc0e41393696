"""Parts are started in order, started again, and stopped; nothing is left behind. All real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).parent / "house.py"

WORKS = """
import os, pathlib, signal, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def note(what):
    with open(folder / "log", "a") as log:
        log.write(f"{what} {name}\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("started")
(folder / f"{name}.pid").write_text(str(os.getpid()))
(folder / f"{name}.ready").touch()
while True:
    signal.pause()
"""
"""A part that works until it is told to stop, and notes both."""

FAILS = "import sys; sys.exit(3)"

WORKS_ONCE = (
    """
import pathlib, sys
if pathlib.Path(sys.argv[1], sys.argv[2] + ".pid").exists():
    sys.exit(3)
"""
    + WORKS
)

STUBBORN = """
import os, pathlib, signal, subprocess, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
(folder / "child.pid").write_text(str(child.pid))
(folder / f"{name}.pid").write_text(str(os.getpid()))
(folder / f"{name}.ready").touch()
while True:
    signal.pause()
"""
"""A part that does not stop, and has a process of its own."""


class House:
    """The program `house.py` with parts."""

    def __init__(self, folder: Path, *stages: list[dict[str, Any]]) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(HOUSE), str(folder), json.dumps(stages)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def hear_until(self, line: str) -> list[str]:
        heard = [self.hear()]
        while heard[-1] != line:
            assert heard[-1], f"it ended without saying {line!r}: {heard}"
            heard.append(self.hear())
        return heard

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str]]:
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said.splitlines()

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def make(*stages: list[dict[str, Any]]) -> House:
        made.append(House(tmp_path, *stages))
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait(10)
        if one.process.stdout:
            one.process.stdout.close()


def a_part(name: str, code: str = WORKS, **more: float) -> dict[str, Any]:
    return {"name": name, "code": code, **more}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_parts_start_in_order_and_stop_in_reverse_order(
    house: Callable[..., House], number: int
) -> None:
    running = house([a_part("a")], [a_part("b")], [a_part("c")])
    assert running.hear_until("serving") == ["ready a", "ready b", "ready c", "serving"]

    running.signal(number)

    assert running.end() == (0, ["stopping"])
    assert running.log() == [
        *("started a", "started b", "started c"),
        *("stopped c", "stopped b", "stopped a"),
    ]


def test_parts_of_a_stage_start_together(house: Callable[..., House]) -> None:
    waits = "import pathlib, sys\nwhile not pathlib.Path(sys.argv[1], 'b.ready').exists(): pass\n"

    running = house([a_part("a", waits + WORKS), a_part("b")])

    assert running.hear_until("serving") == ["ready a", "ready b", "serving"]


def test_a_part_that_is_killed_is_started_again(house: Callable[..., House]) -> None:
    running = house([a_part("a")], [a_part("b")])
    running.hear_until("serving")
    first = running.pid("b")
    (running.folder / "b.ready").unlink()

    os.kill(first, signal.SIGKILL)

    assert running.hear() == "died b SIGKILL 0.5"
    assert running.hear() == "ready b"
    assert running.pid("b") != first
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 0


def test_a_part_that_dies_again_and_again_is_left_alone_for_longer_each_time(
    house: Callable[..., House],
) -> None:
    running = house([a_part("a", WORKS_ONCE)])
    running.hear_until("serving")
    (running.folder / "a.ready").unlink()

    os.kill(running.pid("a"), signal.SIGKILL)

    said = [running.hear() for _ in range(3)]
    assert said == ["died a SIGKILL 0.5", "died a status 3 1", "died a status 3 2"]
    running.signal(signal.SIGTERM)
    assert running.end()[0] == 0


def test_a_part_that_cannot_start_ends_all(house: Callable[..., House]) -> None:
    status, said = house([a_part("a")], [a_part("b", FAILS), a_part("c")]).end()

    assert status == 1
    assert said[-1].startswith("cannot start: the b ended with status 3 before it was ready")


def test_a_part_that_is_never_ready_ends_all(house: Callable[..., House]) -> None:
    status, said = house([a_part("a", "import time; time.sleep(60)", start_seconds=0.3)]).end()

    assert (status, said) == (1, ["cannot start: the a was not ready after 0 s"])


def test_a_signal_while_parts_start_stops_what_has_started(house: Callable[..., House]) -> None:
    running = house([a_part("a")], [a_part("b", "import time; time.sleep(60)")])
    assert running.hear() == "ready a"

    running.signal(signal.SIGTERM)

    assert running.end() == (0, ["stopping"])
    assert running.log() == ["started a", "stopped a"]


def test_a_part_that_does_not_stop_is_killed_with_all_it_began(
    house: Callable[..., House], until: Callable[..., Any]
) -> None:
    running = house([a_part("a")], [a_part("b", STUBBORN, stop_seconds=0.3)])
    running.hear_until("serving")
    pids = [running.pid("a"), running.pid("b"), running.pid("child")]

    running.signal(signal.SIGTERM)

    assert running.end() == (0, ["stopping", "killed b"])
    until(lambda: not any(runs(pid) for pid in pids))
    assert running.log()[-1] == "stopped a"


def test_a_second_signal_ends_everything_at_once(
    house: Callable[..., House], until: Callable[..., Any]
) -> None:
    running = house([a_part("a", STUBBORN)])
    running.hear_until("serving")

    running.signal(signal.SIGINT)
    assert running.hear() == "stopping"
    running.signal(signal.SIGINT)

    assert running.end() == (0, [])
    until(lambda: not runs(running.pid("a")))


def test_what_a_part_left_behind_is_killed_when_it_dies(
    house: Callable[..., House], until: Callable[..., Any]
) -> None:
    running = house([a_part("a", STUBBORN)])
    running.hear_until("serving")
    child = running.pid("child")

    os.kill(running.pid("a"), signal.SIGKILL)

    until(lambda: not runs(child))


def test_nothing_outlives_a_supervisor_that_is_killed(
    house: Callable[..., House], until: Callable[..., Any]
) -> None:
    running = house([a_part("a")], [a_part("b")])
    running.hear_until("serving")

    running.signal(signal.SIGKILL)

    until(lambda: not runs(running.pid("a")) and not runs(running.pid("b")), 5)


def test_systemd_is_told_by_us_and_by_no_part(
    house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0{tmp_path}")
        ear.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{tmp_path}")
        running = house([a_part("a")])

        assert ear.recv(100) == b"READY=1"
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{running.pid('a')}/environ").read_bytes()
        running.signal(signal.SIGTERM)
        assert ear.recv(100) == b"STOPPING=1"
        assert running.end()[0] == 0
