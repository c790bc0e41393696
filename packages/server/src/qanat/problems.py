"""Why the all-in-one cannot start: found out before anything is started, told in one line."""

import contextlib
import importlib.util
import os
import socket

from qanat.settings import Settings
from qanat_api.settings import EXPOSED


class CannotStart(Exception):
    """The text is one line for people: what is in the way, and what to do."""


def check(settings: Settings) -> None:
    """Raises CannotStart when a port is taken or QGIS is missing."""
    if settings.api.exposed:
        raise CannotStart(EXPOSED)
    _check_ports(settings)
    _check_qgis(settings)


def _check_ports(settings: Settings) -> None:
    with contextlib.ExitStack() as taken:
        for name, part in (("registry", settings.registry), ("api", settings.api)):
            family = socket.AF_INET6 if ":" in part.host else socket.AF_INET
            try:
                server = socket.create_server((part.host, part.port), family=family)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise CannotStart(
                    f"the {name} cannot listen on {part.host} port {part.port}: {reason}. Stop who"
                    f" does, or set {name}.port (QANAT_{name.upper()}__PORT=…)."
                ) from error
            taken.enter_context(server)


def _check_qgis(settings: Settings) -> None:
    worker = settings.worker
    if worker.engine != "qgis" or importlib.util.find_spec("qgis"):
        return
    if not any((path / "qgis" / "__init__.py").exists() for path in worker.qgis.python_paths):
        raise CannotStart(
            "QGIS is not installed: apt install python3-qgis qgis-providers; or say where it is in"
            " worker.qgis.python_paths."
        )
