"""The settings of the registry: the shared ones, and the table [registry]."""

from pydantic import Field

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

    @property
    def lease_seconds(self) -> float:
        """How long a worker may be silent."""
        return self.beat_seconds * self.lease_beats


class Settings(SharedSettings):
    """What the registry reads of a settings file."""

    registry: RegistrySettings = Field(default_factory=RegistrySettings)
