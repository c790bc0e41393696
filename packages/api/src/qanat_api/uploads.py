"""Files that clients upload to use them as inputs: kept in the storage for a while, with what is said of them.

An upload lies where the files of a job of its id would: so whatever takes away files that are no
job's takes old uploads away too.
"""

import asyncio
import logging
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from qanat_common.errors import InvalidRequest, NotFound, TooLarge, Unavailable
from qanat_common.storage import job_key

logger = logging.getLogger(__name__)

PREFIX = "u-"
FILE, ABOUT = "file", "upload.json"
PIECE = 1 << 20


class Upload(BaseModel):
    """An uploaded file: `key` is where it lies, `owner` None is everybody's who knows its id."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    key: str
    owner: str | None = None
    name: str | None = None
    media_type: str | None = None
    size: int
    expires: datetime


class Files(Protocol):
    """Where files lie. Blocks; raises Unavailable."""

    def put(self, key: str, path: Path) -> int:
        """Keep a file."""

    def put_bytes(self, key: str, data: bytes) -> int:
        """Keep some bytes."""

    def stream(
        self, key: str, start: int = 0, end: int | None = None, chunk: int = 1 << 20
    ) -> Iterator[bytes]:
        """The bytes of a file; raises FileNotFoundError."""

    def remove_job(self, job_id: str) -> None:
        """Take away all files of a job."""


async def keep(
    files: Files,
    stream: AsyncIterator[bytes],
    *,
    most: int,
    seconds: float,
    owner: str | None = None,
    name: str | None = None,
    media_type: str | None = None,
) -> Upload:
    """Keep what a client sends, as it comes. Raises TooLarge as soon as there is more than `most`."""
    upload_id = PREFIX + str(uuid.uuid4())
    with tempfile.NamedTemporaryFile(prefix="qanat-upload-", buffering=0) as spool:
        size = 0
        async for piece in stream:
            size += len(piece)
            if size > most:
                raise TooLarge(f"An upload may have {most} bytes here.")
            await asyncio.to_thread(_write, spool, piece)
        if size == 0:
            raise InvalidRequest("The body is empty: it is to be the file.")
        made = Upload(
            id=upload_id,
            key=job_key(upload_id, FILE),
            owner=owner,
            name=name,
            media_type=media_type,
            size=size,
            expires=datetime.now(UTC) + timedelta(seconds=seconds),
        )
        await asyncio.to_thread(files.put, made.key, Path(spool.name))
    await asyncio.to_thread(files.put_bytes, _about(upload_id), made.model_dump_json().encode())
    return made


def _write(spool: IO[bytes], piece: bytes) -> None:
    """All of it; a disk that is full may take a part before it says so."""
    left = memoryview(piece)
    try:
        while left:
            left = left[spool.write(left) :]
    except OSError as error:
        logger.warning("an upload cannot be taken: %s", error.strerror)
        raise Unavailable("The server has no space for uploads now.", retry_after=60) from error


def find(files: Files, upload_id: str) -> Upload:
    """An upload that has not expired. Blocks; raises NotFound."""
    missing = NotFound("There is no such upload, or it has expired.")
    try:
        parsed = uuid.UUID(upload_id.removeprefix(PREFIX))
    except ValueError:
        raise missing from None
    if upload_id != f"{PREFIX}{parsed}":
        raise missing
    try:
        found = Upload.model_validate_json(b"".join(files.stream(_about(upload_id))))
    except (FileNotFoundError, ValidationError):
        raise missing from None
    if found.expires < datetime.now(UTC):
        raise missing
    return found


def remove(files: Files, upload: Upload) -> None:
    """Take an upload away. Blocks."""
    files.remove_job(upload.id)


def _about(upload_id: str) -> str:
    return job_key(upload_id, ABOUT)
