"""The process `qanat:echo`, beside those of an engine: gives back its inputs. Needs no QGIS.

It is what the standard calls a test process (/req/core/test-process). Its shape is what the official
test suite can use: the first input is plain text, required, and has an output of its own name.
"""

import json
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from qanat_common.errors import Fault, InputRejected, NoSuchProcess
from qanat_common.ogc import InputDescription, JsonSchema, OutputDescription, Process
from qanat_common.protocol import Inline, LocalFile, LogLevel, Offer, ProviderInfo, Value
from qanat_worker.port import (
    Engine,
    Feedback,
    Picturing,
    Produced,
    ProducedFile,
    ProducedPicture,
    Rehearsing,
    Task,
)

PROVIDER = "qanat"

IDS = ("qanat:echo", "echo")
"""Its own id, and a short one: some clients and the official suite use an id as part of a path."""

LONGEST_PAUSE = 60

STEP_SECONDS = 0.1
"""How often a pause tells how far it is."""

TIFF = "image/tiff; application=geotiff"
GML = "application/gml+xml; version=3.2"
SUFFIXES = {TIFF: ".tif", GML: ".gml"}
MAGIC = {b"II*\0": TIFF, b"MM\0*": TIFF, b"<": GML}

_TEXT: JsonSchema = {"type": "string"}
_NUMBERS: JsonSchema = {"type": "array", "items": {"type": "integer"}}
_TIFF: JsonSchema = {"type": "string", "contentEncoding": "base64", "contentMediaType": TIFF}
_GML: JsonSchema = {"type": "string", "contentMediaType": GML}
_BOX: JsonSchema = {
    "type": "object",
    "required": ["bbox"],
    "properties": {
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
        "crs": {"type": "string", "format": "uri"},
    },
}
_SECONDS: JsonSchema = {"type": "integer", "minimum": 0, "maximum": LONGEST_PAUSE}

# The suite reads these schemas in its own way: no $ref, in an allOf the format first.
INPUTS: dict[str, tuple[str, JsonSchema]] = {
    "stringInput": ("A text", _TEXT),
    "bboxInput": ("A bounding box", {"allOf": [{"format": "ogc-bbox"}, _BOX]}),
    "arrayInput": ("Whole numbers", _NUMBERS),
    "complexInput": ("An image or a GML document", {"oneOf": [_TIFF, _GML]}),
    "pause": ("Seconds to wait before answering", _SECONDS),
}
REQUIRED = "stringInput"

OUTPUTS: dict[str, tuple[str, JsonSchema]] = {
    "stringInput": ("The text", _TEXT),
    "bboxInput": ("The bounding box", {"allOf": [{"format": "ogc-bbox"}, {"type": "object"}]}),
    "arrayInput": ("The numbers", _NUMBERS),
    "complexInput": ("The image or the GML document", {"oneOf": [_GML, _TIFF]}),
}


def process(process_id: str) -> Process:
    """The description of the echo under an id."""
    return Process(
        id=process_id,
        version=version("qanat-worker"),
        title="Echo",
        description="Gives back its inputs, after a pause if one is asked for: to try a client.",
        keywords=["test"],
        inputs={
            name: InputDescription(title=title, schema=schema, min_occurs=int(name == REQUIRED))
            for name, (title, schema) in INPUTS.items()
        },
        outputs={
            name: OutputDescription(title=title, schema=schema)
            for name, (title, schema) in OUTPUTS.items()
        },
    )


class Echo:
    """An engine that has the echo beside the processes of another one."""

    def __init__(self, engine: Engine) -> None:
        """Everything but the echo is the business of `engine`."""
        self._engine = engine

    def offer(self) -> Offer:
        """What the other offers, and the echo."""
        theirs = self._engine.offer()
        ours = [process(process_id) for process_id in IDS]
        return theirs.model_copy(update={"processes": [*theirs.processes, *ours]})

    def versions(self) -> dict[str, str]:
        """Of the other engine."""
        return self._engine.versions()

    def providers(self) -> list[ProviderInfo]:
        """Those of the other, and ours."""
        ours = ProviderInfo(
            id=PROVIDER, name="Qanat", version=version("qanat-worker"), algorithms=len(IDS)
        )
        return [*self._engine.providers(), ours]

    def warm_up(self) -> None:
        """The echo needs none."""
        self._engine.warm_up()

    def pictures(
        self, outputs: Mapping[str, Produced], folder: str, longest: int
    ) -> dict[str, ProducedPicture]:
        """Those that the other engine makes."""
        if isinstance(self._engine, Picturing):
            return self._engine.pictures(outputs, folder, longest)
        return {}

    def rehearse(self) -> None:
        """As the other does."""
        if isinstance(self._engine, Rehearsing):
            self._engine.rehearse()

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        """Echo, or let the other run the job."""
        if task.process_id in IDS:
            return echo(task, feedback)
        return self._engine.run(task, feedback)


