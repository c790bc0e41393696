"""Who may be told of jobs: the subscriber of an execute request against the settings; pure."""

import ipaddress
from collections.abc import Iterator

from qanat_api.settings import CallbackSettings
from qanat_common.dialing import Reach, Refused, parse, port_of
from qanat_common.errors import Fault, InvalidRequest
from qanat_common.ogc import Subscriber as Asked
from qanat_common.protocol import Subscriber

LONGEST = 2000
"""So many characters an address may have."""

OFF = "this service calls nobody back; leave the subscriber out, and ask for the status of the job"


class Subscribers:
    """The rules by which callbacks are taken."""

    def __init__(self, settings: CallbackSettings) -> None:
        """Without any host in the settings all are refused."""
        self._settings = settings
        self.reach = Reach(settings.ports, settings.internal_hosts)

    def accepted(self, asked: Asked | None, base: str) -> Subscriber | None:
        """Whom to tell of a job; None for nobody. Raises InvalidRequest with what is wrong.

        `base` is the address of the service as the client sees it.
        """
        if asked is None or not any(_addresses(asked).values()):
            return None
        if not self._settings.on:
            raise InvalidRequest(f"/subscriber: {OFF}", Fault("/subscriber", OFF))
        faults = list(self._faults(asked))
        if faults:
            told = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
            raise InvalidRequest(told, *faults)
        return Subscriber(
            success=asked.success_uri,
            failure=asked.failed_uri,
            progress=asked.in_progress_uri,
            base=base,
        )

    def _faults(self, asked: Asked) -> Iterator[Fault]:
        for name, address in _addresses(asked).items():
            if not address:
                continue
            try:
                self._check(address)
            except Refused as refused:
                yield Fault(f"/subscriber/{name}", f"{address[:200]!r}: {refused}")

    def _check(self, address: str) -> None:
        """Raises Refused. What a name stands for is only seen, and checked, when it is dialled."""
        if len(address) > LONGEST:
            raise Refused(f"it is longer than {LONGEST} characters")
        url = parse(address)
        port = port_of(url)
        if f"{url.host}:{port}" in self._settings.internal_hosts:
            return
        if not any(_fits(url.host.lower(), pattern.lower()) for pattern in self._settings.hosts):
            raise Refused("this service calls back no such host")
        if port not in self._settings.ports:
            ports = ", ".join(map(str, self._settings.ports))
            raise Refused(f"port {port} is not one of {ports}")
        if not _public(url.host):
            raise Refused("its address is not public")


def _addresses(asked: Asked) -> dict[str, str | None]:
    return asked.model_dump(by_alias=True)


def _fits(host: str, pattern: str) -> bool:
    """Whether a host is meant: by its name, by `*.` and the end of it, by `*`."""
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


def _public(host: str) -> bool:
    """Whether a host is a public address, or a name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
