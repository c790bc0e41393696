"""The nemesis: harms a system by a plan that its seed makes, and heals all in the end."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.systems import Apart, System

Chance = random.Random
Rest = Callable[[float], bool]
"""Wait so many seconds; true when the time is over."""


@dataclass(frozen=True)
class Attack:
    """One way to harm a system; it is healed when `act` returns, or heals by itself."""

    name: str
    act: Callable[[System, Chance, Rest], None]


def kill(part: str) -> Attack:
    """End a process as the kernel does when memory is short."""

    def act(system: System, _chance: Chance, _rest: Rest) -> None:
        _signal(system, part, signal.SIGKILL)

    return Attack(f"kill {part}", act)


def terminate(part: str) -> Attack:
    """Ask a process to stop, at whatever it does."""

    def act(system: System, _chance: Chance, _rest: Rest) -> None:
        _signal(system, part, signal.SIGTERM)

    return Attack(f"stop {part}", act)


def freeze(part: str) -> Attack:
    """Halt a process for a while, as a machine that swaps does."""

    def act(system: System, chance: Chance, rest: Rest) -> None:
        pid = _signal(system, part, signal.SIGSTOP)
        rest(chance.choice([0.5, 2.0, 8.0]))
        with suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGCONT)

    return Attack(f"freeze {part}", act)


def _signal(system: System, part: str, number: int) -> int | None:
    pid = system.pids().get(part)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return pid


def _fill_disk(system: System, chance: Chance, rest: Rest) -> None:
    system.disk.fill()
    rest(chance.uniform(1, 4))
    system.disk.free()


def _step_clock(system: System, chance: Chance, _rest: Rest) -> None:
    system.clock.step(chance.choice([-7_200, -60, -1, 1, 60, 7_200]))


def _crash(system: System, _chance: Chance, _rest: Rest) -> None:
    system.crash()


def _restart(system: System, _chance: Chance, _rest: Rest) -> None:
    system.restart()


def cut(link: str) -> Attack:
    """End the connections of a service to a server."""

    def act(system: System, _chance: Chance, _rest: Rest) -> None:
        system.proxies[link].cut()

    return Attack(f"cut {link}", act)


def part_from(link: str) -> Attack:
    """Keep a service from a server for a while: packets get lost, or connections are refused."""

    def act(system: System, chance: Chance, rest: Rest) -> None:
        proxy, seconds = system.proxies[link], chance.choice([1.0, 4.0, 9.0])
        if chance.random() < 0.5:
            proxy.freeze(frozen=True)
            rest(seconds)
            proxy.freeze(frozen=False)
            return
        proxy.refuse(refuses=True)
        proxy.cut()
        rest(seconds)
        proxy.refuse(refuses=False)

    return Attack(f"part {link}", act)


def bounce(server: str, *, hard: bool) -> Attack:
    """Restart a server, in order or not."""

    def act(system: System, _chance: Chance, _rest: Rest) -> None:
        assert isinstance(system, Apart)
        system.bounce(server, kill=hard)

    return Attack(f"{'kill' if hard else 'restart'} {server}", act)


def _lose_leaders(system: System, _chance: Chance, _rest: Rest) -> None:
    assert isinstance(system, Apart)
    system.lose_leaders()


def attacks(system: System) -> list[Attack]:
    """All that can be done to this system."""
    found = [Attack("crash all", _crash), Attack("restart all", _restart)]
    if system.disk.mounted:
        found.append(Attack("fill the disk", _fill_disk))
    if system.clock.steps:
        found.append(Attack("step the clock", _step_clock))
    return found + (_on_apart(system) if isinstance(system, Apart) else _on_all_in_one())


def _on_all_in_one() -> list[Attack]:
    parts = ("api", "registry", "worker", "valkey")
    return [
        *(way(part) for part in parts for way in (kill, freeze)),
        terminate("worker"),
        terminate("api"),
        *(kill(f"worker's {what}") for what in ("warm parent", "child")),
    ]


def _on_apart(system: System) -> list[Attack]:
    services = ("api", "registry", "worker 1", "worker 2")
    return [
        *(way(part) for part in services for way in (kill, freeze)),
        freeze("redis"),
        freeze("rabbitmq"),
        Attack("lose the leaders of all queues", _lose_leaders),
        terminate("worker 2"),
        *(kill(f"worker 1's {what}") for what in ("warm parent", "child")),
        *(bounce(server, hard=hard) for server in ("redis", "rabbitmq") for hard in (False, True)),
        *(way(link) for link in system.proxies for way in (cut, part_from)),
    ]


class Nemesis:
    """Attacks one by one, all of them before any comes again, in the order of its seed."""

    def __init__(self, system: System, seed: int, tell: Callable[[str], None]) -> None:
        """Nothing happens before `run`."""
        self._system = system
        self._chance = random.Random(seed)  # noqa: S311  # no secret is made of it
        self._tell = tell
        self._over = threading.Event()
        self.done: list[str] = []

    def run(self, seconds: float) -> None:
        """Harm the system for so long; it serves again when this returns."""
        end = time.monotonic() + seconds

        def rest(pause: float) -> bool:
            return self._over.wait(max(0.0, min(pause, end - time.monotonic())))

        plan: Sequence[Attack] = []
        while time.monotonic() < end:
            plan = plan or self._shuffled()
            attack, plan = plan[0], plan[1:]
            self._tell(attack.name)
            attack.act(self._system, self._chance, rest)
            self.done.append(attack.name)
            rest(self._chance.choice([0.2, 1.0, 3.0]))
        self._system.await_service()

    def _shuffled(self) -> list[Attack]:
        found = attacks(self._system)
        self._chance.shuffle(found)
        return found
