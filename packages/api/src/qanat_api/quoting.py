"""How a text or a JSON value is written in other languages: a shell, Python, R; pure.

A value may hold pieces of code: what is to be read from a file when the code runs.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

import orjson

INDENT = "  "
WIDTH = 80
"""A value that is not longer stands on one line."""

Term: TypeAlias = Union[
    bool, int, float, str, "FromFile", Sequence["Term"], Mapping[str, "Term"], None
]
"""A JSON value in which texts may come from files."""

LARGEST_WHOLE_IN_R = (1 << 31) - 1

_CUT = "\0"
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._]*")
_RESERVED_IN_R = frozenset(
    [
        "if",
        "else",
        "repeat",
        "while",
        "function",
        "for",
        "next",
        "break",
        "TRUE",
        "FALSE",
        "NULL",
        "Inf",
        "NaN",
        "NA",
        "in",
    ]
)
_ESCAPES_IN_R = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class FromFile:
    """The content of a file, as base64; `name` is how the file is called where the code runs."""

    name: str


def shell(text: str) -> str:
    """A word of a POSIX shell. No word can hold a NUL: it is left out."""
    return shlex.quote(text.replace("\0", ""))


def json_pieces(term: Term) -> list[str | FromFile]:
    """A value as JSON, cut where the content of a file belongs; what is around one stands in quotes."""
    pieces = _written(term, 0, _JSON).split(_CUT)
    return [FromFile(piece) if at % 2 else piece for at, piece in enumerate(pieces)]


def json(term: Term) -> str:
    """A value as JSON, with a note where the content of a file belongs."""
    return "".join(
        _json_scalar(f"<base64 of {piece.name}>")[1:-1] if isinstance(piece, FromFile) else piece
        for piece in json_pieces(term)
    )


def python(term: Term, depth: int = 0) -> str:
    """An expression of Python; a file is read by `base64_of`."""
    return _written(term, depth, _PYTHON)


def r(term: Term, depth: int = 0) -> str:
    """An expression of R as `jsonlite` writes it back; a file is read by `base64_of`.

    No text of R can hold a NUL: R says so.
    """
    return _written(term, depth, _R)


def r_text(text: str) -> str:
    """A text of R. Escapes are of one kind only: R takes no mixture of \\x and \\u."""
    return '"' + "".join(_in_r(each) for each in text) + '"'


@dataclass(frozen=True)
class Syntax:
    """How a language writes values: of each kind, and what is around and between several."""

    scalar: Callable[[bool | float | str | FromFile | None], str]
    array: Callable[[Sequence[str]], tuple[str, str]]
    member: Callable[[str, str], str]
    members: Callable[[Sequence[str]], tuple[str, str]]


def _written(term: Term, depth: int, syntax: Syntax) -> str:
    if isinstance(term, Mapping):
        inner = [syntax.member(key, _written(term[key], depth + 1, syntax)) for key in term]
        return _laid_out(inner, syntax.members(list(term)), depth)
    if isinstance(term, Sequence) and not isinstance(term, str):
        inner = [_written(each, depth + 1, syntax) for each in term]
        return _laid_out(inner, syntax.array(inner), depth)
    return syntax.scalar(term)


def _laid_out(inner: Sequence[str], around: tuple[str, str], depth: int) -> str:
    opens, closes = around
    line = f"{opens}{', '.join(inner)}{closes}"
    if len(line) + depth * len(INDENT) <= WIDTH and "\n" not in line:
        return line
    pad = INDENT * (depth + 1)
    return f"{opens}\n" + ",\n".join(pad + each for each in inner) + f"\n{INDENT * depth}{closes}"


def _json_scalar(value: bool | float | str | FromFile | None) -> str:
    """JSON escapes all control characters: a bare NUL is none of a text's own."""
    if isinstance(value, FromFile):
        return f'"{_CUT}{value.name.replace(_CUT, "")}{_CUT}"'
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return orjson.dumps(value).decode()


def _python_scalar(value: bool | float | str | FromFile | None) -> str:
    return f"base64_of({value.name!r})" if isinstance(value, FromFile) else repr(value)


def _r_scalar(value: bool | float | str | FromFile | None) -> str:
    if isinstance(value, FromFile):
        return f"base64_of({r_text(value.name)})"
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return r_text(value)
    # Without the L, jsonlite writes 100000 as 1e+05.
    whole = isinstance(value, int) and abs(value) <= LARGEST_WHOLE_IN_R
    return f"{value!r}L" if whole else repr(value)


def _r_member(name: str, written: str) -> str:
    plain = _PLAIN_NAME.fullmatch(name) and name not in _RESERVED_IN_R
    if not name:
        return written
    return f"{name if plain else r_text(name)} = {written}"


def _r_members(names: Sequence[str]) -> tuple[str, str]:
    """A list without names is an array of JSON, and no name of a call may be empty.

    `jsonlite` writes a number for a name that is empty: no request has one.
    """
    if names and all(names):
        return "list(", ")"
    told = ", ".join(r_text(name) for name in names)
    return "structure(list(", f"), names = {f'c({told})' if names else 'character()'})"


def _in_r(each: str) -> str:
    if each in _ESCAPES_IN_R:
        return _ESCAPES_IN_R[each]
    if each.isprintable():
        return each
    return f"\\u{{{ord(each):x}}}" if ord(each) <= 0xFFFF else f"\\U{{{ord(each):x}}}"


_JSON = Syntax(
    scalar=_json_scalar,
    array=lambda inner: ("[", "]"),
    member=lambda name, written: f"{_json_scalar(name)}: {written}",
    members=lambda names: ("{", "}"),
)
_PYTHON = Syntax(
    scalar=_python_scalar,
    array=lambda inner: ("[", "]"),
    member=lambda name, written: f"{name!r}: {written}",
    members=lambda names: ("{", "}"),
)
_R = Syntax(
    scalar=_r_scalar,
    array=lambda inner: ("list(", ")"),
    member=_r_member,
    members=_r_members,
)
