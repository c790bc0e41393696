"""The first look at an output: a map and a table, a picture, or a text; pure."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import JsonValue

from qanat_api.languages import Said
from qanat_api.negotiation import media_range
from qanat_common.ogc import GEOJSON, JSON
from qanat_common.protocol import OutputValue, StoredFile

LARGEST = 5_000_000
"""Files up to so many bytes are looked into."""

MOST_ROWS = 100
MOST_COLUMNS = 30
LONGEST_TEXT = 20_000
LONGEST_CELL = 200

PICTURES = frozenset({"image/png", "image/jpeg"})
"""What a browser shows, and can do no harm."""


@dataclass(frozen=True)
class Preview:
    """What is shown of an output; `total` counts the rows that there are, `mapped` says that it has places."""

    text: str | None = None
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    total: int = 0
    mapped: bool = False
    pictured: bool = False
    notes: Sequence[Said] = field(default_factory=tuple)


def needs_content(value: OutputValue) -> bool:
    """Whether the content of a file is to be looked into."""
    return (
        isinstance(value, StoredFile)
        and value.size <= LARGEST
        and _reader(value.media_type) is not None
    )


def of_file(media_type: str, content: bytes | None) -> Preview:
    """The first look at a file, whose content was read if it is to be looked into."""
    reader = _reader(media_type)
    if content is None or reader is None:
        return Preview(pictured=media_range(media_type) in PICTURES)
    try:
        return reader(content)
    except ValueError:
        return Preview(notes=(Said.of("It cannot be shown: it is not {}.", media_type),))


def of_value(value: JsonValue) -> Preview:
    """The first look at a value."""
    if isinstance(value, dict) and _features(value) is not None:
        return _of_features(value)
    return Preview(text=value if isinstance(value, str) else _laid_out(value))


def _reader(media_type: str) -> Callable[[bytes], Preview] | None:
    kind = media_range(media_type)
    return _READERS.get(kind) or (_of_text if kind.startswith("text/") else None)


def _of_geojson(content: bytes) -> Preview:
    return of_value(orjson.loads(content))


def _features(value: Mapping[str, Any]) -> list[Any] | None:
    if value.get("type") == "Feature":
        return [value]
    found = value.get("features")
    return found if value.get("type") == "FeatureCollection" and isinstance(found, list) else None


def _of_features(value: Mapping[str, Any]) -> Preview:
    features = [each for each in _features(value) or () if isinstance(each, dict)]
    shown = [each.get("properties") or {} for each in features[:MOST_ROWS]]
    columns = list(dict.fromkeys(str(name) for row in shown for name in row))[:MOST_COLUMNS]
    return Preview(
        columns=columns,
        rows=[[_cell(row.get(name)) for name in columns] for row in shown] if columns else (),
        total=len(features),
        mapped=any(each.get("geometry") for each in features),
        notes=(_counted(features),),
    )


def _counted(features: Sequence[Mapping[str, Any]]) -> Said:
    """How many features there are of each type of geometry."""
    if not features:
        return Said.of("No features.")
    counts: dict[str, int] = {}
    for each in features:
        geometry = each.get("geometry")
        name = str(geometry.get("type")) if isinstance(geometry, dict) else "without geometry"
        counts[name] = counts.get(name, 0) + 1
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    if len(features) == 1:
        return Said.of("1 feature: {}", told)
    return Said.of("{} features: {}", len(features), told)


def _of_csv(content: bytes) -> Preview:
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    if not lines:
        return Preview(notes=(Said.of("An empty table."),))
    rows = [[_cell(cell) for cell in line[:MOST_COLUMNS]] for line in lines[1 : MOST_ROWS + 1]]
    return Preview(columns=lines[0][:MOST_COLUMNS], rows=rows, total=len(lines) - 1)


def _of_json(content: bytes) -> Preview:
    return of_value(orjson.loads(content))


def _of_text(content: bytes) -> Preview:
    text = content.decode("utf-8", "replace")
    if len(text) <= LONGEST_TEXT:
        return Preview(text=text)
    return Preview(text=text[:LONGEST_TEXT], notes=(Said.of("Only its beginning is shown."),))


_READERS: Mapping[str, Callable[[bytes], Preview]] = {
    GEOJSON: _of_geojson,
    JSON: _of_json,
    "text/csv": _of_csv,
}


def _laid_out(value: JsonValue) -> str:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …"


def _cell(value: JsonValue) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"
