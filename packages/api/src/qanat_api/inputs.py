"""An execute request against a process description: parsed once, everything wrong told at once; pure."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from pydantic import JsonValue, ValidationError

from qanat_api import asides
from qanat_api.asides import Wrong
from qanat_api.negotiation import Preferences, chosen, media_range
from qanat_api.schemas import (
    PROJECT_LAYER,
    Branch,
    branches,
    escape,
    media_types,
    numbered,
    shortened,
)
from qanat_common.errors import Fault, InvalidInput, InvalidRequest
from qanat_common.ogc import (
    NUMBERED,
    OTHER_NAMES,
    Execute,
    Format,
    InputDescription,
    OutputRequest,
    Process,
    Return,
)
from qanat_common.protocol import Inline, Input, Inputs, Named, Reference

SCHEMES = ("http", "https")
"""Where an input may be fetched from."""

_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)

PRINTABLE = re.compile(r"[ -~]{0,200}")
"""What may stand in a media type: it may end in a header."""

TEXT_ENCODINGS = frozenset({"utf-8", "utf8", "utf_8"})
"""Encodings of text that change nothing: JSON is in UTF-8."""


@dataclass(frozen=True)
class Rule:
    """What an input takes: its description, its schema's alternatives, compiled, and layers by name."""

    about: InputDescription
    branches: list[Branch]
    layers: frozenset[str] = frozenset()

    @property
    def nested(self) -> bool:
        """Whether one value of this input is itself an array, by its default schema."""
        return "array" in self.branches[0].types


Rules = Mapping[str, Rule]
"""Input id → rule, of a process."""


def compile_rules(process: Process) -> Rules:
    """The rules of a process's inputs; worth keeping."""
    return {name: _rule(about) for name, about in process.inputs.items()}


def _rule(about: InputDescription) -> Rule:
    """Names of layers are no alternative of a text: they go before what it could be else."""
    schema = numbered(about.schema_) if _is_numbered(about) else about.schema_
    by_name = [each for each in schema.get("oneOf", ()) if each.get("format") == PROJECT_LAYER]
    if not by_name:
        return Rule(about, branches(schema))
    others = [each for each in schema["oneOf"] if each not in by_name]
    return Rule(about, branches({**schema, "oneOf": others}), frozenset(by_name[0]["enum"]))


def _is_numbered(about: InputDescription) -> bool:
    return any(each.role == NUMBERED for each in about.metadata or ())


