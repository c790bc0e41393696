"""Tells systemd how far a service is, if that started it: a datagram, as sd_notify(3) describes it."""

import logging
import os
import socket

logger = logging.getLogger(__name__)

SOCKET = "NOTIFY_SOCKET"
"""The variable that names where to; who starts services of its own takes it out of their environment."""

READY, STOPPING = "READY=1", "STOPPING=1"


def tell(state: str) -> None:
    """Tell it; nothing where nobody listens. Never waits, never raises."""
    address = os.environ.get(SOCKET, "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        try:
            # a name that begins with @ is one of the abstract namespace
            out.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError as error:
            logger.warning("systemd could not be told %s: %s", state, error)
