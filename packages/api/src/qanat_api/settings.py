"""The settings of the api: the shared ones, and the table [api]."""

from ipaddress import ip_address
from typing import Literal

from pydantic import Field, IPvAnyNetwork, SecretStr

from qanat_common.monitor import MonitorSettings
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


Action = Literal["see", "run", "upload", "manage"]
"""See processes, run them, upload files; see and dismiss jobs of others."""


EXPOSED = (
    "api.host is an address that others reach, and nobody has to show who he is: set api.access (keys,"
    " issuer or user_header), or say by api.access.open = true that everybody may do everything."
)


class ApiKey(Section):
    """A key that callers show: X-API-Key, Bearer, or the password of Basic."""

    name: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,100}$", description="Who owns it.")
    sha256: str = Field(
        pattern=r"^[0-9a-fA-F]{64}$",
        description="The SHA-256 of the key, in hexadecimal: the key itself is in no file.",
    )
    roles: list[str] = Field(default_factory=list, description="What its owner is, beside `user`.")


class AccessRule(Section):
    """What callers of some roles may do, with which processes."""

    roles: list[str] = Field(description="Who: `user` is whoever is known, `anonymous` nobody is.")
    actions: list[Action] = Field(description="see, run, upload, manage.")
    processes: list[str] = Field(
        default=["*"], description="Patterns of process ids, such as native:* or *@heavy."
    )


class IssuerSettings(Section):
    """An OpenID Connect issuer whose tokens are believed."""

    url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="The issuer, as its tokens name it (`iss`). Empty: no tokens are believed.",
    )
    audience: str = Field(default="", description="For whom tokens must be (`aud`).")
    jwks_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s#]+)?$",
        description="Where its keys are. Empty: its discovery document says it.",
    )
    algorithms: list[Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]] = (
        Field(default=["RS256", "ES256"], description="How tokens may be signed.")
    )
    roles_claim: str = Field(
        default="roles",
        description="The claim with the roles, such as realm_access.roles: a list, or words.",
    )


class AccessSettings(Section):
    """Who may do what. Without keys, issuer and user_header everybody may do everything."""

    open: bool = Field(
        default=False,
        description="Whether the api may listen on an address that others reach although nobody has"
        " to show who he is.",
    )
    keys: list[ApiKey] = Field(default_factory=list, description="API keys.")
    issuer: IssuerSettings = Field(default_factory=IssuerSettings)
    user_header: str = Field(
        default="",
        description="A header by which trusted proxies (api.trusted_proxies) say who asks, such as"
        " X-Remote-User. Of all others it is passed over.",
    )
    roles_header: str = Field(
        default="", description="A header by which they say its roles, separated by commas."
    )
    rules: list[AccessRule] = Field(
        default_factory=list,
        description="What is allowed: whatever one of the rules allows. Empty: `user` may see, run and"
        " upload, `admin` manage too.",
    )
    jobs_per_owner: int | None = Field(
        default=100, ge=1, description="How many unfinished jobs one owner may have; not set: any."
    )
    executions_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="How often one caller may execute, at each api by itself; not set: as often as it"
        " likes.",
    )
    uploads_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="How often one caller may upload a file, at each api by itself; not set: as often as"
        " it likes.",
    )

    @property
    def closed(self) -> bool:
        """Whether callers are asked who they are."""
        return bool(self.keys or self.issuer.url or self.user_header)


class CallbackSettings(Section):
    """Whom the api calls back (`subscriber`); nobody, unless a host is named."""

    hosts: list[str] = Field(
        default_factory=list,
        description="Hosts that a client may have called when its job ends: `example.org`,"
        " `*.example.org`, or `*` for all. Their addresses must be public.",
    )
    internal_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts that may be called although their address is not public, each as host:port.",
    )
    ports: list[int] = Field(
        default=[80, 443], description="The ports at which public hosts are called."
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="What calls are signed with, known to those who are called: at least 16 characters,"
        " or `whsec_` and base64. Needed when hosts are named.",
    )
    seconds: float = Field(
        default=10.0, gt=0, le=300, description="How long one call may take, in seconds."
    )
    attempts: int = Field(
        default=8,
        ge=1,
        description="How often one who does not answer is called in all: after 5 s, then each time four"
        " times later, up to an hour.",
    )

    @property
    def on(self) -> bool:
        """Whether anybody is called at all."""
        return bool(self.hosts or self.internal_hosts)


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
    upload_limit: int = Field(
        default=1024 * 1024 * 1024, gt=0, description="The largest upload, in bytes."
    )
    upload_seconds: float = Field(
        default=86_400.0,
        gt=0,
        description="How long an upload may be used as an input, in seconds. Its file goes when it is"
        " older than registry.orphan_seconds.",
    )
    queue_limit: int | None = Field(
        default=10_000,
        ge=1,
        description="How many jobs may wait in all; then executions are answered by 503 and"
        " `Retry-After`. Not set: any.",
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
    drain_timeout: float = Field(
        default=30.0,
        ge=0,
        description="How long the api, when it is told to stop, still waits with its clients for their"
        " jobs, in seconds; then they are told that these go on without it. In the all-in-one: 5.",
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

    kvp_execute: bool = Field(
        default=False,
        description="Whether a process may be run by GET too, its inputs in the query (2.0 draft,"
        " kvp-execute). Whoever follows such a link starts a job, crawlers too.",
    )
    cors: CorsSettings = Field(default_factory=CorsSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    monitor: MonitorSettings = Field(default_factory=MonitorSettings)

    @property
    def exposed(self) -> bool:
        """Whether others reach it, nobody has to show who he is, and nobody said that this is meant."""
        return not (self.access.closed or self.access.open or _is_loopback(self.host))

    callbacks: CallbackSettings = Field(default_factory=CallbackSettings)

    @property
    def base_url(self) -> str | None:
        """The public address without a slash at its end; None when requests say it."""
        return self.public_url.rstrip("/") or None


class Settings(SharedSettings):
    """What the api reads of a settings file."""

    api: ApiSettings = Field(default_factory=ApiSettings)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
