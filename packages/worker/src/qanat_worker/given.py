"""NAME=VALUE of a command line as an input of a process, by its description; pure."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from qanat_common.ogc import InputDescription, OutputRequest, Process
from qanat_common.protocol import Inline, Input, Inputs, Reference

_PATH = re.compile(r"(?!https?:)[^\s{}<>\[\],;]{1,255}\.[A-Za-z][A-Za-z0-9]{1,9}")
"""What looks like the path of a file, and like no value."""


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
    for name, each in (values | files).items():
        if len(each) > 1 and not _takes_several(process.inputs[name]):
            raise Unclear(f"{name}: takes one value, and {len(each)} are given")
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
    if not any("contentMediaType" in each for each in _alternatives(about)):
        return None
    if _is_file(text):
        return Path(text)
    if _PATH.fullmatch(text) and not any("enum" in each for each in _alternatives(about)):
        raise Unclear(f"{text}: there is no such file")
    return None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _takes_several(about: InputDescription) -> bool:
    return about.repeated or any(each.get("type") == "array" for each in _alternatives(about))


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
