"""An execute request in a query (2.0 draft, kvp-execute): its JSON, by the process's description; pure.

`name=text`, a list `name=a,b`, a member `name[member]=text` of a link, of a qualified value, of a
bounding box or of an output; `response[f]` stands for Accept, `response[prefer]` for Prefer.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import orjson
from pydantic import JsonValue

from qanat_api.inputs import Rule, Rules
from qanat_api.negotiation import FORMATS
from qanat_common.errors import InvalidParameter
from qanat_common.ogc import Process

VALUE, LINK = (
    ("value", "mediaType", "encoding", "schema"),
    ("href", "rel", "type", "hreflang", "title"),
)

MEMBERS = frozenset((*VALUE, *LINK, "crs"))
"""What may be said of an input beside its value."""

OUTPUT_MEMBERS = frozenset({"include", "mediaType", "encoding", "schema"})
"""What may be said of an output."""

PASSED_OVER = frozenset({"f", "profile", "project"})
"""Parameters of every operation, where no input has their name."""

_NAME = re.compile(r"([^\[\]]+)(?:\[(\w+)\])?")


@dataclass
class Said:
    """All that a query says of one input or output: its values, not decoded yet, and its members."""

    values: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """An execution by a query: its body, and what stands for headers, if it is said."""

    body: bytes
    accept: str | None
    prefer: str | None


def parse(query: str, process: Process, rules: Rules) -> Query:
    """The execute request of a query. Raises InvalidParameter for what is no part of one.

    Values are not validated here: what cannot be read as its schema has it stays a text.
    """
    inputs = {name.casefold(): name for name in reversed(list(rules))}
    outputs = {name.casefold(): name for name in reversed(list(process.outputs))}
    given, asked, response = _sorted(query, process, inputs, outputs)
    body: dict[str, Any] = {
        "inputs": {name: _input(rules[name], name, said) for name, said in given.items()}
    }
    formats = {name: _format(name, said) for name, said in asked.items()}
    if asked:
        body["outputs"] = {name: form for name, form in formats.items() if form is not None}
    accept = response.members.get("f")
    return Query(
        orjson.dumps(body),
        FORMATS.get(accept, accept) if accept else None,
        response.members.get("prefer"),
    )


def _sorted(
    query: str, process: Process, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> tuple[dict[str, Said], dict[str, Said], Said]:
    """What is said of inputs, of outputs, and of the response."""
    given: dict[str, Said] = {}
    asked: dict[str, Said] = {}
    response = Said()
    for name, member, text in _pairs(query):
        folded = name.casefold()
        if folded == "response" and member in ("f", "prefer"):
            response.members[member] = unquote_plus(text)
        elif folded in inputs and (not member or member in MEMBERS):
            _say(given, inputs[folded], member, text)
        elif folded in outputs and member in OUTPUT_MEMBERS:
            _say(asked, outputs[folded], member, text)
        elif folded not in PASSED_OVER:
            raise InvalidParameter(_unknown(name, member, process))
    return given, asked, response


def _pairs(query: str) -> Iterator[tuple[str, str, str]]:
    """Name, member and text, not decoded, of each parameter."""
    for pair in query.split("&"):
        name, _, text = pair.partition("=")
        found = _NAME.fullmatch(unquote_plus(name))
        if found:
            yield found[1], found[2] or "", text
        elif name:
            raise InvalidParameter(f"{unquote_plus(name)[:100]!r} is no name of a parameter")


def _say(about: dict[str, Said], name: str, member: str, text: str) -> None:
    said = about.setdefault(name, Said())
    if not member:
        said.values.append(text)
    elif member in said.members:
        raise InvalidParameter(f"{name}[{member}]: is given twice")
    else:
        said.members[member] = unquote_plus(text)


def _unknown(name: str, member: str, process: Process) -> str:
    shown = f"{name}[{member}]" if member else name
    known = ", ".join([*process.inputs, *(f"{name}[include]" for name in process.outputs)])
    return f"{shown[:100]!r} is not one of: {known}, response[f], response[prefer]"


def _input(rule: Rule, name: str, said: Said) -> JsonValue:
    """The JSON of an input: a link, a qualified value, a bounding box, a list, or a value."""
    if "href" in said.members:
        return {member: said.members[member] for member in LINK if member in said.members}
    if "value" in said.members:
        qualified: dict[str, JsonValue] = {
            member: said.members[member] for member in VALUE if member in said.members
        }
        if "encoding" not in said.members:
            qualified["value"] = _one(rule, said.members["value"])
        return qualified
    if not said.values:
        raise InvalidParameter(f"{name}: its value is not given, only {', '.join(said.members)}")
    if any(branch.bbox for branch in rule.branches):
        return _bbox(said)
    if rule.about.repeated:
        return _several(rule, said)
    if len(said.values) > 1:
        raise InvalidParameter(f"{name}: is given twice, and takes one value")
    value = _value(rule, said.values[0])
    return {"value": value, **said.members} if said.members else value


def _bbox(said: Said) -> JsonValue:
    numbers = _read(unquote_plus(said.values[0]))
    if isinstance(numbers, dict):
        return numbers
    box = [_read(text) for text in unquote_plus(said.values[0]).split(",")]
    crs = said.members.get("crs")
    return {"bbox": box, "crs": crs} if crs else {"bbox": box}


def _several(rule: Rule, said: Said) -> JsonValue:
    """The values of an input that may occur several times: in a list, or the parameter repeated."""
    whole = _read(unquote_plus(said.values[0])) if len(said.values) == 1 else None
    if isinstance(whole, list):
        return whole
    return [_one(rule, unquote_plus(part)) for text in said.values for part in text.split(",")]


def _value(rule: Rule, text: str) -> JsonValue:
    """The value of an input that occurs once, by the first of its types that takes it."""
    plain = unquote_plus(text)
    if rule.nested:
        whole = _read(plain)
        if isinstance(whole, (list, dict)):
            return whole
        return [_read(unquote_plus(part)) for part in text.split(",")] if text else []
    return _one(rule, plain)


def _one(rule: Rule, text: str) -> JsonValue:
    """A text as the first type that takes it: as JSON where that is no string."""
    value = _read(text)
    for branch in rule.branches:
        if "string" in branch.types and not branch.faults(text, ""):
            return text
        if not isinstance(value, str) and branch.fits(value):
            return value
    links = isinstance(value, dict) and ("href" in value or "value" in value)
    return value if links else text


def _read(text: str) -> JsonValue:
    """A text as JSON, or as it is."""
    try:
        found: JsonValue = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return found


def _format(name: str, said: Said) -> dict[str, Any] | None:
    """How an output is asked for; None where it is not to be included."""
    include = said.members.get("include", "true").lower()
    if include not in ("true", "false"):
        raise InvalidParameter(f"{name}[include]: {include[:100]!r} is neither true nor false")
    if include == "false":
        return None
    form = {key: text for key, text in said.members.items() if key != "include"}
    return {"format": form} if form else {}
