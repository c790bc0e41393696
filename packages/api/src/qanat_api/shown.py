"""The outputs of a job as pages show them: with a picture, and a first look at what they hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from qanat_api import previews
from qanat_api.languages import Said
from qanat_api.links import Links
from qanat_api.negotiation import media_range
from qanat_api.previews import Preview
from qanat_api.responses import media_type_of
from qanat_common.ogc import GEOJSON, Process
from qanat_common.protocol import OutputValue, Picture, StoredFile

LAYERS = frozenset(
    {
        GEOJSON,
        "application/flatgeobuf",
        "application/geopackage+sqlite3",
        "application/gml+xml",
        "application/vnd.google-earth.kml+xml",
        "image/tiff",
    }
)
"""Media types of files that QGIS opens as layers by their address."""


class Files(Protocol):
    """Where files lie; blocks. Raises FileNotFoundError."""

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a file."""


@dataclass(frozen=True)
class Shown:
    """An output; `picture` is one that was made of it, whose address is `picture_href`."""

    name: str
    title: str
    media_type: str
    href: str
    file: StoredFile | None
    picture: Picture | None
    picture_href: str
    layer: bool
    """Whether it is a layer that others may open by its address."""
    preview: Preview


def outputs(
    links: Links, job_id: str, made: Mapping[str, OutputValue], described: Process | None
) -> list[Shown]:
    """What a job made, without a look into it."""
    return [_shown(links, job_id, name, value, described) for name, value in made.items()]


def with_preview(shown: Shown, files: Files, value: OutputValue) -> Shown:
    """The same with a first look at what it holds. Blocks."""
    return replace(shown, preview=_preview(files, value))


def _shown(
    links: Links, job_id: str, name: str, value: OutputValue, described: Process | None
) -> Shown:
    about = described.outputs.get(name) if described else None
    file = value if isinstance(value, StoredFile) else None
    return Shown(
        name=name,
        title=(about.title if about else None) or name,
        media_type=media_range(media_type_of(value)),
        href=links.output(job_id, name),
        file=file,
        picture=file.picture if file else None,
        picture_href=links.picture(job_id, name),
        layer=media_range(media_type_of(value)) in LAYERS,
        preview=Preview() if isinstance(value, StoredFile) else previews.of_value(value.value),
    )


def _preview(files: Files, value: OutputValue) -> Preview:
    if not isinstance(value, StoredFile):
        return previews.of_value(value.value)
    if not previews.needs_content(value):
        return previews.of_file(value.media_type, None)
    try:
        return previews.of_file(value.media_type, b"".join(files.stream(value.key)))
    except FileNotFoundError:
        return Preview(notes=(Said.of("The file is no longer there."),))
