"""What the commands of an administrator print: tables, descriptions, results, a progress bar."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from textwrap import wrap
from types import TracebackType
from typing import Any, Self, TextIO

from qanat_common.ogc import InputDescription, OutputDescription, Process
from qanat_common.protocol import LogLevel, ProviderInfo, Refusal
from qanat_worker.warm import Capabilities

SHOWN = frozenset({LogLevel.WARNING, LogLevel.ERROR})
"""What a job says that is shown unasked."""

BAR = 30
LONGEST_ID = 44


def width() -> int:
    """Of the terminal, in characters."""
    return max(shutil.get_terminal_size().columns, 60)


@dataclass(frozen=True)
class Checked:
    """What a worker would offer, and what not; only what somebody asked about."""

    versions: Mapping[str, str]
    providers: list[ProviderInfo]
    offered: list[Process]
    refused: list[Refusal]

    @classmethod
    def of(cls, able: Capabilities, pattern: str) -> Self:
        """Of an engine; `pattern` is a part of an id, or a pattern with * and ?."""
        wanted = pattern if any(char in pattern for char in "*?[") else f"*{pattern}*"
        return cls(
            able.versions,
            able.providers,
            [each for each in able.offer.processes if fnmatchcase(each.id, wanted)],
            sorted(
                (each for each in able.offer.refused if fnmatchcase(each.id, wanted)),
                key=lambda each: each.id,
            ),
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "versions": dict(self.versions),
            "providers": [each.model_dump() for each in self.providers],
            "offered": [{"id": each.id, "title": each.title} for each in self.offered],
            "refused": [each.model_dump() for each in self.refused],
        }

    def table(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _columns(("offered", "title"), ((p.id, p.title or "") for p in self.offered))
        yield ""
        yield from _columns(("not offered", "why"), ((r.id, r.reason) for r in self.refused))
        yield ""
        counts = Counter(process.id.partition(":")[0] for process in self.offered)
        names = ", ".join(f"{count} {provider}" for provider, count in sorted(counts.items()))
        yield f"{len(self.offered)} offered ({names or 'none'}), {len(self.refused)} not"
        yield ", ".join(f"{name} {version}" for name, version in self.versions.items())


def description(process: Process) -> str:
    """A process for people."""
    return "\n".join(_described(process))


def _described(process: Process) -> Iterator[str]:
    yield f"{process.id}: {process.title or ''}"
    for paragraph in (process.description or "").splitlines():
        yield from wrap(paragraph, width()) or [""]
    yield ""
    rows = ((name, _input(about)) for name, about in process.inputs.items())
    yield from _columns(("input", "what"), rows)
    yield ""
    results = ((name, _output(about)) for name, about in process.outputs.items())
    yield from _columns(("output", "what"), results)


def _input(about: InputDescription) -> str:
    need = "required" if about.min_occurs else "optional"
    many = "" if about.max_occurs == 1 else ", several"
    schema = about.schema_
    default = f", default {json.dumps(schema['default'])}" if "default" in schema else ""
    return f"{about.title or ''} [{_kinds(schema)}; {need}{many}{default}]"


def _output(about: OutputDescription) -> str:
    return f"{about.title or ''} [{_kinds(about.schema_)}]"


def _kinds(schema: Mapping[str, Any]) -> str:
    """What a value may be: names of formats, the options of a choice, else JSON types."""
    if "enum" in schema:
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in schema["enum"])
    if any(each.get("format") == "ogc-bbox" for each in schema.get("allOf", ())):
        return '{"bbox": [least x, least y, greatest x, greatest y], "crs": …}'
    if schema.get("type") == "array" and "items" in schema:
        return f"array of {_kinds(schema['items'])}"
    several = schema.get("oneOf", [schema])
    found = (each.get("title") if "contentMediaType" in each else None for each in several)
    kinds = [
        name or str(each.get("type", "any")) for name, each in zip(found, several, strict=True)
    ]
    return " | ".join(dict.fromkeys(kinds)) + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    ends = [
        f"{word} {schema[keyword]:g}"
        for word, keyword in (("from", "minimum"), ("to", "maximum"))
        if keyword in schema
    ]
    return "".join(f" {end}" for end in ends)


def results(told: Mapping[str, Mapping[str, Any]]) -> str:
    """What a job made, for people."""
    return "\n".join(f"{name}: {_result(output)}" for name, output in told.items())


def _result(output: Mapping[str, Any]) -> str:
    if "file" in output:
        return f"{output['file']} ({output['mediaType']}, {output['bytes']} bytes)"
    return json.dumps(output["value"], ensure_ascii=False)


def _columns(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Two columns, the second as wide as the terminal leaves it."""
    listed = list(rows)
    left = min(max((len(name) for name, _ in [head, *listed]), default=0), LONGEST_ID)
    yield f"{head[0]:{left}}  {head[1]}"
    yield f"{'-' * left}  {'-' * len(head[1])}"
    for name, text in listed:
        first, *others = wrap(text, width() - left - 2) or [""]
        yield f"{name:{left}}  {first}"
        yield from (f"{'':{left}}  {line}" for line in others)


class Progress:
    """A bar on a terminal, and lines of what the job says; satisfies `port.Feedback`."""

    def __init__(self, stream: TextIO, *, debug: bool) -> None:
        """`debug` shows all that the job says."""
        self._stream = stream
        self._debug = debug
        self._shown = -1

    def __enter__(self) -> Self:
        """Begin at 0."""
        self.progress(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """At the end where all went well; the bar stays where it was else."""
        if kind is None:
            self.progress(100)
        if self._stream.isatty():
            self._stream.write("\n")

    def progress(self, percent: float) -> None:
        """Draw the bar, where it is seen and has moved."""
        now = int(percent)
        if self._stream.isatty() and now != self._shown:
            full = "#" * (BAR * now // 100)
            self._stream.write(f"\r[{full:{BAR}}] {now:3} %")
            self._stream.flush()
        self._shown = now

    def log(self, level: LogLevel, message: str) -> None:
        """A line above the bar."""
        if self._debug or level in SHOWN:
            self._stream.write(f"\r{level}: {message}\n")
            self._shown = -1
