"""The services as parts: how each is started with its settings, and how one sees that it is ready."""

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomlkit
from pydantic import SecretStr

from qanat.process import Part
from qanat.settings import Settings, base_url
from qanat_common.settings import PREFIX, Section, SharedSettings

PROBE_SECONDS = 1.0


@contextmanager
def settings_file(settings: Settings, run: Path) -> Iterator[Path]:
    """A file of all settings, for as long as parts may read it: command lines hold no secret."""
    path = run / "settings.toml"
    path.unlink(missing_ok=True)
    with open(path, "x", encoding="utf-8", opener=_private) as file:  # a mode from the start
        file.write(tomlkit.dumps(_plain(settings)))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def service_parts(settings: Settings, file: Path) -> list[Part]:
    """Registry, worker and api, in the order of their starting; all read that file of settings."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
    registry = base_url(settings.registry.host, settings.registry.port)
    api = base_url(settings.api.host, settings.api.port)

    def part(name: str, ready: Callable[[], bool], start: float, stop: float) -> Part:
        command = [sys.executable, "-m", f"qanat_{name}", "-c", str(file)]
        return Part(name, command, ready, start, stop, environment=environment)

    worker = settings.worker
    return [
        part("registry", lambda: get(registry + "/readyz") is not None, 60, 5),
        part(
            "worker",
            OurWorker(registry, worker.work_folder),
            worker.start_timeout + 30,
            worker.drain_timeout + 15,
        ),
        part(
            "api",
            lambda: bool((get(api + "/readyz") or {}).get("processes")),
            60,
            settings.api.drain_timeout + 5,
        ),
    ]


class OurWorker:
    """Whether the registry knows our worker as ready; true once for each of its lives.

    It is named like its folder. One that was killed is known for a while yet, as is its folder.
    """

    def __init__(self, registry_url: str, work_folder: Path) -> None:
        """Asks nothing yet."""
        self._url = registry_url + "/workers"
        self._work_folder = work_folder
        self._met: set[str] = set()

    def __call__(self) -> bool:
        """Ask."""
        answer = get(self._url)
        if answer is None or not self._work_folder.is_dir():
            return False
        ready = {worker["boot"] for worker in answer["workers"] if worker["state"] == "ready"}
        new = ready & {folder.name for folder in self._work_folder.iterdir()} - self._met
        self._met |= new
        return bool(new)


def get(url: str) -> Any:
    """The JSON at an address of ours; None when it cannot be had, or is a failure."""
    where = urlsplit(url)
    client = http.client.HTTPConnection(where.netloc, timeout=PROBE_SECONDS)
    try:
        client.request("GET", where.path)
        answer = client.getresponse()
        body = answer.read()
        return json.loads(body) if answer.status < http.HTTPStatus.BAD_REQUEST else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        client.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _plain(value: Any) -> Any:
    """A value as TOML can write it, its secrets included."""
    if isinstance(value, (Section, SharedSettings)):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return {name: _plain(item) for name, item in fields.items() if item is not None}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)
