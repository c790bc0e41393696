"""The settings of a worker: the table [worker] beside the shared keys."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from qanat_common.monitor import MonitorSettings
from qanat_common.settings import Section, SharedSettings
from qanat_common.transport import LONGEST_JOB_SECONDS

GIB = 1 << 30


Sandbox = Literal["required", "best-effort", "off"]

Folders = list[Annotated[Path, AfterValidator(Path.absolute)]]
"""Relative ones are meant from where the worker was started."""


class LimitSettings(Section):
    """What one job may use; each limit ends the job as failed, with the limit in words."""

    wall_seconds: float = Field(
        default=3600,
        gt=0,
        le=LONGEST_JOB_SECONDS,
        description="How long a job may run, in seconds; fetching its inputs is not counted.",
    )
    cpu_seconds: int | None = Field(
        default=None,
        ge=1,
        description="How much processor time a job and the programs it starts may use, in seconds. Not"
        " set: as much as all processors give within wall_seconds.",
    )
    memory_bytes: int = Field(
        default=2 * GIB,
        ge=1 << 20,
        description="How much memory a job and the programs it starts may use, in bytes, beyond what"
        " an idle process of this worker has.",
    )
    output_bytes: int = Field(
        default=4 * GIB,
        ge=1 << 10,
        description="How many bytes a job may write, temporary files included.",
    )
    files: int = Field(
        default=10_000,
        ge=1,
        description="How many files and folders a job may have at a time, temporary ones included.",
    )
    open_files: int = Field(
        default=1024, ge=64, description="How many files each process of a job may have open."
    )
    processes: int = Field(
        default=64,
        ge=1,
        description="How many processes a job may have at a time: its own, and the programs it starts.",
    )


class FetchSettings(Section):
    """How inputs that are given by reference are fetched."""

    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts that may be fetched from although their address is not public, each as"
        ' host:port ("data.internal:8080"). Every other host must have a public address.',
    )
    ports: list[int] = Field(
        default=[80, 443], description="The ports that may be fetched from at public hosts."
    )
    max_bytes: int = Field(
        default=GIB, ge=1, description="How many bytes the fetched inputs of a job may have in all."
    )
    seconds: float = Field(
        default=300, gt=0, description="How long one fetch may take, in seconds."
    )
    all_seconds: float = Field(
        default=3600,
        gt=0,
        description="How long all fetches of a job may take together, in seconds.",
    )
    redirects: int = Field(
        default=3, ge=0, description="How many redirects are followed; each address is checked."
    )


class QgisSettings(Section):
    """Where QGIS is, and what of it is offered."""

    python_paths: list[Path] = Field(
        default=[
            Path("/usr/lib/python3/dist-packages"),
            Path("/usr/share/qgis/python"),
            Path("/usr/share/qgis/python/plugins"),
        ],
        description="Folders of QGIS's Python, searched last, when `qgis` cannot be imported.",
    )
    prefix_path: Path = Field(
        default=Path("/usr"), description="The prefix under which QGIS is installed."
    )
    models: Folders = Field(
        default_factory=list,
        description="Folders of models (.model3, also in folders within) that are published, each as"
        " model:NAME. In the all-in-one: `models` in the data folder.",
    )
    scripts: Folders = Field(
        default_factory=list,
        description="Folders of Processing scripts (.py) that are published, each as script:NAME. They"
        " are code that the worker runs. In the all-in-one: `scripts` in the data folder.",
    )
    plugins: Folders = Field(
        default_factory=list,
        description="Folders of QGIS plugins, each in a folder of its own, whose algorithms are"
        " published. They are code that the worker runs. In the all-in-one: `plugins` in the data"
        " folder.",
    )

    projects: Folders = Field(
        default_factory=list,
        description="Folders of QGIS projects (.qgs, .qgz, also in folders within) that are published,"
        " each by the name of its file: jobs may run in them (`?project=NAME`). In the all-in-one:"
        " `projects` in the data folder.",
    )
    project_addresses: dict[str, str] = Field(
        default_factory=dict,
        description="Name → address of published projects that are no files: in a GeoPackage,"
        ' "geopackage:/srv/gis/plans.gpkg?projectName=roads", or in a database'
        ' ("postgresql://gis:word@db.internal?dbname=gis&schema=public&project=roads", with the data provider'
        " postgres).",
    )
    data_providers: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]] = Field(
        default_factory=list,
        description="Data providers of QGIS that layers of projects need besides ogr, gdal, mdal,"
        " virtual and memory: postgres, spatialite, delimitedtext, wfs, wms, … Those that open"
        " connections need `worker.network` too.",
    )
    allow: list[str] = Field(
        default=["*"],
        description="Patterns of the ids that may be offered, with * and ?: `gdal:*` is all of a provider,"
        " `native:buffer` one algorithm.",
    )
    deny: list[str] = Field(
        default_factory=list,
        description="Patterns of ids that are not offered, whatever `allow` says.",
    )
    allow_hazards: list[str] = Field(
        default_factory=list,
        description="Patterns of ids that are offered although the table of hazards denies them"
        " (reference/parameter-types.md): for a service whose clients are trusted.",
    )
    open_parameters: list[str] = Field(
        default_factory=list,
        description="Patterns of parameters that clients may give although the table of hazards leaves"
        " them out, as `gdal:translate.EXTRA`; what they give is not looked at. It lets clients run"
        " code: for a service whose clients are trusted.",
    )
    deprecated: bool = Field(
        default=False,
        description="Whether algorithms are offered that QGIS has replaced by others, and hides.",
    )
    raster_pixels: int = Field(
        default=10**10,
        ge=1,
        description="How many pixels a raster may have that a client gives, width by height: a small file"
        " may claim any number. Rasters of projects are not counted.",
    )

    @property
    def code(self) -> list[Path]:
        """The folders of which every file counts."""
        return [*self.models, *self.scripts, *self.plugins]

    @property
    def published(self) -> list[Path]:
        """All folders in which something is published by putting it there."""
        return [*self.code, *self.projects]


class WorkerSettings(Section):
    """The table [worker]."""

    service: str = Field(
        default="default",
        pattern=r"^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$",
        description="The service that this worker belongs to: workers of a service share its queue"
        " and offer the same processes.",
    )
    title: str = Field(default="", description="What the service is called, for people.")
    description: str = Field(default="", description="What the service is for.")
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="Labels shown beside the worker, such as a site or a zone.",
    )
    slots: int = Field(default=2, ge=1, le=256, description="How many jobs run at the same time.")
    spares: int = Field(
        default=2,
        ge=1,
        le=64,
        description="How many processes stand ready for the next jobs; each takes some 10 MB.",
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        description="How often a job is started in all when its worker is lost while it runs.",
    )
    beat_seconds: float = Field(
        default=5, gt=0, description="How often the worker announces itself, in seconds."
    )
    drain_timeout: float = Field(
        default=30,
        ge=0,
        description="How long running jobs may go on when the worker is told to stop, in seconds; then"
        " they are given back, and another worker runs them.",
    )
    renew_queue_after: float = Field(
        default=20,
        ge=0,
        description="A queue that RabbitMQ keeps without a leader takes no jobs and gives none. After so many"
        " seconds of it, while RabbitMQ itself answers, the queue is deleted and declared anew; its jobs"
        " are sent again. 0: never.",
    )
    start_timeout: float = Field(
        default=180, gt=0, description="How long the engine may take to start, in seconds."
    )
    work_folder: Path = Field(
        default=Path("/var/lib/qanat/work"),
        description="Where running jobs have their folders; several workers may share it.",
    )
    engine: str = Field(
        default="qgis",
        description="What runs the jobs: qgis; echo, which needs no QGIS and only gives inputs back; or"
        " module:factory of another engine.",
    )
    echo: bool = Field(
        default=False,
        description="Whether the process qanat:echo is offered beside those of the engine: it gives back"
        " its inputs, for trying clients and for the OGC test suite. In the all-in-one: true.",
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Environment variables that the jobs see; of the worker's own they see only PATH,"
        " LANG, LC_*, TZ. No secrets: expressions of clients can read them.",
    )
    sandbox: Sandbox = Field(
        default="best-effort",
        description="How the process of a job is confined (Landlock and seccomp): required, the worker"
        " starts only where the kernel has both; best-effort, by what it has; off.",
    )
    network: bool = Field(
        default=False,
        description="Whether a confined job may open connections to other machines.",
    )
    readable: list[Path] = Field(
        default_factory=list,
        description="Files and folders that a confined job may read, besides the system's programs and"
        " libraries, Python and QGIS.",
    )
    picture_pixels: int = Field(
        default=512,
        ge=0,
        le=2048,
        description="How many pixels the longer side of the pictures may have that are made of raster"
        " results, for the pages; 0 makes none.",
    )
    limits: LimitSettings = Field(default_factory=LimitSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    qgis: QgisSettings = Field(default_factory=QgisSettings)
    monitor: MonitorSettings = Field(default_factory=MonitorSettings)


class Settings(SharedSettings):
    """All that a worker is told."""

    worker: WorkerSettings = Field(default_factory=WorkerSettings)
