"""The languages of what is ours: which one a client likes best, and our texts in it.

A catalogue, `locales/LANGUAGE.toml`, has our English texts as its keys; a text that it has not stays
English. Templates are translated as they are compiled: what stands between tags, in attributes for
people, and in strings. What others wrote, such as titles of processes, is left as it is.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from qanat_api.negotiation import accepted

ENGLISH = "en"

LANGUAGES: Mapping[str, str] = {ENGLISH: "English", "de": "Deutsch", "fr": "Français"}
"""Language → its own name."""

_FOR_PEOPLE = re.compile(r'((?:aria-label|alt|placeholder|title)=")([^"]+)')
"""An attribute that people read, and the text with which it begins."""

_SENTENCE = re.compile(r"[A-Z]|.* ")
"""A string of a template that may be for people: others are names."""

_VERBATIM = re.compile(r"<(/?)(?:code|pre|script|style)\b")


def language(header: str | None) -> str:
    """The language that a client likes best of ours (Accept-Language); English without one."""
    best, most = ENGLISH, 0.0
    for name, quality in accepted(header).items():
        primary = name.partition("-")[0]
        if primary in LANGUAGES and quality > most:
            best, most = primary, quality
    return best


@cache
def catalogue(name: str) -> Mapping[str, str]:
    """English text → the same in a language."""
    if name == ENGLISH:
        return {}
    place = resources.files("qanat_api.locales").joinpath(f"{name}.toml")
    found: Mapping[str, str] = tomllib.loads(place.read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Said:
    """A text of ours with values in it, which are told as they are; `{}` is where each belongs."""

    text: str
    values: tuple[object, ...] = ()

    @classmethod
    def of(cls, text: str, *values: object) -> "Said":
        """A text; the one that catalogues have."""
        return cls(text, values)

    def __str__(self) -> str:
        """In English."""
        return self.text.format(*self.values)


def told(text: "str | Said", name: str) -> str:
    """A text of ours in a language; blanks around it stay."""
    if isinstance(text, Said):
        return told(text.text, name).format(*text.values)
    key = " ".join(text.split())
    if not key:
        return text
    at = text.index(text.strip()[0])
    end = len(text) - len(text.rstrip())
    return text[:at] + catalogue(name).get(key, text.strip()) + (text[-end:] if end else "")


class Translation(Extension):
    """Templates in the language of their environment."""

    def __init__(self, environment: Environment) -> None:
        """`environment.globals["language"]` is the language."""
        super().__init__(environment)
        self._language = str(environment.globals.get("language", ENGLISH))

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The template's tokens, its texts translated."""
        within = Within()
        for token in stream:
            if token.type == "data":
                parts = within.parts(str(token.value))
                value = "".join(
                    told(text, self._language) if ours else text for text, ours in parts
                )
                yield Token(token.lineno, "data", value)
            elif token.type == "string" and _SENTENCE.match(str(token.value)):
                yield Token(token.lineno, "string", told(str(token.value), self._language))
            else:
                yield token


class Within:
    """Where in a page a template has got to: in a tag, in what is shown verbatim, or in a text."""

    def __init__(self) -> None:
        """At the beginning, in no tag."""
        self._in_tag = False
        self._verbatim = 0

    def parts(self, data: str) -> Iterator[tuple[str, bool]]:
        """The pieces of some markup, and whether each is a text for people."""
        for piece in re.split(r"([<>])", data):
            if piece == "<":
                self._in_tag = True
            yield from self._inner(piece)
            if piece == ">":
                self._in_tag = False

    def _inner(self, piece: str) -> Iterator[tuple[str, bool]]:
        if piece in ("<", ">"):
            yield piece, False
        elif self._in_tag:
            opened = _VERBATIM.match("<" + piece)
            if opened:
                self._verbatim += -1 if opened[1] else 1
            for at, text in enumerate(_FOR_PEOPLE.split(piece)):
                yield text, at % 3 == 2
        else:
            yield piece, not self._verbatim
