"""Values as literals of other languages: what each language reads is what was written."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qanat_api import quoting
from qanat_api.quoting import FromFile

NASTY = (
    "",
    "plain",
    "it's",
    'say "hello"',
    "back\\slash \\n \\u0041 \\",
    "line\nbreak\r\n\ttab",
    "$(touch owned) `touch owned` ${HOME} $HOME !! %s %d",
    "; rm -rf x & | > < * ? [a] {a,b} ~ #",
    "naïve 日本語 🙂 \u202e \u200b\u00a0\ufeff\x85\u2028",
    "\x01\x07\x1b[31m\x7f",
    "-rf",
    "@file",
    "'''\"\"\"",
    "<script>alert(1)</script>",
)

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
WHOLE = st.integers(-(2**40), 2**40)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("if"), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_a_shell_reads_words_as_they_are() -> None:
    script = "".join(f"printf '%s\\0' {quoting.shell(text)}\n" for text in NASTY)
    read = subprocess.run(["/bin/sh"], input=script.encode(), capture_output=True, check=True)
    assert read.stdout.decode().split("\0")[:-1] == list(NASTY)


def test_a_word_of_a_shell_holds_no_nul() -> None:
    assert quoting.shell("a\0b") == "ab"


@pytest.mark.parametrize("text", NASTY)
def test_each_language_reads_the_texts_as_they_are(text: str) -> None:
    value = {text: [text, {"a": text}]}
    assert ast.literal_eval(quoting.python(value)) == value
    assert json.loads(quoting.json(value)) == value
    assert read_r(quoting.r(value)) == value


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_each_language_reads_every_value_as_it_is(value: Any) -> None:
    assert ast.literal_eval(quoting.python(value)) == value
    assert json.loads(quoting.json(value)) == value
    assert read_r(quoting.r(value)) == value


def test_what_is_not_printed_is_escaped() -> None:
    """Nobody is to copy what cannot be seen: it would do another thing than it shows."""
    hidden = "a\u202eb\x1bc"
    for written in (quoting.python(hidden), quoting.r(hidden)):
        assert written.isprintable()


def test_short_values_stand_on_a_line_and_long_ones_on_several() -> None:
    assert quoting.python({"a": [1, 2.5, True, None]}) == "{'a': [1, 2.5, True, None]}"
    assert quoting.r({"a": [1, 2.5, True, None]}) == "list(a = list(1L, 2.5, TRUE, NULL))"
    long = quoting.json({"a": "x" * 50, "b": "y" * 50}).splitlines()
    assert [line.strip()[:3] for line in long] == ["{", '"a"', '"b"', "}"]


def test_a_file_has_a_place_in_each_language() -> None:
    body = {"INPUT": {"value": FromFile('it\'s "odd".gpkg'), "encoding": "base64"}, "after": "<"}
    before, file, after = quoting.json_pieces(body)
    assert file == FromFile('it\'s "odd".gpkg')
    read = json.loads(f"{before}QUJD{after}")
    assert read["INPUT"]["value"] == "QUJD"
    assert json.loads(quoting.json(body))["INPUT"]["value"] == '<base64 of it\'s "odd".gpkg>'
    given_to = {"base64_of": lambda name: f"content of {name}"}
    shown = eval(quoting.python(body), given_to)  # noqa: S307 - what it is made of stands above
    assert shown["INPUT"]["value"] == 'content of it\'s "odd".gpkg'
    assert 'base64_of("it\'s \\"odd\\".gpkg")' in quoting.r(body)


def test_a_text_is_never_taken_for_a_file() -> None:
    body = {"a": "\0cities.gpkg\0", "b": FromFile("x\0y")}
    pieces = quoting.json_pieces(body)
    assert [piece for piece in pieces if isinstance(piece, FromFile)] == [FromFile("xy")]
    assert json.loads(quoting.json(body))["a"] == "\0cities.gpkg\0"


# A reader of the part of R that is written ------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*")|(?P<number>-?\d[\d.]*(?:[eE][+-]?\d+)?L?)"""
    r"""|(?P<word>[A-Za-z][A-Za-z0-9._]*)|(?P<sign>[(),=]))""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]{1,4})\}|U\{([0-9a-f]{1,8})\}|([nrt\\\"]))")
_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_RESERVED = {"if", "else", "repeat", "while", "function", "for", "next", "break", *_WORDS}


def read_r(source: str) -> Any:
    """What jsonlite makes of it: a list with names is an object, any other an array."""
    tokens = list(tokens_of(source))
    value, rest = expression(tokens)
    assert not rest
    return value


def tokens_of(source: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found, source[at:]
        assert found.lastgroup
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def text_of(token: str) -> str:
    inner = token[1:-1]
    assert "\\" not in _ESCAPE.sub("", inner), "R knows no other escapes"

    def unescape(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return (
            chr(int(code, 16))
            if code
            else {"n": "\n", "r": "\r", "t": "\t"}.get(found[3], found[3])
        )

    return _ESCAPE.sub(unescape, inner)


def expression(tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
    (kind, token), rest = tokens[0], tokens[1:]
    if kind == "text":
        return text_of(token), rest
    if kind == "number":
        return (int(token[:-1]) if token.endswith("L") else float(token)), rest
    if token in _WORDS:
        return _WORDS[token], rest
    return call(token, rest)


def call(name: str, tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
    assert name in ("list", "structure", "c", "character"), name
    names, values, rest = arguments(tokens)
    if name == "list":
        return (dict(zip(names, values, strict=True)) if any(names) else values), rest
    if name == "structure":
        inner = list(values[0].values()) if isinstance(values[0], dict) else values[0]
        return dict(zip(values[1], inner, strict=True)), rest
    return values, rest


def arguments(tokens: list[tuple[str, str]]) -> tuple[list[str], list[Any], list[tuple[str, str]]]:
    assert tokens[0] == ("sign", "(")
    tokens = tokens[1:]
    names: list[str] = []
    values: list[Any] = []
    while tokens[0] != ("sign", ")"):
        name = ""
        if tokens[1] == ("sign", "="):
            kind, token = tokens[0]
            name = text_of(token) if kind == "text" else token
            assert name, "R takes no empty name"
            assert kind == "text" or name not in _RESERVED
            tokens = tokens[2:]
        value, tokens = expression(tokens)
        names.append(name)
        values.append(value)
        if tokens[0] == ("sign", ","):
            tokens = tokens[1:]
    return names, values, tokens[1:]
