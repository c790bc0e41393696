"""Uploads: a file is sent once, and its link is an input of as many jobs as one likes."""

import asyncio
import re

from fastapi import APIRouter, Request, Response

from qanat_api import body, documents, uploads
from qanat_api.links import Links
from qanat_api.routes import LinksOf, Parts, PartsOf, get
from qanat_api.uploads import Upload
from qanat_common.errors import InvalidParameter, NotFound, TooLarge

router = APIRouter()

NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}")
MEDIA_TYPE = re.compile(r"[\x21-\x7e]+/[\x20-\x7e]{1,150}")


@router.post("/uploads", response_model=None)
async def upload(request: Request, parts: PartsOf, links: LinksOf) -> Response:
    """Keep the body for a while."""
    if parts.guard is not None:
        parts.guard.uploads()
    own = parts.settings
    name = request.query_params.get("name")
    if name is not None and not NAME.fullmatch(name):
        raise InvalidParameter(f"name: {name[:100]!r} is not the name of a file")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > own.upload_limit:
        raise TooLarge(f"An upload may have {own.upload_limit} bytes here.")
    body.check_encoding(request.headers)
    given = request.headers.get("content-type", "")
    made = await uploads.keep(
        parts.files,
        request.stream(),
        most=own.upload_limit,
        seconds=own.upload_seconds,
        owner=None if parts.guard is None else parts.guard.owner,
        name=name,
        media_type=given if MEDIA_TYPE.fullmatch(given) else None,
    )
    headers = documents.NO_STORE | {"Location": links.upload(made.id)}
    return documents.plain(_document(made, links), 201, headers)


@get(router, "/uploads/{upload_id}", document=False)
async def about(upload_id: str, parts: PartsOf, links: LinksOf) -> Response:
    """What is known of an upload."""
    found = await _found(upload_id, parts)
    return documents.plain(_document(found, links), headers=documents.NO_STORE)


@router.delete("/uploads/{upload_id}", response_model=None)
async def remove(upload_id: str, parts: PartsOf) -> Response:
    """Take an upload away."""
    found = await _found(upload_id, parts)
    await asyncio.to_thread(uploads.remove, parts.files, found)
    return Response(status_code=204, headers=documents.NO_STORE)


async def _found(upload_id: str, parts: Parts) -> Upload:
    """An upload of who asks; that of another is not there."""
    if parts.guard is not None:
        parts.guard.require("upload")
    found = await asyncio.to_thread(uploads.find, parts.files, upload_id)
    if parts.guard is not None and not parts.guard.owns(found.owner):
        raise NotFound("There is no such upload, or it has expired.")
    return found


def _document(found: Upload, links: Links) -> dict[str, object]:
    known = {
        "id": found.id,
        "href": links.upload(found.id),
        "name": found.name,
        "type": found.media_type,
        "size": found.size,
        "expires": found.expires.isoformat(),
    }
    return {name: value for name, value in known.items() if value is not None}