def echo(task: Task, feedback: Feedback) -> dict[str, Produced]:
    """The inputs that were given and are asked for, as outputs of the same names."""
    asked = OUTPUTS if task.outputs is None else task.outputs
    folder = Path(task.folder)
    given = {name: _given(name, value, folder) for name, value in task.inputs.items()}
    pause = given.get("pause")
    if isinstance(pause, Value) and isinstance(pause.value, int | float):
        _pause(pause.value, feedback)
    return {name: value for name, value in given.items() if name in OUTPUTS and name in asked}


def _pause(seconds: float, feedback: Feedback) -> None:
    """Wait; whoever dismisses the job ends this process."""
    if seconds <= 0:
        return
    feedback.log(LogLevel.INFO, f"The echo comes in {seconds:g} s.")
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        feedback.progress(100 * passed / seconds)
        time.sleep(min(STEP_SECONDS, seconds - passed))


def _given(name: str, given: Any, folder: Path) -> Produced:
    """A file for what is a file: a value that has a media type, fetched or not."""
    if isinstance(given, LocalFile):
        return _fetched_file(given) if name == "complexInput" else Value(value=_read(name, given))
    if not isinstance(given, Inline):
        raise _rejected(name, "several values were given")
    if given.media_type is None or not isinstance(given.value, str):
        return Value(value=given.value)
    path = folder / f"{name}{SUFFIXES.get(given.media_type, '')}"
    path.write_bytes(b64decode(given.value) if given.encoding == "base64" else given.value.encode())
    return ProducedFile(path=str(path), name=path.name, media_type=given.media_type)


def _fetched_file(given: LocalFile) -> ProducedFile:
    """What it is, its first bytes tell."""
    path = Path(given.path)
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    found = [media_type for magic, media_type in MAGIC.items() if head.startswith(magic)]
    if not found:
        raise _rejected("complexInput", "is neither a TIFF nor a GML document")
    return ProducedFile(path=given.path, name=path.name, media_type=found[0])


def _read(name: str, given: LocalFile) -> JsonValue:
    """A value that was fetched: checked as one that stands in a request is."""
    try:
        text = Path(given.path).read_text("utf-8")
        value: JsonValue = text if name == REQUIRED else json.loads(text)
    except ValueError:
        raise _rejected(name, "is a file that holds no value") from None
    if not CHECKS[name](value):
        raise _rejected(name, f"does not take {text[:100]!r}")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_box(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("bbox"), list)


def _rejected(name: str, problem: str) -> InputRejected:
    return InputRejected(f"{name}: {problem}", Fault(f"/inputs/{name}", problem))


CHECKS: dict[str, Callable[[Any], bool]] = {
    REQUIRED: lambda value: isinstance(value, str),
    "bboxInput": _is_box,
    "arrayInput": lambda value: isinstance(value, list) and all(map(_is_whole, value)),
    "pause": lambda value: _is_whole(value) and 0 <= value <= LONGEST_PAUSE,
}
"""What a fetched value must be; those of a request were checked by their schemas."""


class Nothing:
    """An engine without processes: what the echo stands beside where there is no QGIS."""

    def offer(self) -> Offer:
        """Nothing."""
        return Offer(processes=[])

    def versions(self) -> dict[str, str]:
        """It is made of nothing."""
        return {}

    def providers(self) -> list[ProviderInfo]:
        """None."""
        return []

    def warm_up(self) -> None:
        """There is nothing to warm."""

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        """Nothing can be run."""
        raise NoSuchProcess(f"There is no process {task.process_id!r}.")


def alone(options: dict[str, JsonValue]) -> Echo:
    """The engine `echo`: a worker without QGIS, to try a client or an installation."""
    return Echo(Nothing())
