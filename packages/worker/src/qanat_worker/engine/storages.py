"""Projects in QGIS's storages: those that lie in no file, as in a database, are copied to one for the jobs.

A job may open no connection, and the warm parent does not either: a process of a trial makes the copy.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from qgis.core import QgsApplication, QgsProjectStorage, QgsReadWriteContext
from qgis.PyQt.QtCore import QFile, QIODevice

from qanat_worker.engine.feedback import scrubbed
from qanat_worker.engine.scripts import NotPublished

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):")


def copy_of(address: str, folder: Path | None) -> Path | None:
    """Where the copy of a project is; None where it lies in a file itself, or there is no place."""
    storage = _storage(address)
    if folder is None or storage is None or storage.filePath(address):
        return None
    return folder / f"{hashlib.sha256(address.encode()).hexdigest()}.qgz"


def make_copy(address: str, copy: Path) -> None:
    """Fetch a project, in place of the copy before: whole, or not at all. Raises NotPublished."""
    storage = _storage(address)
    assert storage is not None  # noqa: S101 - it has a copy
    copy.parent.mkdir(exist_ok=True)
    descriptor, path = tempfile.mkstemp(dir=copy.parent)
    os.close(descriptor)
    context = QgsReadWriteContext()
    file = QFile(path)
    file.open(QIODevice.OpenModeFlag.WriteOnly)
    fetched = storage.readProject(address, file, context)
    file.close()
    if fetched:
        Path(path).replace(copy)
        return
    Path(path).unlink()
    said = [scrubbed(message.message()) for message in context.takeMessages()]
    raise NotPublished(f"its storage does not give it ({'; '.join(said) or 'without a reason'})")


def check(address: str) -> None:
    """Raise NotPublished where an address is none of a file, and no storage knows it."""
    scheme = _SCHEME.match(address)
    if scheme and _storage(address) is None:
        raise NotPublished(
            f"no storage of QGIS's is there for {scheme[1]}: see worker.qgis.data_providers"
        )


def _storage(address: str) -> QgsProjectStorage | None:
    registry = QgsApplication.projectStorageRegistry()
    return registry.projectStorageFromUri(address) if registry else None
