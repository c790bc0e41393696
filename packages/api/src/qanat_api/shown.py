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
    """An output; `picture_href` is the address of the picture that was made of it, if any."""

    name: str
    title: str
    value: OutputValue
    href: str
    picture_href: str
    preview: Preview

    @property
    def media_type(self) -> str:
        """The media type of its value, without parameters."""
        return media_range(media_type_of(self.value))

    @property
    def file(self) -> StoredFile | None:
        """Where it lies, unless it is a plain value."""
        return self.value if isinstance(self.value, StoredFile) else None

    @property
    def picture(self) -> Picture | None:
        """The picture that was made of it."""
        return self.file.picture if self.file else None

    @property
    def layer(self) -> bool:
        """Whether it is a layer that others may open by its address."""
        return self.media_type in LAYERS


def outputs(
    links: Links, job_id: str, made: Mapping[str, OutputValue], described: Process | None
) -> list[Shown]:
    """What a job made, without a look into its files."""
    return [_shown(links, job_id, name, value, described) for name, value in made.items()]


def with_preview(shown: Shown, files: Files) -> Shown:
    """The same with a first look at what it holds. Blocks."""
    return replace(shown, preview=_preview(files, shown.value))


def _shown(
    links: Links, job_id: str, name: str, value: OutputValue, described: Process | None
) -> Shown:
    about = described.outputs.get(name) if described else None
    return Shown(
        name=name,
        title=(about.title if about else None) or name,
        value=value,
        href=links.output(job_id, name),
        picture_href=links.picture(job_id, name),
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
