"""Sixteen clients at once on the all-in-one, half of them wait, half of them come back for their results.

    python -m tests.faults.load [--seconds N] [--seed S]

Status 1: an answer was an error, a job was lost or its result wrong, or the memory of a part that lives
on grew.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from tests.faults.__main__ import SETTLE_SECONDS, tell
from tests.faults.clients import Client
from tests.faults.history import History, Kind, violations
from tests.faults.systems import System, all_in_one

CLIENTS = 16
WARM_SHARE = 0.3
"""After this part of the time every cache is filled: from then on memory is to be flat."""

GROWTH_BYTES = 16 << 20
"""What a part may grow by all the same: allocators keep what they once had."""

ERRORS = frozenset({Kind.REFUSED, Kind.LOST, Kind.FAILURE, Kind.GONE})
STEADY = ("api", "registry", "worker", "worker's warm parent")


class Waiting(Client):
    """A client that waits for each of its jobs."""

    def act(self, chance: random.Random) -> None:
        """One job."""
        self.wait(chance)


class Returning(Client):
    """A client that comes back for its results."""

    def act(self, chance: random.Random) -> None:
        """A job more, or a look at those that there are."""
        chance.choice([self.submit, self.look, self.look])(chance)


def own_memory(pids: Mapping[str, int]) -> dict[str, int]:
    """What each part alone holds, in bytes: pages that it shares with others are not its own."""
    found = {}
    for name in STEADY:
        with suppress(psutil.Error, KeyError):
            found[name] = psutil.Process(pids[name]).memory_full_info().uss
    return found


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    """The parts that are not what they were, in words."""
    for name, size in before.items():
        if name not in after:
            yield f"the {name} is no longer there"
        elif after[name] - size > GROWTH_BYTES:
            yield f"the {name} grew by {(after[name] - size) / (1 << 20):.0f} MiB"


def loaded(system: System, seconds: float, seed: int) -> list[str]:
    """What went wrong under load; nothing is what we want."""
    history, ending = History(), threading.Event()
    kinds = (Waiting, Returning)
    clients = [
        kinds[number % 2](system.url, number, seed, history, ending) for number in range(CLIENTS)
    ]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(seconds * WARM_SHARE)
    pids = system.pids()
    before = own_memory(pids)
    time.sleep(seconds * (1 - WARM_SHARE))
    after = own_memory(pids)
    ending.set()
    for thread in threads:
        thread.join(60)
    for client in clients:
        client.settle(SETTLE_SECONDS)
    sizes = {name: f"{size / (1 << 20):.1f} MiB" for name, size in after.items()}
    jobs = len(history.jobs())
    tell(f"{jobs} jobs, {jobs / seconds:.0f} a second, {dict(history.counts())}, {sizes}")
    errors = [f"{one.kind}: {one.value}" for one in history.seen if one.kind in ERRORS]
    return [*errors, *violations(history), *grown(before, after)]


def main() -> int:
    """Run, report, and say by the status whether all is well."""
    parser = argparse.ArgumentParser(prog="./dev load")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))  # noqa: S311
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ql"))
    tell(f"load: seed {given.seed}, {given.seconds:g} s, logs in {folder}")
    with all_in_one(folder) as system:
        wrong = loaded(system, given.seconds, given.seed)
    wrong += system.ended
    for words, times in Counter(wrong).most_common(50):
        sys.stdout.write(f"{times} times: {words}\n")
    sys.stdout.write(f"seed {given.seed}: {len(wrong)} things went wrong\n")
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
