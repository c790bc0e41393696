"""The all-in-one, started for a run and stopped after it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from tests.e2e.qgis_suite import cases, projects
from tests.e2e.qgis_suite.fetch import MODELS

START_SECONDS = 90.0
STOP_SECONDS = 40.0
SLOTS = "2"


class NotStarted(Exception):
    """The all-in-one does not answer; the text has the end of its log."""


def _free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in opened]
    for each in opened:
        each.close()
    return ports


def _serves(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/processes/native:buffer", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def all_in_one(folder: Path, source: Path) -> Iterator[str]:
    """Its address, while it runs on a data folder of its own.

    It publishes the models of the suite at `source`, and the projects of the cases.
    """
    port, registry_port = _free_ports(2)
    shutil.copytree(source / MODELS, folder / "data" / "models")
    projects.publish(cases.load(source), source, folder / "data" / "projects")
    own = {
        "QANAT_SERVER__DATA_FOLDER": str(folder / "data"),
        "QANAT_API__PORT": str(port),
        "QANAT_REGISTRY__PORT": str(registry_port),
        "QANAT_WORKER__QGIS__DEPRECATED": "true",
        "QANAT_WORKER__SLOTS": SLOTS,
        "QANAT_WORKER__SPARES": SLOTS,
    }
    log = folder / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "pyqgiswps")],
            env=os.environ | own,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_SECONDS
        while not _serves(url):
            if process.poll() is not None or time.monotonic() > until:
                raise NotStarted(log.read_text("utf-8", "replace")[-3000:])
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
