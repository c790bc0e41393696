"""What crosses between services: messages, names of tasks and queues, and the version of it all.

Messages only grow (house rule 22): a field is added with a default, readers ignore what they do not
know, and `tests/contract` holds frozen samples of every message.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from qanat_common.ogc import JobStatus, OutputRequest, Process, Response, Return

PROTOCOL = 1
"""The version of everything in this file; a worker announces the one it speaks."""

TASK_RUN = "qanat.run"
"""The one Celery task: its one argument `job` is a RunJob as JSON."""

MAILBOX = "qanat"
"""Namespace of the control mailbox on which workers announce themselves."""

COMMAND_ANNOUNCE = "qanat_announce"
"""Mailbox command, worker to registries: its one argument `announcement` is an Announcement."""

COMMAND_ANNOUNCE_YOURSELF = "qanat_announce_yourself"
"""Celery control command, registry to workers: please announce yourselves."""


def queue_name(service: str) -> str:
    """The queue from which the workers of a service take their jobs."""
    return f"qanat.{service}"


def offer_queue_name(service: str, digest: str) -> str:
    """The queue of those workers of a service that offer just what `digest` names.

    Jobs go through it only while the workers of a service differ.
    """
    return f"{queue_name(service)}@{digest[:16]}"


class Message(BaseModel):
    """A message between services: fields may come, none may go; what is unknown is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


# Inputs: parsed once, by the api ---------------------------------------------------------------


InvalidGeometries = Literal["stop", "skip", "keep"]
"""What becomes of features with invalid geometries: the job fails, they take no part, or as they are."""


class OfLayer(Message):
    """What may stand beside a layer: `title`, what it is called (some algorithms write or ask for it);
    `layer`, which one of its file it is; `invalid_geometries`, what becomes of features with such.
    """

    media_type: str | None = None
    title: str | None = None
    layer: str | None = None
    invalid_geometries: InvalidGeometries | None = None


class Inline(OfLayer):
    """A value given in the request; `encoding` is "base64" when the value is bytes in text."""

    kind: Literal["inline"] = "inline"
    value: JsonValue = None
    encoding: str | None = None


class Reference(OfLayer):
    """A value to be fetched from an http(s) address; `key` is where it lies in our own storage, if there."""

    kind: Literal["reference"] = "reference"
    href: str
    key: str | None = None


class LocalFile(OfLayer):
    """A fetched reference, never sent; `name` is what it is called at its address, without suffix."""

    kind: Literal["file"] = "file"
    path: str
    name: str | None = None


class Named(Message):
    """A layer of the job's project, by the name that the project's offer has for it."""

    kind: Literal["named"] = "named"
    name: str


Input = Annotated[Inline | Reference | Named, Field(discriminator="kind")]
Inputs = dict[str, Input | list[Input]]
"""Input id → value; a list where the input may occur several times (maxOccurs > 1)."""

INPUTS: TypeAdapter[Inputs] = TypeAdapter(Inputs)
"""Reads and writes them as they lie in the storage, when they are too large for the broker."""

ResolvedInput = Annotated[Inline | LocalFile | Named, Field(discriminator="kind")]
ResolvedInputs = dict[str, ResolvedInput | list[ResolvedInput]]
"""The same after the references were fetched: what the QGIS child gets."""


class Subscriber(Message):
    """Who wants to be told of a job: the address to call when it succeeds, fails, begins to run.

    `base` is the address of the service as the client sees it: the start of links it is told.
    """

    success: str | None = None
    failure: str | None = None
    progress: str | None = None
    base: str


class RunJob(Message):
    """One job to run: api → worker. Holds the whole request, so a lost record can be restored.

    `outputs` None asks for all outputs. `inputs_key` names a file of the storage that holds the
    inputs (JSON) when they are too large for the broker; `inputs` is empty then. `listed_id` is the
    id by which the client asked, where that is not `process_id`; `queue` the queue to which the job
    was sent, where that is not its service's; `owner` who sent it, where the api asks for that. `returns`
    asks for the results by the 2.0 draft, where `outputs` {} asks for none; without it 1.0 says what
    they are. `trace` names the trace it belongs to (W3C Trace Context). `project` names the published
    project in which it runs; workers that do not know that field offer none. `signature`: `signing`.
    """

    v: int = PROTOCOL
    job_id: str
    process_id: str
    service: str
    created: datetime
    inputs: Inputs = Field(default_factory=dict)
    inputs_key: str | None = None
    outputs: dict[str, OutputRequest] | None = None
    response: Response = Response.RAW
    listed_id: str | None = None
    queue: str | None = None
    owner: str | None = None
    subscriber: Subscriber | None = None
    returns: Return | None = None
    trace: dict[str, str] | None = None
    project: str | None = None
    signature: str | None = None


# Outcomes: written once, by the worker ---------------------------------------------------------


class Value(Message):
    """An output that is a JSON value: number, string, boolean, array, object, null."""

    kind: Literal["value"] = "value"
    value: JsonValue = None


class Picture(Message):
    """A small picture of an output, as PNG in the storage; `width` and `height` in pixels."""

    key: str
    width: int
    height: int


class StoredFile(Message):
    """An output that is a file in the storage: `name` is what a client saves, `sha256` in hex digits.

    `crs` is the URI of the CRS of its coordinates, where a code names it; `picture` a first look.
    """

    kind: Literal["file"] = "file"
    key: str
    name: str
    media_type: str
    size: int
    crs: str | None = None
    picture: Picture | None = None
    sha256: str | None = None


