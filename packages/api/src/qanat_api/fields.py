"""The fields of a process's form: what is shown of an input, and what was filled in; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import orjson
from pydantic import JsonValue

from qanat_api.languages import Said
from qanat_api.schemas import PROJECT_LAYER, Branch, branches, escape
from qanat_common.ogc import Description, InputDescription, JsonSchema, Process

HINTS: Mapping[str, str] = {
    "parent": "Of {}",
    "field-type": "It must hold: {}",
    "geometry": "It must hold {}",
    "columns": "Columns: {}",
    "default": "Left empty: {}",
}
"""Role of a note on an input → how a person is told."""

MOST_EXACT = 1e15
"""Up to here a float that is whole is written as a whole number."""

OF_KINDS: Mapping[str, str] = {"matrix": "One row on each line, its cells between commas."}
"""Macro of a kind of fields → how it is filled in."""

DEGREES = (
    "In the {}: metres or feet where that is projected, degrees where it is not (as GeoJSON is)"
)

UNIT_OF_CRS = "of the CRS of "
"""A unit that a layer decides has these words."""


class Unreadable(Exception):
    """What was filled in is none of what a field takes; the text says why."""


@dataclass(frozen=True)
class Upload:
    """A file that was sent with a form."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Filled:
    """What was filled in: name of a control → its texts, and its files."""

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """The text of a control; "" when there is none. The last one counts."""
        found = self.texts.get(key)
        return found[-1].replace("\r\n", "\n") if found else ""

    def all(self, key: str) -> Sequence[str]:
        """All texts of a control."""
        return self.texts.get(key, ())

    def uploads(self, key: str) -> Sequence[Upload]:
        """The files of a control. A browser sends one without a name where none was chosen."""
        return [upload for upload in self.files.get(key, ()) if upload.name or upload.content]


@dataclass(frozen=True)
class Option:
    """One of the values of a choice: `value` as JSON, `title` for people."""

    value: str
    title: str


@dataclass(frozen=True)
class Medium:
    """A media type in which a value may be given; `branch` says how it stands in JSON."""

    media_type: str
    title: str
    branch: Branch


class Kind(Protocol):
    """A kind of fields; `macro` names the template's macro that shows it."""

    macro: ClassVar[str]

    def fits(self, about: InputDescription) -> bool:
        """Whether an input is of this kind."""

    def initial(self, shown: "Field") -> dict[str, list[str]]:
        """What is filled in at first: the default."""

    def read(self, shown: "Field", filled: Filled) -> JsonValue:
        """The value that was filled in, None when there is none. Raises Unreadable."""


@dataclass(frozen=True)
class Field:
    """An input as the form shows it; `id` is that of its control, `key` its name."""

    name: str
    id: str
    about: InputDescription
    kind: Kind

    @property
    def key(self) -> str:
        """The name of its control: the JSON pointer of the input."""
        return f"inputs/{escape(self.name)}"

    @property
    def schema(self) -> JsonSchema:
        """The schema of its value."""
        return self.about.schema_

    @property
    def default(self) -> JsonValue:
        """What is taken when nothing is given; None when nothing is."""
        found: JsonValue = self.schema.get("default")
        return found

    def with_default(self, value: JsonValue) -> "Field":
        """The same, as if this were its default."""
        schema = {**self.schema, "default": value}
        return replace(self, about=self.about.model_copy(update={"schema_": schema}))

    @property
    def title(self) -> str:
        """What people call it."""
        return self.about.title or self.name

    @property
    def required(self) -> bool:
        """Whether it must be filled in."""
        return self.about.min_occurs > 0

    @cached_property
    def roles(self) -> Mapping[str, str]:
        """Role → text, of the notes on it."""
        return roles(self.about)

    @property
    def unit(self) -> str | None:
        """The unit of its number, unless a layer decides."""
        unit = self.roles.get("unit")
        return None if unit is None or UNIT_OF_CRS in unit else unit

    @cached_property
    def hints(self) -> list[str | Said]:
        """What a person should know before filling it in; a plain text is of who describes it."""
        return [text for text in _hints(self) if text]

    @cached_property
    def options(self) -> list[Option]:
        """The values to choose from."""
        inner = self.schema.get("items", {})
        values = self.schema.get("enum") or inner.get("enum") or ()
        return [Option(as_json(value), value_text(value)) for value in values]

    @cached_property
    def layers(self) -> list[str]:
        """The layers of the project that may be chosen."""
        alternatives = self.schema.get("oneOf", ())
        by_name = (each for each in alternatives if each.get("format") == PROJECT_LAYER)
        return [name for each in by_name for name in each["enum"]]

    @cached_property
    def proposals(self) -> list[tuple[str, list[str]]]:
        """What may be written, each group with its title; anything else may be, too."""
        inner = self.schema.get("items", {})
        choices = self.schema.get("anyOf") or inner.get("anyOf") or ()
        return [(each.get("title", ""), each["enum"]) for each in choices if "enum" in each]

    @cached_property
    def media(self) -> list[Medium]:
        """The media types in which it may be given, its default first."""
        return [
            Medium(branch.media_type, title or branch.media_type, branch)
            for branch, title in zip(branches(self.schema), _titles(self.schema), strict=True)
            if branch.media_type
        ]


def roles(about: Description) -> Mapping[str, str]:
    """Role → text, of the notes on an input or a process; the first of a role counts."""
    found: dict[str, str] = {}
    for note in about.metadata or ():
        if note.role and note.title:
            found.setdefault(note.role, note.title)
    return found


def fields(process: Process, kinds: Sequence[Kind]) -> list[Field]:
    """A field for each input: of the first of the kinds that fits it."""
    return [
        Field(name, f"input-{at}", about, next(kind for kind in kinds if kind.fits(about)))
        for at, (name, about) in enumerate(process.inputs.items())
    ]


def as_json(value: JsonValue) -> str:
    """A value as JSON."""
    return orjson.dumps(value).decode()


def value_text(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST_EXACT:
        return str(int(value))
    return value if isinstance(value, str) else as_json(value)


def _titles(schema: JsonSchema) -> list[str | None]:
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    return [each.get("title") for each in alternatives] if alternatives else [None]


def _hints(shown: Field) -> Iterator[str | Said | None]:
    unit = shown.roles.get("unit", "")
    if UNIT_OF_CRS in unit:
        yield Said.of(DEGREES, unit)
    for role, text in HINTS.items():
        if role in shown.roles:
            yield Said.of(text, shown.roles[role])
    if shown.kind.macro in OF_KINDS:
        yield Said.of(OF_KINDS[shown.kind.macro])
    for title, names in shown.proposals:
        yield f"{title}: {', '.join(names)}"
    yield shown.schema.get("description")
    yield _bounds(shown.schema)


def _bounds(schema: JsonSchema) -> Said | None:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum") is True, schema.get("exclusiveMaximum") is True
    if low is not None and high is not None:
        return Said.of(BETWEEN[above, below], f"{low:g}", f"{high:g}")
    if low is not None:
        return Said.of("More than {}" if above else "At least {}", f"{low:g}")
    if high is not None:
        return Said.of("Less than {}" if below else "At most {}", f"{high:g}")
    return None


BETWEEN: Mapping[tuple[bool, bool], str] = {
    (False, False): "From {} to {}",
    (True, False): "From more than {} to {}",
    (False, True): "From {} to less than {}",
    (True, True): "From more than {} to less than {}",
}
"""Whether the ends are left out → how a person is told."""