def parse_execute(body: JsonValue) -> Execute:
    """The model of an execute request; members it does not know are passed over.

    `outputs: {}` is kept: by 1.0 it asks for all (digest, section 17, 5), by the 2.0 draft for none.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("The body is not a JSON object", Fault("", "is not an object"))
    given = {name: value for name, value in body.items() if value is not None}
    try:
        return Execute.model_validate(given)
    except ValidationError as error:
        faults = [
            Fault("".join(f"/{escape(part)}" for part in problem["loc"]), problem["msg"])
            for problem in error.errors(include_url=False, include_context=False)
        ]
        raise InvalidRequest(_told(faults), *faults) from None


def returned(execute: Execute, wanted: Preferences) -> Return | None:
    """How results are asked for by the 2.0 draft; None where the request speaks the words of 1.0."""
    outputs = (execute.outputs or {}).values()
    if "response" in execute.model_fields_set or any(
        "transmission_mode" in output.model_fields_set for output in outputs
    ):
        return None
    return wanted.returns or (Return.MINIMAL if wanted.document else None)


def requested(
    execute: Execute, process: Process, accept: str | None
) -> dict[str, OutputRequest] | None:
    """The outputs that are asked for: the format of a single one may be chosen by Accept."""
    names = execute.outputs or process.outputs
    if accept is None or len(names) != 1 or "response" in execute.model_fields_set:
        return execute.outputs
    ((name, asked),) = (execute.outputs or {name: OutputRequest() for name in names}).items()
    kind = chosen(accept, media_types(process.outputs[name].schema_))
    if kind is None or asked.format is not None:
        return execute.outputs
    return {name: asked.model_copy(update={"format": Format(media_type=kind)})}


def parse_inputs(execute: Execute, process: Process, rules: Rules) -> Inputs:
    """The inputs of a job. Raises InvalidInput that names every input and output at fault.

    A null is taken for an absent value: QGIS has no use for it, and it is none of 0, false, "".
    """
    inputs: Inputs = {}
    faults = _unknown(execute.inputs, process)
    for name, rule in rules.items():
        value = execute.inputs.get(name)
        if value is None:
            if rule.about.min_occurs > 0:
                faults.append(Fault(_pointer("inputs", name), "this input is required"))
            continue
        try:
            inputs[name] = _parse(rule, value, _pointer("inputs", name))
        except Wrong as wrong:
            faults.extend(wrong.faults)
    faults.extend(_wrong_outputs(execute.outputs or {}, process))
    if faults:
        raise InvalidInput(_told(faults), *faults)
    return inputs


def _unknown(given: Mapping[str, JsonValue], process: Process) -> list[Fault]:
    known = ", ".join(process.inputs) or "none"
    return [
        Fault(_pointer("inputs", name), f"{process.id} has no such input; it has: {known}")
        for name in given
        if name not in process.inputs
    ]


def _parse(rule: Rule, value: JsonValue, pointer: str) -> Input | list[Input]:
    """One input: a value, or the values of an input that may occur several times."""
    if not rule.about.repeated:
        return _parse_one(rule, value, pointer)
    values = _values(rule, value, pointer)
    _check_count(rule.about, len(values), pointer)
    parsed: list[Input] = []
    faults: list[Fault] = []
    for item, where in values:
        try:
            parsed.append(_parse_one(rule, item, where))
        except Wrong as wrong:
            faults.extend(wrong.faults)
    if faults:
        raise Wrong(*faults)
    return parsed


def _values(rule: Rule, value: JsonValue, pointer: str) -> list[tuple[JsonValue, str]]:
    """The values of an array and where they stand; one value, which may be an array itself, alone."""
    if isinstance(value, list) and (
        not (rule.nested and value) or any(isinstance(item, (list, dict)) for item in value)
    ):
        return [(item, f"{pointer}/{at}") for at, item in enumerate(value)]
    return [(value, pointer)]


def _check_count(about: InputDescription, count: int, pointer: str) -> None:
    if count < about.min_occurs:
        raise Wrong(Fault(pointer, f"{count} values given, at least {about.min_occurs} needed"))
    if about.max_occurs != "unbounded" and count > about.max_occurs:
        raise Wrong(Fault(pointer, f"{count} values given, at most {about.max_occurs} taken"))


def _parse_one(rule: Rule, value: JsonValue, pointer: str) -> Input:
    """One value: by reference, qualified, or bare (digest, section 5.2)."""
    if isinstance(value, dict):
        if "href" in value:
            return _reference(value, pointer)
        if "value" in value:
            return _qualified(rule, value, pointer)
    if rule.layers and isinstance(value, str):
        return _named(rule, value, pointer)
    return _inline(rule.branches, value, pointer)


def _named(rule: Rule, value: str, pointer: str) -> Input:
    """A layer of the project; or a layer by value, where the text is none's name."""
    if value in rule.layers:
        return Named(name=value)
    try:
        return _inline(rule.branches, value, pointer)
    except Wrong:
        known = ", ".join(sorted(rule.layers))
        told = f"{shortened(value)!r} is no layer of the project, which has: {known}"
        raise Wrong(Fault(pointer, f"{told}; nor is it one by value")) from None


def _reference(value: dict[str, JsonValue], pointer: str) -> Reference:
    href = value["href"]
    if not isinstance(href, str):
        raise Wrong(Fault(f"{pointer}/href", "is not a string"))
    try:
        parts = urlsplit(href)
        fetchable = parts.scheme.lower() in SCHEMES and bool(parts.hostname)
    except ValueError:
        fetchable = False
    if not fetchable:
        raise Wrong(Fault(pointer, f"href: {shortened(href)!r} is not an http or https address"))
    return Reference(
        href=href, media_type=_text(value, "type", pointer), **asides.read(value, pointer)
    )


def _qualified(rule: Rule, value: dict[str, JsonValue], pointer: str) -> Inline:
    """A value with its format beside it, or within `format` as an older text of the standard had it."""
    nested = value.get("format")
    form, where = (nested, f"{pointer}/format") if isinstance(nested, dict) else (value, pointer)
    media_type = _text(form, "mediaType", where)
    encoding = (_text(form, "encoding", where) or "").lower()
    able = _of_media_type(rule.branches, media_type, f"{where}/mediaType")
    able = _of_encoding(able, encoding, f"{where}/encoding")
    given = value["value"]
    if media_type is not None and isinstance(given, str) and able[0].types == {"object"}:
        given = _parsed(given, f"{pointer}/value")
    inline = _inline(able, given, f"{pointer}/value", media_type)
    return inline.model_copy(update=asides.read(value, pointer))


def _parsed(text: str, pointer: str) -> JsonValue:
    """An object that comes as text, as a client has it that reads a file of JSON."""
    try:
        found: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Wrong(Fault(pointer, "is neither a JSON object nor the text of one")) from None
    return found


