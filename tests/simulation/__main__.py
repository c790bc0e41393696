"""The simulation over many seeds.

    python -m tests.simulation [--seeds N] [--first S]

Status 1: a promise was broken; the seed and what happened are printed.
"""

import argparse
import logging
import sys

from tests.simulation.world import BrokenPromise, World


def main() -> int:
    """Run the seeds in order, up to the first that breaks a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    for seed in range(given.first, given.first + given.seeds):
        try:
            World(seed).run()
        except BrokenPromise as broken:
            sys.stdout.write(f"seed {seed}: {broken}\n")
            return 1
    sys.stdout.write(f"{given.seeds} seeds from {given.first}: every promise was kept\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
