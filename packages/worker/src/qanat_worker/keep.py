"""The outputs of a job, kept: files go to the storage, small values into the record."""

import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path

from qanat_common.errors import Internal, Unavailable
from qanat_common.ogc import JSON
from qanat_common.protocol import OutputValue, Picture, StoredFile, Value
from qanat_common.storage import Storage, job_key
from qanat_worker.port import Produced, ProducedFile, ProducedPicture

logger = logging.getLogger(__name__)

LARGEST_VALUE = 256 << 10
"""How many bytes of JSON a value may have to stay in the record."""

LARGEST_PICTURE = 16 << 20
"""How many bytes a picture of an output may have."""

LONGEST_NAME = 120


class Keeper:
    """Keeps the outputs of one job; `patiently` calls the storage again while it is away."""

    def __init__(
        self, job_id: str, root: Path, patiently: Callable[[Callable[[], int]], int]
    ) -> None:
        """All files of the job lie under `root`; nothing else is kept."""
        self._job_id = job_id
        self._root = root.resolve()
        self._patiently = patiently
        self._names: set[str] = set()

    def keep(self, outputs: dict[str, Produced], storage: Storage) -> dict[str, OutputValue]:
        """Where each output is."""
        return {name: self._one(name, output, storage) for name, output in outputs.items()}

    def _one(self, name: str, output: Produced, storage: Storage) -> OutputValue:
        if isinstance(output, ProducedFile):
            return self._file(name, output, storage)
        return self._value(name, output, storage)

    def _value(self, name: str, output: Value, storage: Storage) -> OutputValue:
        data = output.model_dump_json(include={"value"}).encode()[len('{"value":') : -1]
        if len(data) <= LARGEST_VALUE:
            return output
        key = job_key(self._job_id, self._name(name, ".json"))
        size = self._patiently(lambda: storage.put_bytes(key, data))
        return StoredFile(
            key=key,
            name=f"{_plain(name)}.json",
            media_type=JSON,
            size=size,
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def _file(self, name: str, output: ProducedFile, storage: Storage) -> StoredFile:
        path = (self._root / "work" / output.path).resolve()
        if not (path.is_relative_to(self._root) and path.is_file()):
            raise Internal(f"Output {name}: there is no such file in the job's folder.")
        key = job_key(self._job_id, self._name(name, path.suffix))
        size = self._patiently(lambda: storage.put(key, path))
        return StoredFile(
            key=key,
            name=_saved_as(output.name, name),
            media_type=output.media_type,
            size=size,
            crs=output.crs,
            picture=self._picture(name, output.picture, storage) if output.picture else None,
            sha256=_checksum(path),
        )

    def _picture(self, name: str, made: ProducedPicture, storage: Storage) -> Picture | None:
        """Where the picture of an output is; None where it cannot be kept: the output is, without it."""
        path = (self._root / "work" / made.path).resolve()
        if not (path.is_relative_to(self._root) and path.is_file()):
            return None
        if path.stat().st_size > LARGEST_PICTURE:
            return None
        key = job_key(self._job_id, self._name(f"{name}-picture", ".png"))
        try:
            self._patiently(lambda: storage.put(key, path))
        except Unavailable as error:
            logger.warning("the picture of %s is not kept: %s", name, error)
            return None
        return Picture(key=key, width=made.width, height=made.height)

    def _name(self, output: str, suffix: str) -> str:
        """A name for the storage that no other output of the job has."""
        stem = _plain(output)
        ending = suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,16}", suffix) else ""
        name, number = stem + ending, 1
        while name in self._names:
            number += 1
            name = f"{stem}-{number}{ending}"
        self._names.add(name)
        return name


def _checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:LONGEST_NAME] or "output"


def _saved_as(name: str, output: str) -> str:
    """What a client saves a file as: one part of a path, without control characters."""
    part = re.sub(r"[\x00-\x1f\x7f/\\]", "_", name).strip(". ")[:LONGEST_NAME]
    return part or _plain(output)
