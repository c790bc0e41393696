"""An engine without QGIS for jobs that are many: each waits a while and gives a text and a file."""

import hashlib
import time
from pathlib import Path
from typing import Any

from qanat_common.ogc import InputDescription, OutputDescription, Process
from qanat_common.protocol import Inline, Offer, ProviderInfo, Value
from qanat_worker.port import Feedback, Produced, ProducedFile, Task

PROCESS = Process(
    id="faults:work",
    version="1",
    title="Work",
    inputs={
        "text": InputDescription(title="Text", schema={"type": "string"}),
        "seconds": InputDescription(title="How long", schema={"type": "number", "minimum": 0}),
        "size": InputDescription(title="Bytes", schema={"type": "integer", "minimum": 0}),
    },
    outputs={
        "said": OutputDescription(title="The text", schema={"type": "string"}),
        "file": OutputDescription(title="A file", schema={"type": "string"}),
    },
)


def content(text: str, size: int) -> bytes:
    """The file that belongs to a text: of so many bytes, and of no other text."""
    seed = hashlib.sha256(text.encode()).hexdigest().encode()
    return (seed * (size // len(seed) + 1))[:size]


class Engine:
    """Satisfies the port of the worker."""

    def offer(self) -> Offer:
        return Offer(processes=[PROCESS])

    def versions(self) -> dict[str, str]:
        return {"faults": "1"}

    def providers(self) -> list[ProviderInfo]:
        return [ProviderInfo(id="faults", name="Faults", version="1", algorithms=1)]

    def warm_up(self) -> None:
        """Nothing to warm."""

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        text, seconds, size = (_given(task, name) for name in ("text", "seconds", "size"))
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            feedback.progress(100 * (1 - left / seconds))
            time.sleep(min(left, 0.05))
        path = Path(task.folder) / "file.bin"
        path.write_bytes(content(text, size))
        kept = ProducedFile(path=str(path), name="file.bin", media_type="application/octet-stream")
        return {"said": Value(value=text), "file": kept}


def _given(task: Task, name: str) -> Any:
    value = task.inputs[name]
    assert isinstance(value, Inline)
    return value.value


def start(options: dict[str, Any]) -> Engine:
    """The factory that the setting worker.engine names."""
    return Engine()
