"""Bodies with files of the storage in them: described answers and byte ranges, streamed."""

import codecs
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import orjson
from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from qanat_api.documents import NOSNIFF, REVALIDATE
from qanat_api.responses import Answer, Embedded, Form
from qanat_common.errors import RangeNotSatisfiable
from qanat_common.protocol import StoredFile

CHUNK = 3 << 18
"""So many bytes of a file are read at once: a multiple of three, so that base64 needs no rest."""

SMALL = 1 << 20
"""A body up to this size is read as a whole before it is sent."""


class Files(Protocol):
    """Where files lie; blocks. Raises FileNotFoundError and Unavailable."""

    def stream(
        self, key: str, start: int = 0, end: int | None = None, chunk: int = CHUNK
    ) -> Iterator[bytes]:
        """The bytes of a file, in pieces of `chunk`."""


@dataclass(frozen=True)
class ByteRange:
    """Part of a file of `size` bytes: from `start` up to, not including, `end`."""

    start: int
    end: int
    size: int

    @property
    def header(self) -> str:
        """Its Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def byte_range(header: str | None, size: int) -> ByteRange | None:
    """The one range that a Range header asks for; None where the whole is to be sent.

    Several ranges, and what cannot be read, are passed over (RFC 9110, 14.2). Raises
    RangeNotSatisfiable.
    """
    found = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", header or "", re.ASCII)
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable(f"Range: {header!r} lies outside of the {size} bytes")
    return ByteRange(start, end, size)


async def respond(files: Files, answer: Answer, headers: Mapping[str, str]) -> Response:
    """An answer with its files. Raises FileNotFoundError when one is gone."""
    response = await _sent(_pieces(files, answer), answer.size, answer.status)
    if answer.media_type:
        response.headers["Content-Type"] = answer.media_type
    for name, value in chain(NOSNIFF.items(), headers.items()):
        response.headers[name] = value
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


async def whole(files: Files, answer: Answer) -> bytes:
    """The body of an answer. Raises FileNotFoundError when a file of it is gone."""
    return await run_in_threadpool(b"".join, _pieces(files, answer))


async def read(files: Files, key: str) -> bytes:
    """All of a small file. Raises FileNotFoundError when it is gone."""
    return await run_in_threadpool(b"".join, files.stream(key))


async def respond_file(
    files: Files, file: StoredFile, part: ByteRange | None, headers: Mapping[str, str]
) -> Response:
    """A file, or a part of it. Raises FileNotFoundError when it is gone."""
    start, end = (part.start, part.end) if part else (0, file.size)
    pieces = files.stream(file.key, start, end, CHUNK)
    response = await _sent(pieces, end - start, 206 if part else 200)
    own = {"Content-Range": part.header} if part else {}
    for name, value in (NOSNIFF | REVALIDATE | own | dict(headers)).items():
        response.headers[name] = value
    return response


async def _sent(pieces: Iterator[bytes], size: int | None, status: int) -> Response:
    """Small bodies as a whole; of large ones the first piece is read before the head is sent."""
    if size is not None and size <= SMALL:
        return Response(await run_in_threadpool(b"".join, pieces), status)
    first = await run_in_threadpool(next, pieces, b"")
    response = StreamingResponse(chain((first,), pieces), status)
    if size is not None:
        response.headers["Content-Length"] = str(size)
    return response


def _pieces(files: Files, answer: Answer) -> Iterator[bytes]:
    for piece in answer.body:
        if isinstance(piece, bytes):
            yield piece
        else:
            yield from _FORMS[piece.form](_read(files, piece))


def _read(files: Files, piece: Embedded) -> Iterator[bytes]:
    return files.stream(piece.file.key, 0, piece.file.size, CHUNK)


def _plain(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return pieces


def _base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return map(b64encode, pieces)


def _json_text(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Text as it stands within the quotes of a JSON string."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        yield orjson.dumps(decoder.decode(piece))[1:-1]
    yield orjson.dumps(decoder.decode(b"", final=True))[1:-1]


_FORMS = {Form.PLAIN: _plain, Form.BASE64: _base64, Form.JSON_TEXT: _json_text}
