"""The settings of the api: the shared ones, and the table [api]."""

from typing import Literal

from pydantic import Field, IPvAnyNetwork

from qanat_common.settings import Section, SharedSettings


class CorsSettings(Section):
    """Whether pages of other sites may use the service from a browser."""

    origins: list[str] = Field(
        default_factory=list,
        description="Sites whose pages may: `https://app.example.org`, or `*` for all. Empty: none.",
    )
    max_age: int = Field(
        default=600,
        ge=0,
        description="For how many seconds a browser may remember that it was allowed to ask.",
    )


class ApiSettings(Section):
    """Where the api answers, what it says of itself, and how much it takes."""

    host: str = Field(default="127.0.0.1", description="The address it listens on.")
    port: int = Field(default=9080, ge=0, le=65535, description="The port it listens on.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="The address under which clients see it, such as https://example.org/gis: the"
        " start of every link. Empty: what the request says.",
    )
    path_prefix: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="A path that stands before ours in requests, such as /gis, where a proxy leaves it"
        " in place. Requests without it are answered too. Empty: the proxy takes it away, or there is"
        " none.",
    )
    trusted_proxies: list[IPvAnyNetwork] = Field(
        default_factory=list,
        description="Addresses and networks of proxies, such as 10.0.0.7 or 10.1.0.0/16, that are"
        " believed what they say of a request: who asked, and as which host, scheme and path. Empty:"
        " none is. Such a proxy must set or remove each of these headers itself.",
    )
    proxy_headers: Literal["x-forwarded", "forwarded"] = Field(
        default="x-forwarded",
        description="How trusted proxies say it: by X-Forwarded-For, -Proto, -Host and -Prefix, or by"
        " Forwarded (RFC 7239). The other one is passed over.",
    )
    registry_url: str = Field(
        default="http://127.0.0.1:9081",
        pattern=r"^https?://[^\s?#]+$",
        description="Where the registry answers.",
    )
    title: str = Field(default="Qanat", description="The title of the service.")
    description: str = Field(
        default="QGIS Processing as OGC API - Processes",
        description="What the service is, in a sentence.",
    )
    service_order: list[str] = Field(
        default_factory=list,
        description="Services in the order of preference: which one runs a process that several"
        " offer. Those not named come after, the newest QGIS first.",
    )
    body_limit: int = Field(
        default=50 * 1024 * 1024, gt=0, description="The largest body of a request, in bytes."
    )
    inline_limit: int = Field(
        default=256 * 1024,
        gt=0,
        description="Inputs of a job larger than this (bytes of JSON) travel through the storage, not"
        " through the broker.",
    )
    sync_limit: float = Field(
        default=60.0,
        gt=0,
        description="How long a synchronous execution may take, in seconds; then the job is"
        " dismissed and the client told to ask for an asynchronous one.",
    )
    event_streams: int = Field(
        default=200,
        ge=0,
        description="How many clients may follow jobs (`/jobs/{id}/events`) at the same time.",
    )
    event_seconds: float = Field(
        default=900.0,
        gt=0,
        description="How long one such stream lasts at most, in seconds; then the client comes back.",
    )
    keep_sync_jobs: bool = Field(
        default=True,
        description="Whether a synchronous execution leaves its job, to which its answer then links:"
        " with status, log and results. If not, the job is removed once its answer is sent, unless an"
        " output was asked for by reference. The OGC test suite cannot read such links, and passes in"
        " full only without.",
    )

    cors: CorsSettings = Field(default_factory=CorsSettings)

    @property
    def base_url(self) -> str | None:
        """The public address without a slash at its end; None when requests say it."""
        return self.public_url.rstrip("/") or None


class Settings(SharedSettings):
    """What the api reads of a settings file."""

    api: ApiSettings = Field(default_factory=ApiSettings)
