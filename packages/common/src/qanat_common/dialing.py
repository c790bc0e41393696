"""HTTP to addresses that were checked: for each connection anew, after the name was resolved.

The address must be public; a host that the settings allow gets a client that dials only this host.
Nothing of the environment is used (no proxy, no credentials), and no redirect is followed. A name is
resolved here, once: the library would dial what it leads to before it looks at it, and so tell a
client by its answer where within the network somebody listens.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

CONNECT_SECONDS = 10.0
PORTS = {"http": 80, "https": 443}
PLACES = 4
"""How many addresses of a name are tried, one after the other."""

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


@asynccontextmanager
async def answer_of(
    method: str,
    url: httpx.URL,
    reach: Reach,
    headers: Mapping[str, str],
    seconds: float,
    content: bytes | None = None,
) -> AsyncIterator[httpx.Response]:
    """The answer of the server at a URL, whose body is still to be read.

    `seconds` bound each wait for it. Raises Refused, NotPublic, HTTPError.
    """
    async with _client(url, reach, headers, seconds) as http:
        response = await _sent(http, method, url, reach, content)
        try:
            yield response
        finally:
            await response.aclose()


async def _sent(
    http: httpx.AsyncClient, method: str, url: httpx.URL, reach: Reach, content: bytes | None
) -> httpx.Response:
    """Ask at the first address that takes a connection; one that is not public ends it."""
    named = {"Host": url.netloc.decode("ascii")}
    sni = {"sni_hostname": url.raw_host.decode("ascii")}
    failure: httpx.TransportError = httpx.ConnectError("the name leads nowhere")
    for place in await _places(url, reach):
        request = http.build_request(method, place, headers=named, content=content, extensions=sni)
        try:
            return await http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    raise failure


async def _places(url: httpx.URL, reach: Reach) -> Sequence[httpx.URL]:
    """The URL with each address of its host in the place of the name."""
    if f"{url.host}:{port_of(url)}" in reach.internal:
        return [url]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            url.raw_host.decode("ascii"), port_of(url), type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    addresses = dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found)
    return [url.copy_with(host=address) for address in list(addresses)[:PLACES]]


def _client(
    url: httpx.URL, reach: Reach, headers: Mapping[str, str], seconds: float
) -> httpx.AsyncClient:
    """A client that may dial the host of this URL, and no address that it must not. Raises Refused."""
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
