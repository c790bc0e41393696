"""Whether a broker or a store stands open: on another machine, and without a password of its own."""

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from qanat_common.settings import SharedSettings

KNOWN_TO_ALL = frozenset({("guest", "guest"), ("default", "default")})
"""Users with passwords that servers come with."""


def warnings(settings: SharedSettings) -> list[str]:
    """What is to be said of it, in words, without the address."""
    told = {
        "broker_url": "who reaches that broker may run jobs",
        "store_url": "who reaches that store may read and change every job",
    }
    return [
        f"{name}: another machine, and no password of your own: {harm}"
        for name, harm in told.items()
        if is_open(getattr(settings, name))
    ]


def is_open(url: str) -> bool:
    """Whether it is; a socket and the own machine are not."""
    parts = urlsplit(url)
    if not parts.hostname or _is_own(parts.hostname):
        return False
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return not password or (user, password) in KNOWN_TO_ALL


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
