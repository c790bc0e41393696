"""What proxies before us say of a request that they pass on: believed only of those that are trusted.

Forwarded (RFC 7239), or the family X-Forwarded-For, -Proto, -Host and -Prefix. Each proxy adds to
them; of what is said, that counts which the outermost trusted proxy said, never what a client wrote.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from qanat_api.negotiation import split

Network = IPv4Network | IPv6Network

Family = Literal["x-forwarded", "forwarded"]

PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
"""A path that may stand before ours."""

SCHEMES = frozenset({"http", "https"})

KEPT_ADDRESSES = 1024

PEER = "qanat.peer"
"""Where a request says who is connected to us, whatever proxies say of others."""

_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\w+)?|([0-9.]+)(?::\w+)?|([0-9A-Fa-f:]+)")
"""An address with or without a port, as proxies write it."""


@dataclass(frozen=True)
class Hop:
    """What a proxy says of the request that it was asked: by whom, and as what."""

    client: str = ""
    scheme: str = ""
    host: str = ""
    prefix: str = ""


class Proxies:
    """Hands requests on as those proxies saw them, and takes the path away that stands before ours."""

    def __init__(
        self, app: ASGIApp, trusted: Sequence[Network], family: Family, prefix: str
    ) -> None:
        """`prefix` is a path that proxies leave in place."""
        self._app = app
        self._trusts = trust(trusted)
        self._read = FAMILIES[family]
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "http":
            scope = self._seen(scope)
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        if self._prefix:
            bare = scope["path"] == self._prefix
            path = self._prefix + "/" if bare else scope["path"]
            scope = {**scope, "root_path": self._prefix, "path": path}
        peer = (scope.get("client") or ("",))[0]
        scope = {**scope, PEER: peer}
        if not self._trusts(peer):
            return scope
        hops = self._read(scope["headers"])
        return _applied(scope, outermost(hops, self._trusts)) if hops else scope


def outermost(hops: Sequence[Hop], trusts: Callable[[str], bool]) -> Hop:
    """What the outermost trusted proxy says; the last of the hops is that of the proxy next to us."""
    depth = 1
    while depth < len(hops) and trusts(hops[-depth].client):
        depth += 1
    return hops[-depth]


def trust(networks: Sequence[Network]) -> Callable[[str], bool]:
    """Whether an address is that of a trusted proxy; answers are remembered."""
    return lru_cache(KEPT_ADDRESSES)(_trusts(networks))


def _trusts(networks: Sequence[Network]) -> Callable[[str], bool]:
    def trusted(text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in networks)

    return trusted


def _applied(scope: Scope, hop: Hop) -> Scope:
    """A request as a proxy was asked it. What is no scheme, address or path is passed over."""
    changed: Scope = {}
    if hop.scheme.lower() in SCHEMES:
        changed["scheme"] = hop.scheme.lower()
    if hop.host:
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [(b"host", hop.host.encode("latin-1", "replace")), *others]
    if hop.client:
        changed["client"] = (hop.client, 0)
    prefix = hop.prefix.rstrip("/")
    if prefix and PREFIX.fullmatch(prefix):
        changed["root_path"] = prefix + scope.get("root_path", "")
        changed["path"] = prefix + scope["path"]
    return {**scope, **changed}


Headers = Iterable[tuple[bytes, bytes]]


def _values(headers: Headers, wanted: bytes) -> str:
    """All values of a header, as if they had come in one."""
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)


def x_forwarded(headers: Headers) -> list[Hop]:
    """The hops of the X-Forwarded family: its lists end together, whatever their length."""
    lists: Mapping[str, list[str]] = {
        name: list(split(_values(headers, f"x-forwarded-{name}".encode()), ","))
        for name in ("for", "proto", "host", "prefix")
    }
    count = len(lists["for"]) or int(any(lists.values()))

    def at(name: str, place: int) -> str:
        found = lists[name]
        return found[max(0, place - count + len(found))] if found else ""

    return [
        Hop(_address(at("for", n)), at("proto", n), at("host", n), at("prefix", n))
        for n in range(count)
    ]


def forwarded(headers: Headers) -> list[Hop]:
    """The hops of the header Forwarded."""
    hops = []
    for element in split(_values(headers, b"forwarded"), ","):
        pairs = (pair.partition("=") for pair in split(element, ";"))
        said = {name.strip().lower(): _unquoted(value) for name, _, value in pairs}
        client = _address(said.get("for", ""))
        hops.append(Hop(client, said.get("proto", ""), said.get("host", "")))
    return hops


FAMILIES: Mapping[Family, Callable[[Headers], list[Hop]]] = {
    "x-forwarded": x_forwarded,
    "forwarded": forwarded,
}


def _unquoted(value: str) -> str:
    value = value.strip()
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' == value[-1:] else value


def _address(text: str) -> str:
    """An address without its port; nothing for what is none, such as `unknown` or `_hidden`."""
    found = _NODE.fullmatch(text.strip().strip('"'))
    return next(part for part in found.groups() if part) if found else ""
