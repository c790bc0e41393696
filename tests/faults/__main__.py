"""Breaks a running system for some minutes, and looks whether it kept its promises.

    python -m tests.faults [--minutes N] [--seed S] [--on all-in-one|apart|apart-valkey] [--keep]

Two systems share the minutes: the all-in-one, and by the seed one of those apart. Status 1: a promise was broken; its words, the seed and where the logs
lie are printed.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.faults.clients import Client
from tests.faults.history import History, violations
from tests.faults.nemesis import Nemesis
from tests.faults.systems import SYSTEMS, System

CLIENTS = 6
APART = ("apart-valkey", "apart")
SETTLE_SECONDS = 180.0
"""How long jobs may take to end after all was healed, on a machine that does much else."""


def tell(text: str) -> None:
    """A line for who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def attacked(system: System, seconds: float, seed: int) -> tuple[History, list[str]]:
    """What clients saw while a system was harmed, and until all their jobs had ended."""
    history, ending = History(), threading.Event()
    clients = [Client(system.url, number, seed, history, ending) for number in range(CLIENTS)]
    failed: list[str] = []

    def run(client: Client) -> None:
        try:
            client.run()
        except Exception as error:  # noqa: BLE001  # told at the end, as a failure of the run
            failed.append(f"client {client.number}: {error!r}")

    threads = [threading.Thread(target=run, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    nemesis = Nemesis(system, seed, tell)
    try:
        nemesis.run(seconds)
    finally:
        ending.set()
    for thread in threads:
        thread.join(60)
    tell("healed: every job must end now")
    settling = [
        threading.Thread(target=client.settle, args=(SETTLE_SECONDS,), daemon=True)
        for client in clients
    ]
    for thread in settling:
        thread.start()
    for thread in settling:
        thread.join(SETTLE_SECONDS + 60)
    tell(f"{len(nemesis.done)} attacks, {dict(history.counts())}")
    return history, failed


def one(name: str, seconds: float, seed: int, *, keep: bool) -> list[str]:
    """Attack a system; the promises that it broke."""
    folder = Path(tempfile.mkdtemp(prefix="qf"))
    tell(f"{name}: seed {seed}, {seconds:.0f} s, logs in {folder}")
    with SYSTEMS[name](folder) as system:
        history, found = attacked(system, seconds, seed)
    found += [*violations(history), *system.ended]
    if not history.jobs():
        found.append("no job was accepted at all")
    if not found and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return [f"{name}: {words} (seed {seed}, logs in {folder})" for words in found]


def main() -> int:
    """Run, report, and say by the status whether all is well."""
    parser = argparse.ArgumentParser(prog="./dev faults")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # noqa: S311
    parser.add_argument("--on", choices=list(SYSTEMS), action="append")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good run too")
    given = parser.parse_args()
    systems = given.on or ["all-in-one", APART[given.seed % 2]]
    seconds = given.minutes * 60 / len(systems)
    broken = [
        words for name in systems for words in one(name, seconds, given.seed, keep=given.keep)
    ]
    for words, times in Counter(broken).most_common(50):
        sys.stdout.write(f"{times} times: {words}\n")
    sys.stdout.write(f"seed {given.seed}: {len(broken)} promises broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
