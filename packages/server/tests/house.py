"""A supervisor with small parts, as a program: tests start it, signal it, and read what it tells.

Arguments: a folder, then stages as JSON: lists of {"name", "code", "stop_seconds"}. A part is ready
when it has made the file `<folder>/<name>.ready`; its code finds the folder in `sys.argv[1]`.
"""

import json
import sys
from pathlib import Path

from qanat.problems import CannotStart
from qanat.process import Part
from qanat.supervisor import Supervisor


class Aloud:
    """Tells each fact in a line on standard output."""

    def ready(self, name: str, seconds: float) -> None:
        say(f"ready {name}")

    def serving(self, seconds: float) -> None:
        say("serving")

    def died(self, name: str, how: str, pause: float) -> None:
        say(f"died {name} {how} {pause:g}")

    def stopping(self) -> None:
        say("stopping")

    def killed(self, name: str, seconds: float) -> None:
        say(f"killed {name}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def part(folder: Path, spec: dict[str, str]) -> Part:
    name = spec["name"]
    return Part(
        name=name,
        command=[sys.executable, "-c", spec["code"], str(folder), name],
        ready=(folder / f"{name}.ready").exists,
        start_seconds=float(spec.get("start_seconds", 20)),
        stop_seconds=float(spec.get("stop_seconds", 20)),
    )


def main() -> None:
    folder = Path(sys.argv[1])
    stages = [[part(folder, spec) for spec in stage] for stage in json.loads(sys.argv[2])]
    try:
        Supervisor(stages, Aloud()).run()
    except CannotStart as error:
        say(f"cannot start: {error}")
        sys.exit(1)


main()
