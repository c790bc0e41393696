"""Files of jobs by reference, in a folder or in S3: the only file that imports the object store.

A file's key is `jobs/<job id>/<name>`, made by `job_key`, so a job's files go away together.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from qanat_common.errors import Unavailable

CHUNK = 1 << 20


def job_key(job_id: str, name: str) -> str:
    """The key of a file of a job."""
    return f"{_folder(job_id)}/{name}"


def _folder(job_id: str) -> str:
    return f"jobs/{job_id}"


class Storage:
    """The storage at a URL: `file:///folder` (made when missing) or `s3://bucket/prefix`.

    Methods raise FileNotFoundError for a key that is not there, and Unavailable when the storage
    itself fails.
    """

    def __init__(self, url: str) -> None:
        """Credentials of S3 come from the environment (AWS_…)."""
        parts = urlsplit(url)
        try:
            self._store = (
                LocalStore(unquote(parts.path), mkdir=True, automatic_cleanup=True)
                if parts.scheme == "file"
                else from_url(url)
            )
        except (BaseError, OSError) as error:
            raise Unavailable(f"The storage cannot be opened: {error}") from error

    def put(self, key: str, path: Path) -> int:
        """Keep a file; returns its size in bytes."""
        return self._put(key, path, path.stat().st_size)

    def put_bytes(self, key: str, data: bytes) -> int:
        """Keep some bytes; returns how many."""
        return self._put(key, data, len(data))

    def _put(self, key: str, source: Path | bytes, size: int) -> int:
        try:
            obstore.put(self._store, key, source)
        except BaseError as error:
            raise Unavailable("The storage does not take files now.", retry_after=30) from error
        return size

    def size(self, key: str) -> int | None:
        """The size of a file in bytes; None when it is not there."""
        try:
            return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise Unavailable("The storage cannot be read now.", retry_after=30) from error

    def get(self, key: str) -> bytes:
        """A whole file."""
        return b"".join(self.stream(key))

    def stream(
        self, key: str, start: int = 0, end: int | None = None, chunk: int = CHUNK
    ) -> Iterator[bytes]:
        """The bytes of a file from `start` up to, not including, `end`, in pieces.

        An `end` that is given is believed: the file is not asked for its size, which takes a call.
        """
        stop = end or self.size(key)
        if stop is None:
            raise FileNotFoundError(key)
        for at in range(start, stop, chunk):
            try:
                piece = obstore.get_range(self._store, key, start=at, end=min(at + chunk, stop))
            except FileNotFoundError:
                raise
            except BaseError as error:
                raise Unavailable("The storage cannot be read now.", retry_after=30) from error
            yield bytes(piece)

    def fetch(self, key: str, path: Path) -> None:
        """Copy a file of the storage to a path."""
        with path.open("wb") as file:
            for piece in self.stream(key):
                file.write(piece)

    def job_files(self) -> Iterator[tuple[str, datetime]]:
        """For each file of a job: the id of the job, and when the file was written; in any order."""
        try:
            for page in obstore.list(self._store, prefix="jobs"):
                for entry in page:
                    _, job_id, *_ = str(entry["path"]).split("/")
                    yield job_id, entry["last_modified"]
        except FileNotFoundError:
            return
        except BaseError as error:
            raise Unavailable("The storage cannot be listed now.", retry_after=30) from error

    def remove_job(self, job_id: str) -> None:
        """Take away all files of a job."""
        try:
            for page in obstore.list(self._store, prefix=_folder(job_id)):
                obstore.delete(self._store, [str(entry["path"]) for entry in page])
        except FileNotFoundError:
            return
        except BaseError as error:
            raise Unavailable("The storage takes no file away now.", retry_after=30) from error