def _text(value: Mapping[str, JsonValue], name: str, pointer: str) -> str | None:
    found = value.get(name)
    if found is None or (isinstance(found, str) and PRINTABLE.fullmatch(found)):
        return found
    raise Wrong(Fault(f"{pointer}/{name}", "is not a string of printable ASCII characters"))


def _of_media_type(able: list[Branch], media_type: str | None, pointer: str) -> list[Branch]:
    """The alternatives of a media type; where none names one, all of them."""
    named = [branch for branch in able if branch.media_type]
    if media_type is None or not named:
        return able
    asked = media_range(media_type)
    for name in (asked, OTHER_NAMES.get(asked)):
        same = [branch for branch in named if media_range(branch.media_type or "") == name]
        if same:
            break
    else:
        known = ", ".join(branch.media_type or "" for branch in named)
        raise Wrong(Fault(pointer, f"{shortened(media_type)!r} is not one of: {known}"))
    return same


def _of_encoding(able: list[Branch], encoding: str, pointer: str) -> list[Branch]:
    """The alternatives of an encoding: a file of any format may be base64, whatever it holds."""
    if not encoding or encoding in TEXT_ENCODINGS:
        return able
    same: list[Branch] = []
    if encoding == "base64":
        same = [branch for branch in able if branch.base64]
        same = same or [branch.as_bytes() for branch in able if branch.media_type]
    if not same:
        raise Wrong(Fault(pointer, f"{shortened(encoding)!r} is not an encoding of this input"))
    return same


def _inline(
    able: list[Branch], value: JsonValue, pointer: str, media_type: str | None = None
) -> Inline:
    """A value by the first alternative of its type that takes it; else it is wrong by the first.

    The first is the only one where it has a media type: what a text is, is not guessed. An object
    shows what it is.
    """
    fitting = [branch for branch in able if branch.fits(value)] or able
    if fitting[0].media_type and not isinstance(value, dict):
        fitting = fitting[:1]
    faults: list[Fault] = []
    for branch in fitting:
        wrong = _faults(branch, value, pointer)
        if not wrong:
            return Inline(
                value=value,
                media_type=media_type or branch.media_type,
                encoding="base64" if branch.base64 else None,
            )
        faults = faults or wrong
    raise Wrong(*faults)


def _faults(branch: Branch, value: JsonValue, pointer: str) -> list[Fault]:
    if value is None:
        return [Fault(pointer, "null is no value; leave the input out")]
    wrong = branch.faults(value, pointer)
    if not wrong and branch.base64 and isinstance(value, str) and not _is_base64(value):
        if _ADDRESS.match(value):
            return [Fault(pointer, 'is an address: to have it fetched, give {"href": …}')]
        return [Fault(pointer, f"is not base64{_taken_as(branch)}")]
    return wrong


def _taken_as(branch: Branch) -> str:
    """Why bytes are expected: a client that sent a text may have left its media type out."""
    named = branch.media_type
    return (
        f", which it must be as {named}; a text of another format needs mediaType" if named else ""
    )


def _is_base64(text: str) -> bool:
    try:
        b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _wrong_outputs(asked: Mapping[str, OutputRequest], process: Process) -> Iterator[Fault]:
    """What is wrong with the outputs that are asked for."""
    for name, request in asked.items():
        if name not in process.outputs:
            known = ", ".join(process.outputs) or "none"
            yield Fault(
                _pointer("outputs", name), f"{process.id} has no such output; it has: {known}"
            )
            continue
        if request.transmission_mode not in process.output_transmission:
            offered = ", ".join(process.output_transmission)
            yield Fault(
                _pointer("outputs", name, "transmissionMode"),
                f"{request.transmission_mode!s} is not offered; offered: {offered}",
            )
        wanted = request.format.media_type if request.format else None
        offers = media_types(process.outputs[name].schema_)
        if wanted is not None and not (PRINTABLE.fullmatch(wanted) and _offered(wanted, offers)):
            yield Fault(
                _pointer("outputs", name, "format", "mediaType"),
                f"{shortened(wanted)!r} is not one of: {', '.join(offers)}",
            )


def _offered(media_type: str, offers: list[str]) -> bool:
    asked = media_range(media_type)
    known = {media_range(offer) for offer in offers}
    return not offers or asked in known or OTHER_NAMES.get(asked) in known


def _pointer(*parts: str) -> str:
    return "".join(f"/{escape(part)}" for part in parts)


def _told(faults: list[Fault]) -> str:
    """The first faults as one sentence."""
    told = "; ".join(f"{fault.pointer or 'body'}: {fault.message}" for fault in faults[:5])
    return f"{told}; and {len(faults) - 5} more" if len(faults) > 5 else told
