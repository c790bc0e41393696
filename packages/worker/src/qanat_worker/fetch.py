"""Inputs by reference, fetched into the job's folder by a client that checks what it dials.

The address of each connection is checked, after the name was resolved, for each redirect anew. It
must be public; a host that the settings allow gets a client of its own that dials only this host.
"""

import asyncio
import logging
import mimetypes
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote

import httpx

from qanat_common.dialing import NotPublic, Reach, Refused, answer_of
from qanat_common.errors import InputNotFetched, Unavailable
from qanat_common.protocol import (
    Input,
    Inputs,
    LocalFile,
    OfLayer,
    Reference,
    ResolvedInput,
    ResolvedInputs,
)
from qanat_worker.limits import in_words
from qanat_worker.settings import FetchSettings
from qanat_worker.tally import Fetches, Tally

logger = logging.getLogger(__name__)

FOLDER = ".inputs"
"""Folder of the fetched files, in the job's own: no output is named like it."""

LOOK_SECONDS = 0.25
CHUNK = 1 << 16
HEADERS = {"User-Agent": "qanat-worker", "Accept": "*/*", "Accept-Encoding": "identity"}

EXTENSIONS = {
    "application/flatgeobuf": ".fgb",
    "application/geo+json": ".geojson",
    "application/geopackage+sqlite3": ".gpkg",
    "application/gml+xml": ".gml",
    "application/json": ".json",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/x-shapefile": ".shp",
    "application/zip": ".zip",
    "image/tiff": ".tif",
    "text/csv": ".csv",
}
"""Media type → extension, where Python's own table has none or another."""


_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
"""What a layer may be called."""


BYTES = "application/octet-stream"
SAY_LITTLE = frozenset({BYTES, "text/plain"})
"""Media types of servers that know no better: how the address ends says more, as of a CSV file."""


class Stopped(Exception):
    """The job was stopped while its inputs were fetched."""


class TooLarge(Refused):
    """More bytes than a job may fetch."""


class Files(Protocol):
    """Where files lie that need no request. Blocks; raises Unavailable."""

    def size(self, key: str) -> int | None:
        """The size of a file in bytes; None when it is not there."""

    def fetch(self, key: str, path: Path) -> None:
        """Copy a file to a path."""


