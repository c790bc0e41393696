"""HTTP clients that check the address they dial: for each connection anew, after the name was resolved.

The address must be public; a host that the settings allow gets a client that dials only this host.
Nothing of the environment is used (no proxy, no credentials), and no redirect is followed.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

CONNECT_SECONDS = 10.0
PORTS = {"http": 80, "https": 443}

_HOST = re.compile(rb"[A-Za-z0-9._:-]{1,255}")
"""A name or an address, as it is dialled."""

HTTPError = httpx.HTTPError
"""Raised when a server does not answer as it should."""

NotPublic = SSRFProtectionError
"""Raised when a connection is tried to an address that is not public."""


class Refused(Exception):
    """Why an address is not dialled, for people."""


@dataclass(frozen=True)
class Reach:
    """Where may be dialled: public hosts at `ports`; `internal` hosts (host:port) wherever they are."""

    ports: Collection[int]
    internal: Collection[str]


def client(
    url: httpx.URL, reach: Reach, headers: Mapping[str, str], seconds: float
) -> httpx.AsyncClient:
    """A client that may dial the host of this URL, and no address that it must not.

    `seconds` bound each wait for the server. Raises Refused.
    """
    port = port_of(url)
    made = httpx.AsyncClient(
        headers=headers,
        timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        follow_redirects=False,
        trust_env=False,
    )
    if f"{url.host}:{port}" in reach.internal:
        only = _only(url.host, port)
        return httpx_ssrf_protection(made, check_globally_reachable=False, custom_validator=only)
    if port not in reach.ports:
        raise Refused(f"port {port} is not used")
    return httpx_ssrf_protection(made)


def parse(text: str) -> httpx.URL:
    """An address, read as the client reads it that dials. Raises Refused."""
    try:
        return httpx.URL(text)
    except httpx.InvalidURL:
        raise Refused("it is not a URL") from None


def port_of(url: httpx.URL) -> int:
    """The port of a URL that may be dialled at all. Raises Refused."""
    if url.scheme not in PORTS or not url.host:
        raise Refused("only http and https URLs are used")
    if not _HOST.fullmatch(url.raw_host):
        raise Refused("it names no host")
    if url.userinfo:
        raise Refused("a URL with a user or a password is not used")
    return url.port or PORTS[url.scheme]


def _only(host: str, port: int) -> Callable[[str, IPv4Address | IPv6Address, int], bool]:
    def allowed(asked: str, _address: IPv4Address | IPv6Address, asked_port: int) -> bool:
        return (asked, asked_port) == (host, port)

    return allowed