OutputValue = Annotated[Value | StoredFile, Field(discriminator="kind")]


class Succeeded(Message):
    """The job ran to its end; outputs that were not made (optional ones) are absent."""

    status: Literal["successful"] = "successful"
    outputs: dict[str, OutputValue] = Field(default_factory=dict)


class Failed(Message):
    """The job ended without results: `code` is one of `qanat_common.errors`, `message` for people."""

    status: Literal["failed"] = "failed"
    code: str
    message: str
    pointer: str | None = None


Outcome = Annotated[Succeeded | Failed, Field(discriminator="status")]


class LogLevel(StrEnum):
    """How much a log line of an algorithm matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogEntry(Message):
    """A line of a job's log: what the algorithm said through its feedback."""

    time: datetime
    level: LogLevel
    message: str


class JobEvent(Message):
    """Something about a job changed: published by whoever changed the record."""

    job_id: str
    status: JobStatus
    progress: int = 0


# Workers ---------------------------------------------------------------------------------------


class WorkerState(StrEnum):
    """What a worker says of itself."""

    READY = "ready"
    DRAINING = "draining"
    LEAVING = "leaving"


class ProviderInfo(Message):
    """A Processing provider of a worker; `algorithms` counts those it offers."""

    id: str
    name: str
    version: str
    algorithms: int


class Announcement(Message):
    """A worker says who it is and what it offers: worker → registries, some 600 bytes.

    `boot` is a UUID of this start of the worker; `serial` grows with each announcement of a boot;
    `digest` names the Offer in the store, `offer_queue` is the queue of those who offer just that
    (None: the worker takes jobs from `queue` only); `versions` has qanat-worker, qgis, gdal, proj, python;
    `sandbox` is how its jobs are confined, such as landlock-6+seccomp, none or off.
    """

    v: int = PROTOCOL
    boot: str
    serial: int
    node: str
    service: str
    queue: str
    title: str = ""
    description: str = ""
    state: WorkerState = WorkerState.READY
    versions: dict[str, str] = Field(default_factory=dict)
    providers: list[ProviderInfo] = Field(default_factory=list)
    processes: int = 0
    refused: int = 0
    slots: int = 1
    labels: dict[str, str] = Field(default_factory=dict)
    sandbox: str | None = None
    digest: str
    offer_queue: str | None = None


class Refusal(Message):
    """An algorithm that is not offered, and why."""

    id: str
    reason: str


class ProjectField(Message):
    """A field of a vector layer; `type` is text, integer, bigint, real, boolean, date, time, …"""

    name: str
    type: str


class ProjectLayer(Message):
    """A layer of a project that jobs may take as an input, by its `name`, which no other has.

    `kind` is vector, raster, mesh or pointcloud; `geometry` of vector layers is points, lines, polygons, none or
    unknown; `extent` is least x and y, greatest x and y, in `crs`.
    """

    name: str
    kind: str
    title: str = ""
    geometry: str | None = None
    crs: str | None = None
    extent: list[float] | None = None
    fields: list[ProjectField] = Field(default_factory=list)
    bands: int | None = None


class ProjectLayout(Message):
    """A print layout of a project; `items` are the maps on it, by their names."""

    name: str
    atlas: bool = False
    items: list[str] = Field(default_factory=list)


class Project(Message):
    """A published project: what jobs that name it may use. `processes` are its own models."""

    name: str
    title: str = ""
    description: str = ""
    crs: str | None = None
    ellipsoid: str | None = None
    layers: list[ProjectLayer] = Field(default_factory=list)
    layouts: list[ProjectLayout] = Field(default_factory=list)
    themes: list[str] = Field(default_factory=list)
    processes: list[Process] = Field(default_factory=list)


class Offer(Message):
    """All that a worker offers: content-addressed, kept in the store under its digest.

    `aliases` has ids of older versions of QGIS, each with the id of what is offered in its place.
    `in_projects` are processes as they are in any project: those that need one, and those that take
    more inputs there than they do without.
    """

    v: int = PROTOCOL
    processes: list[Process]
    refused: list[Refusal] = Field(default_factory=list)
    aliases: dict[str, str] = Field(default_factory=dict)
    projects: list[Project] | None = None
    in_projects: list[Process] | None = None


class OfferEntry(Message):
    """Workers of a service that offer the same; `queue` is theirs alone, None where they have none."""

    digest: str
    queue: str | None = None
    protocol: int = PROTOCOL
    qgis: str = ""
    providers: list[ProviderInfo] = Field(default_factory=list)
    workers: int = 0
    slots: int = 0


class ServiceEntry(Message):
    """A service of the catalogue: workers that share a queue. `digests` are of its offers.

    `protocol` and `qgis` are the oldest among its workers; `offers` the newest first; `labels` those
    that all of them have.
    """

    name: str
    queue: str
    title: str = ""
    description: str = ""
    protocol: int = PROTOCOL
    qgis: str = ""
    digests: list[str]
    workers: int
    slots: int
    draining: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    offers: list[OfferEntry] = Field(default_factory=list)


class Catalog(Message):
    """What the registry knows: registry → api.

    `complete` is false while a registry that has just started still listens for who is there:
    a reader then adds what it sees and takes nothing away.
    """

    v: int = PROTOCOL
    complete: bool
    services: list[ServiceEntry] = Field(default_factory=list)


def wire(message: Message) -> dict[str, Any]:
    """The JSON object of a message, as it goes over the broker."""
    return message.model_dump(mode="json", by_alias=True, exclude_none=True)
