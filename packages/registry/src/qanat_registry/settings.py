"""The settings of the registry: the shared ones, and the table [registry]."""

from pydantic import Field

from qanat_common.monitor import MonitorSettings
from qanat_common.settings import Section, SharedSettings


class RegistrySettings(Section):
    """Where the registry answers, and how long it waits for whom."""

    host: str = Field(default="127.0.0.1", description="The address it listens on.")
    port: int = Field(default=9081, ge=0, le=65535, description="The port it listens on.")
    beat_seconds: float = Field(
        default=5.0, gt=0, description="How often workers announce themselves: as in [worker]."
    )
    lease_beats: float = Field(
        default=3.0,
        ge=1.5,
        description="A worker that was silent for so many beats is taken off the catalogue.",
    )
    scan_seconds: float = Field(
        default=30.0,
        gt=0,
        description="How often all workers are asked to announce themselves, beside their beats.",
    )
    sweep_seconds: float = Field(
        default=1.0,
        gt=0,
        description="How often jobs are looked for that lost their message or their worker.",
    )
    keep_seconds: float = Field(
        default=7 * 86_400,
        ge=0,
        description="How long a job that has ended is kept, with its results and its log, in seconds;"
        " 0: for ever. Its status tells when it expires, and that stays when this setting changes.",
    )
    orphan_seconds: float = Field(
        default=86_400,
        gt=0,
        description="How old files in the storage must be, in seconds, to be taken away when no job is"
        " known that they belong to, as uploads are: longer than a job may wait to be run.",
    )
    clean_seconds: float = Field(
        default=10.0,
        gt=0,
        description="How often expired jobs are looked for. The registry must see the storage for it.",
    )
    monitor: MonitorSettings = Field(default_factory=MonitorSettings)

    @property
    def lease_seconds(self) -> float:
        """How long a worker may be silent."""
        return self.beat_seconds * self.lease_beats


class Settings(SharedSettings):
    """What the registry reads of a settings file."""

    registry: RegistrySettings = Field(default_factory=RegistrySettings)
