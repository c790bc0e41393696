"""The port between the worker and its engine: what a job is to the engine, and what comes back."""

from collections.abc import Mapping
from typing import Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field

from qanat_common.ogc import OutputRequest
from qanat_common.protocol import (
    LogLevel,
    Message,
    Offer,
    ProviderInfo,
    ResolvedInputs,
    Value,
)


class Task(Message):
    """One job as the engine sees it; `folder` is the job's own, and the current one.

    `outputs` None asks for all outputs; `project` names the published project in which it runs.
    """

    process_id: str
    inputs: ResolvedInputs
    outputs: dict[str, OutputRequest] | None
    folder: str
    project: str | None = None


class ProducedPicture(Message):
    """A picture of an output, as PNG in the job's folder; `width` and `height` in pixels."""

    path: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class ProducedFile(Message):
    """An output that is a file in the job's folder; `name` is what a client saves it as.

    `crs` is the URI of the CRS of its coordinates, where it has any; `picture` a first look at it.
    """

    kind: Literal["file"] = "file"
    path: str
    name: str
    media_type: str
    crs: str | None = None
    picture: ProducedPicture | None = None


Produced = Annotated[Value | ProducedFile, Field(discriminator="kind")]


class Feedback(Protocol):
    """What an engine says while it runs a job."""

    def progress(self, percent: float) -> None:
        """How far the job is, from 0 to 100; as often as the engine likes."""

    def log(self, level: LogLevel, message: str) -> None:
        """A line for the job's log, written for the client."""


class Engine(Protocol):
    """What runs jobs: started once in the warm parent, forked for each job."""

    def offer(self) -> Offer:
        """The processes it can run, and those it refuses."""

    def versions(self) -> dict[str, str]:
        """Name → version of what it is made of, such as qgis, gdal, proj, python."""

    def providers(self) -> list[ProviderInfo]:
        """Where its processes come from."""

    def warm_up(self) -> None:
        """Do once, on data of its own, what makes the first job slow; before any fork."""

    def run(self, task: Task, feedback: Feedback) -> dict[str, Produced]:
        """Run one job; raises a `QanatError` for what a client may know."""


@runtime_checkable
class Rehearsing(Protocol):
    """An engine whose children use the time before their job comes."""

    def rehearse(self) -> None:
        """Called in each child right after the fork, before it has a folder or a job.

        Goes the way of a small job on data of its own, so that the pages which every job writes are
        copied by then; leaves no trace and no file, and fails silently rather than loudly.
        """


@runtime_checkable
class Picturing(Protocol):
    """An engine that makes small pictures of what a job has made."""

    def pictures(
        self, outputs: Mapping[str, Produced], folder: str, longest: int
    ) -> dict[str, ProducedPicture]:
        """Pictures of those outputs that can be shown as one; called in a child when its job is done.

        `longest` is how many pixels the longer side may have; `folder` is that of the job. What cannot
        be shown has none.
        """
