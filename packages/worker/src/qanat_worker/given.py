"""NAME=VALUE of a command line as an input of a process, by its description; pure."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from qanat_common.ogc import InputDescription, OutputRequest, Process
from qanat_common.protocol import Inline, Input, Inputs, Reference


class Unclear(ValueError):
    """What was given cannot be understood; the text says what would be right."""


def inputs_of(process: Process, given: Iterable[str]) -> tuple[Inputs, dict[str, list[Path]]]:
    """Values and addresses by name, and files of this machine by name.

    A value is a file where it begins with @, or where the input takes files and there is one of
    that path; an address with http or https; else JSON, or the text itself.
    """
    values: dict[str, list[Input]] = {}
    files: dict[str, list[Path]] = {}
    for part in given:
        name, text = _parted(part, "-i NAME=VALUE")
        about = process.inputs.get(name)
        if about is None:
            raise Unclear(
                f"{name}: {process.id} has no such input; it has: {_names(process.inputs)}"
            )
        path = _file(about, text)
        if path is not None:
            files.setdefault(name, []).append(path)
        else:
            values.setdefault(name, []).append(_value(about, text))
    if both := sorted(set(values) & set(files)):
        raise Unclear(f"{both[0]}: is given as a file and as a value")
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}, files


def outputs_of(process: Process, given: Iterable[str]) -> dict[str, OutputRequest] | None:
    """The outputs asked for, each with its media type where one is told; None for all."""
    asked: dict[str, OutputRequest] = {}
    for part in given:
        name, _, media_type = part.partition("=")
        if name not in process.outputs:
            raise Unclear(
                f"{name}: {process.id} has no such output; it has: {_names(process.outputs)}"
            )
        told = {"format": {"mediaType": media_type}} if media_type else {}
        asked[name] = OutputRequest.model_validate(told)
    return asked or None


def _parted(part: str, form: str) -> tuple[str, str]:
    name, equals, text = part.partition("=")
    if not (name and equals):
        raise Unclear(f"{part!r} is not of the form {form}")
    return name, text


def _names(members: Mapping[str, Any]) -> str:
    return ", ".join(members) or "none"


def _file(about: InputDescription, text: str) -> Path | None:
    if text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            raise Unclear(f"{text[1:]}: there is no such file")
        return path
    takes_files = any("contentMediaType" in each for each in _alternatives(about))
    return Path(text) if takes_files and Path(text).is_file() else None


def _value(about: InputDescription, text: str) -> Input:
    if text.startswith(("http://", "https://")):
        return Reference(href=text)
    return Inline(value=_json(about, text))


def _json(about: InputDescription, text: str) -> JsonValue:
    """JSON, unless only texts are taken: "5" is a number for a number, and a text for a text."""
    if {each.get("type") for each in _alternatives(about)} == {"string"}:
        return text
    try:
        found: JsonValue = json.loads(text)
    except ValueError:
        return text
    return found


def _alternatives(about: InputDescription) -> list[Mapping[str, Any]]:
    schema = about.schema_
    found: list[Mapping[str, Any]] = list(schema.get("oneOf", [schema]))
    return found