class Fetcher:
    """Fetches the references of a job."""

    def __init__(
        self,
        settings: FetchSettings,
        storage: Files | None = None,
        fetches: Fetches | None = None,
    ) -> None:
        """The settings say which hosts, how much, how long; `storage` has what needs no request."""
        self._fetches = fetches or Tally()
        self._settings = settings
        self._storage = storage

    def resolve(self, inputs: Inputs, folder: Path, stopped: Callable[[], bool]) -> ResolvedInputs:
        """The inputs with a file in `folder` for each reference; one address is fetched once.

        Raises InputNotFetched, or Stopped as soon as `stopped` says so.
        """
        wanted = _references(inputs)
        if not wanted:
            return _resolved(inputs, {})
        target = folder / FOLDER
        target.mkdir(mode=0o700)
        return _resolved(inputs, asyncio.run(self._fetch_all(wanted, target, stopped)))

    async def _fetch_all(
        self, wanted: dict[str, tuple[str, Reference]], target: Path, stopped: Callable[[], bool]
    ) -> dict[str, LocalFile]:
        task = asyncio.ensure_future(self._fetch_in_turn(wanted, target))
        while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
            if stopped():
                task.cancel()
                await asyncio.wait([task])
                raise Stopped
        return task.result()

    async def _fetch_in_turn(
        self, wanted: dict[str, tuple[str, Reference]], target: Path
    ) -> dict[str, LocalFile]:
        left, end = self._settings.max_bytes, time.monotonic() + self._settings.all_seconds
        files: dict[str, LocalFile] = {}
        for number, (href, (name, reference)) in enumerate(wanted.items()):
            stem = target / f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)[:60]}-{number}"
            rest = end - time.monotonic()
            try:
                async with asyncio.timeout(min(self._settings.seconds, rest)):
                    files[href] = await self._fetch(name, reference, stem, left)
            except TimeoutError:
                words = self._too_long(rest)
                raise self._failed("time", name, href, words) from None
            size = _size(files[href])
            self._fetches.fetched(_scheme(reference), size)
            left -= size
        return files

    async def _fetch(self, name: str, reference: Reference, stem: Path, left: int) -> LocalFile:
        href = reference.href
        if reference.key is not None and self._storage is not None:
            return await asyncio.to_thread(self._take, self._storage, name, reference, stem, left)
        try:
            url = httpx.URL(href)
            for _ in range(self._settings.redirects + 1):
                answer = await self._visit(url, reference, stem, left)
                if isinstance(answer, LocalFile):
                    return answer
                url = answer
        except Refused as refused:
            reason = "size" if isinstance(refused, TooLarge) else "refused"
            raise self._failed(reason, name, href, str(refused)) from None
        except NotPublic:
            raise self._failed("not-public", name, href, "its address is not public") from None
        except httpx.InvalidURL:
            raise self._failed("refused", name, href, "it is not a URL") from None
        except httpx.HTTPError as error:
            logger.info("%s could not be fetched: %r", name, error)
            words = "its server did not answer as it should"
            raise self._failed("server", name, href, words) from None
        words = f"it redirects more than {self._settings.redirects} times"
        raise self._failed("server", name, href, words)

    def _failed(self, reason: str, name: str, href: str, why: str) -> InputNotFetched:
        """What is told of an input that is not fetched; `reason` is what is counted."""
        self._fetches.rejected(reason)
        shown = href if len(href) <= 200 else href[:200] + "…"
        return InputNotFetched(f"{name}: {shown!r} could not be fetched: {why}.")

    def _too_long(self, rest: float) -> str:
        if rest > self._settings.seconds:
            return f"it took longer than {self._settings.seconds:g} seconds"
        seconds = self._settings.all_seconds
        return f"the inputs of a job may take {seconds:g} seconds to be fetched in all"

    def _take(
        self, storage: Files, name: str, reference: Reference, stem: Path, left: int
    ) -> LocalFile:
        """A file of the storage: an upload, or the result of another job."""
        key = reference.key or ""
        path = stem.with_name(stem.name + _extension(reference.media_type, httpx.URL(key)))
        try:
            size = storage.size(key)
            if size is None:
                raise FileNotFoundError
            if size > left:
                raise self._failed("size", name, reference.href, _most(self._settings))
            storage.fetch(key, path)
        except FileNotFoundError:
            raise self._failed("gone", name, reference.href, "it is no longer there") from None
        except Unavailable:
            raise self._failed("server", name, reference.href, "the storage is away") from None
        return LocalFile(path=str(path), media_type=reference.media_type)

    async def _visit(
        self, url: httpx.URL, reference: Reference, stem: Path, left: int
    ) -> LocalFile | httpx.URL:
        async with self._answer(url) as response:
            if response.has_redirect_location:
                return url.join(response.headers["Location"])
            if response.status_code != httpx.codes.OK:
                raise Refused(f"its server answered {response.status_code}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Refused("its server compressed it, which was not asked for")
            media_type = reference.media_type or _media_type(response)
            path = stem.with_name(stem.name + _extension(media_type, url))
            if not await _save(response, path, left):
                raise TooLarge(_most(self._settings))
            return LocalFile(path=str(path), media_type=media_type)

    def _answer(self, url: httpx.URL) -> AbstractAsyncContextManager[httpx.Response]:
        reach = Reach(self._settings.ports, self._settings.allowed_hosts)
        return answer_of("GET", url, reach, HEADERS, self._settings.seconds)


async def _save(response: httpx.Response, path: Path, most: int) -> bool:
    """Write a body to a file; False as soon as it is larger than `most` bytes."""
    size = 0
    with path.open("xb") as file:
        async for piece in response.aiter_raw(CHUNK):
            size += len(piece)
            if size > most:
                return False
            file.write(piece)
    return True


def _most(settings: FetchSettings) -> str:
    return f"the fetched inputs of a job may have {in_words(settings.max_bytes)} in all"


def _size(file: LocalFile) -> int:
    return Path(file.path).stat().st_size


def _scheme(reference: Reference) -> str:
    """By what an input comes: `http`, `https`, or from the storage."""
    return "storage" if reference.key is not None else httpx.URL(reference.href).scheme


def _references(inputs: Inputs) -> dict[str, tuple[str, Reference]]:
    """Address → the first input that names it, in order."""
    found: dict[str, tuple[str, Reference]] = {}
    for name, given in inputs.items():
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, Reference):
                found.setdefault(one.href, (name, one))
    return found


def _resolved(inputs: Inputs, files: dict[str, LocalFile]) -> ResolvedInputs:
    def one(given: Input) -> ResolvedInput:
        if not isinstance(given, Reference):
            return given
        file = files[given.href]
        said = given.model_dump(include=set(OfLayer.model_fields))
        return LocalFile(
            path=file.path,
            name=_called(given.href),
            **said | {"media_type": given.media_type or file.media_type},
        )

    return {
        name: [one(part) for part in given] if isinstance(given, list) else one(given)
        for name, given in inputs.items()
    }


def _called(href: str) -> str | None:
    """What the file at an address is called there, without its suffix."""
    stem = PurePosixPath(unquote(httpx.URL(href).path)).stem
    return stem if _NAME.fullmatch(stem) else None


def _media_type(response: httpx.Response) -> str | None:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None


def _extension(media_type: str | None, url: httpx.URL) -> str:
    """By media type where one is told, else as the URL ends."""
    plain = (media_type or "").partition(";")[0].strip().lower()
    known = EXTENSIONS.get(plain) or mimetypes.guess_extension(plain)
    if known is not None and plain not in SAY_LITTLE:
        return known
    suffix = Path(url.path).suffix.lower()
    if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix):
        return suffix
    return "" if known is None or plain == BYTES else known
