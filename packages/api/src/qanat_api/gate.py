"""What who asks may do: the rules, the rates and the part of the catalogue that are its own."""

from dataclasses import dataclass

from starlette.requests import Request

from qanat_api.access import Caller, Policy
from qanat_api.catalog import Snapshot
from qanat_api.credentials import Credentials
from qanat_api.proxies import trust
from qanat_api.rates import Rates
from qanat_api.settings import Action, ApiSettings
from qanat_api.tokens import Issuer, plain_client
from qanat_common.bounds import Bounds
from qanat_common.jobs import JobRecord

KEPT_PARTS = 64
"""Of so many different sets of roles the part of the catalogue is kept."""


class Gate:
    """Lets callers in, each with what it may do."""

    def __init__(
        self,
        policy: Policy,
        credentials: Credentials,
        rates: Rates | None,
        uploads: Rates | None = None,
    ) -> None:
        """`rates` of executions, and of uploads; None: as often as one likes."""
        self.policy = policy
        self.rates = rates
        self.uploads = uploads
        self._credentials = credentials
        self._whole: Snapshot | None = None
        self._parts: dict[frozenset[str], Snapshot] = {}

    async def guard(self, request: Request) -> "OfCaller":
        """What who asks may do. Raises Unauthorized."""
        return OfCaller(self, await self._credentials.caller(request))

    def part(self, caller: Caller, whole: Snapshot) -> Snapshot:
        """The part of the catalogue that a caller may see; made once for all of its roles."""
        if whole is not self._whole or len(self._parts) >= KEPT_PARTS:
            self._whole, self._parts = whole, {}
        found = self._parts.get(caller.roles)
        if found is None:
            found = whole.part(lambda name: self.policy.allows(caller, "see", name))
            self._parts[caller.roles] = found
        return found


def gate_of(own: ApiSettings) -> Gate | None:
    """What the settings ask for; None: everybody may do everything."""
    access = own.access
    if not access.closed:
        return None
    issuer = Issuer(access.issuer, plain_client) if access.issuer.url else None
    credentials = Credentials(access, issuer, trust(own.trusted_proxies))
    often, uploads = access.executions_per_minute, access.uploads_per_minute
    return Gate(
        Policy(access, credentials.schemes),
        credentials,
        None if often is None else Rates(often),
        None if uploads is None else Rates(uploads, "upload"),
    )


def bounds_of(own: ApiSettings) -> Bounds:
    """How many jobs there may be; those of an owner are counted where callers have names."""
    return Bounds(own.queue_limit, own.access.jobs_per_owner)


@dataclass(frozen=True)
class OfCaller:
    """What a caller may do: part of `jobs.Guard`."""

    gate: Gate
    caller: Caller

    @property
    def owner(self) -> str | None:
        """Whose the jobs are that it sends."""
        return self.caller.name

    @property
    def lists(self) -> str | None:
        """Whose jobs it is shown in lists; nobody in particular has none."""
        return None if self.gate.policy.allows(self.caller, "manage") else self.caller.name or ""

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The processes that it may see. Raises Unauthorized or Forbidden when there can be none."""
        self.require("see")
        return self.gate.part(self.caller, snapshot)

    def enters(self) -> None:
        """Raises Unauthorized for nobody in particular, where it can have no jobs."""
        if not self.caller.known:
            self.require("run")

    def runs(self, process_id: str) -> None:
        """Raises what refuses it to run a process now."""
        self.require("run", process_id)
        if self.gate.rates is not None:
            self.gate.rates.take(self.caller)

    def uploads(self) -> None:
        """Raises what refuses it to upload a file now."""
        self.require("upload")
        if self.gate.uploads is not None:
            self.gate.uploads.take(self.caller)

    def sees(self, job: JobRecord) -> bool:
        """Whether a job is its own to see."""
        return self.gate.policy.owns(self.caller, job)

    def owns(self, owner: str | None) -> bool:
        """Whether what belongs to an owner is its own to see."""
        return self.gate.policy.owns_of(self.caller, owner)

    def require(self, action: Action, process_id: str | None = None) -> None:
        """Raises Unauthorized or Forbidden."""
        self.gate.policy.require(self.caller, action, process_id)
