"""An engine without QGIS: three processes, enough to see the path of a job."""

import time
from pathlib import Path
from typing import Any

from qanat_common.errors import AlgorithmFailed
from qanat_common.ogc import InputDescription, OutputDescription, Process
from qanat_common.protocol import Inline, LogLevel, Offer, ProviderInfo, Value
from qanat_worker.port import Feedback, Produced, ProducedFile, Task

TEXT = {"type": "string"}
SECONDS = {"type": "number", "minimum": 0}


def described(name: str, schema: dict[str, Any], *outputs: str) -> Process:
    return Process(
        id=f"fake:{name}",
        version="1",
        title=name,
        inputs={"x": InputDescription(title="x", schema=schema)},
        outputs={output: OutputDescription(title=output, schema=TEXT) for output in outputs},
    )


PROCESSES = [
    described("echo", TEXT, "x"),
    described("nap", SECONDS, "file"),
    described("refuse", TEXT, "x"),
]


class FakeEngine:
    """Satisfies the port of the worker."""

    def __init__(self, *lacking: str) -> None:
        self._processes = [each for each in PROCESSES if each.id not in lacking]

    def offer(self) -> Offer:
        return Offer(processes=self._processes)

    def versions(self) -> dict[str, str]:
        return {"fake": "1"}

    def providers(self) -> list[ProviderInfo]:
        return [ProviderInfo(id="fake", name="Fake", version="1", algorithms=len(PROCESSES))]

    def warm_up(self) -> None:
        """Nothing to warm."""

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        value = task.inputs["x"]
        assert isinstance(value, Inline)
        if task.process_id == "fake:refuse":
            raise AlgorithmFailed(f"x: {value.value!r} is refused")
        if task.process_id == "fake:echo":
            return {"x": Value(value=value.value)}
        assert isinstance(value.value, int | float)
        feedback.log(LogLevel.WARNING, "it naps")
        end = time.monotonic() + value.value
        while time.monotonic() < end:
            feedback.progress(100 * (1 - (end - time.monotonic()) / max(value.value, 0.001)))
            time.sleep(0.05)
        path = Path(task.folder) / "dream.txt"
        path.write_text("zzz")
        return {"file": ProducedFile(path=str(path), name="dream.txt", media_type="text/plain")}


def start(options: dict[str, Any]) -> FakeEngine:
    """The factory that the setting worker.engine names."""
    return FakeEngine()


def start_without_nap(options: dict[str, Any]) -> FakeEngine:
    """A worker that lacks a process of the others."""
    return FakeEngine("fake:nap")
