"""OGC API - Processes documents: what clients read and send, in the words of the standard.

Source: OGC 18-062r2 (Part 1: Core, 1.0); the schema file of each model is named in its docstring.
Absent members are left out, never sent as null: serialise with `document()`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
"""Prefix of the link relations that OGC registered: conformance, processes, execute, results, …"""

CONFORMANCE = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
"""Prefix of the conformance classes of Part 1, 1.0."""

PROFILE = "https://www.opengis.net/def/profile/OGC/0/"
"""Prefix of the profiles of the 2.0 draft: ogc-process-list, ogc-results, job-description, …"""

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
"""The CRS of a bounding box and of GeoJSON that names none: longitude, latitude on WGS 84."""

JSON = "application/json"
GEOJSON = "application/geo+json"

OTHER_NAMES = {
    "application/csv": "text/csv",
    "application/grib": "application/wmo-grib",
    "application/json": GEOJSON,
    "application/parquet": "application/vnd.apache.parquet",
    "application/shapefile+zip": "application/zip",
    "application/vnd.geo+json": GEOJSON,
    "application/vnd.sqlite3": "application/geopackage+sqlite3",
    "application/wmo-grib2": "application/wmo-grib",
    "application/x-gpkg": "application/geopackage+sqlite3",
    "application/x-grib": "application/wmo-grib",
    "application/x-netcdf": "application/netcdf",
    "application/x-parquet": "application/vnd.apache.parquet",
    "application/x-shapefile": "application/zip",
    "application/x-sqlite3": "application/geopackage+sqlite3",
    "application/x-zip-compressed": "application/zip",
    "image/geotiff": "image/tiff",
    "image/x-geotiff": "image/tiff",
    "text/xml": "application/gml+xml",
}
"""Media type, without parameters → the one that is described here, where a client uses another name."""

JsonSchema = dict[str, Any]
"""A schema in the dialect of OpenAPI 3.0, as `schema.yaml` of 1.0 limits it (digest, section 4.2)."""


class Document(BaseModel):
    """A model whose JSON members are camelCase; members it does not know are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )

    def document(self) -> dict[str, Any]:
        """The JSON object of this document, without absent members."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Link(Document):
    """link.yaml (RFC 8288)."""

    href: str
    rel: str
    type: str | None = None
    hreflang: str | None = None
    title: str | None = None


NUMBERED = "numbered"
"""Role of the metadata of an input whose options may be given by their numbers, counted from 0, too."""


class Metadata(Document):
    """An entry of `metadata`: `role` says what it is, `title` says it."""

    role: str | None = None
    title: str | None = None
    href: str | None = None


class JobControl(StrEnum):
    """jobControlOptions.yaml."""

    SYNC = "sync-execute"
    ASYNC = "async-execute"
    DISMISS = "dismiss"


class Transmission(StrEnum):
    """transmissionMode.yaml."""

    VALUE = "value"
    REFERENCE = "reference"


class Description(Document):
    """descriptionType.yaml: what a process, an input and an output have in common."""

    title: str | None = None
    description: str | None = None
    keywords: list[str] | None = None
    metadata: list[Metadata] | None = None


class InputDescription(Description):
    """inputDescription.yaml."""

    schema_: JsonSchema = Field(alias="schema")
    min_occurs: int = 1
    max_occurs: int | Literal["unbounded"] = 1

    @property
    def repeated(self) -> bool:
        """Whether several values may be given, as an array (req process-execute-input-array)."""
        return self.max_occurs == "unbounded" or self.max_occurs > 1


class OutputDescription(Description):
    """outputDescription.yaml."""

    schema_: JsonSchema = Field(alias="schema")


class ProcessSummary(Description):
    """processSummary.yaml."""

    id: str
    version: str
    job_control_options: list[JobControl] = Field(default_factory=lambda: list(JobControl))
    output_transmission: list[Transmission] = Field(default_factory=lambda: list(Transmission))
    links: list[Link] | None = None


class Process(ProcessSummary):
    """process.yaml: a process with its inputs and outputs; `qgis_version` and `service` are ours."""

    qgis_version: str | None = None
    service: str | None = None

    inputs: dict[str, InputDescription] = Field(default_factory=dict)
    outputs: dict[str, OutputDescription] = Field(default_factory=dict)

    def summary(self) -> ProcessSummary:
        """The same process as `/processes` lists it."""
        return ProcessSummary.model_validate(self.model_dump(include=_SUMMARY))


_SUMMARY = set(ProcessSummary.model_fields)


class Format(Document):
    """format.yaml: of a value, or asked of an output."""

    media_type: str | None = None
    encoding: str | None = None
    schema_: str | JsonSchema | None = Field(default=None, alias="schema")


class OutputRequest(Document):
    """output.yaml: how one output is asked for."""

    format: Format | None = None
    transmission_mode: Transmission = Transmission.VALUE


class Response(StrEnum):
    """The member `response` of execute.yaml."""

    RAW = "raw"
    DOCUMENT = "document"


class Subscriber(Document):
    """subscriber.yaml: whom to call when the job succeeds, begins to run, fails."""

    success_uri: str | None = None
    in_progress_uri: str | None = None
    failed_uri: str | None = None


class Return(StrEnum):
    """The preference `return` (RFC 7240, 4.2), by which the 2.0 draft asks for results.

    Minimal: large values by links; representation: all values in place.
    """

    MINIMAL = "minimal"
    REPRESENTATION = "representation"


class Execute(Document):
    """execute.yaml: the body of POST /processes/{id}/execution; `outputs` absent asks for all."""

    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    outputs: dict[str, OutputRequest] | None = None
    response: Response = Response.RAW
    subscriber: Subscriber | None = None


class JobStatus(StrEnum):
    """statusCode.yaml."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


class ExceptionReport(Document):
    """exception.yaml (RFC 9457): `errors` names each member at fault by a JSON pointer."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[dict[str, str]] | None = None


class StatusInfo(Document):
    """statusInfo.yaml of 1.0 and of the 2.0 draft at once: `job_id` and `id` are the same.

    `progress` is a percentage, times carry their zone; `exception` says why a job failed. `expires`
    is our own: from then on the job may be taken away, with its results.
    """

    job_id: str = Field(alias="jobID")
    id: str
    processing_entity_type: Literal["ogc-api-processes"] = "ogc-api-processes"
    process_id: str = Field(alias="processID")
    type: Literal["process"] = "process"
    status: JobStatus
    message: str | None = None
    exception: ExceptionReport | None = None
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    progress: int | None = Field(default=None, ge=0, le=100)
    links: list[Link] = Field(default_factory=list)
