"""Forms: read from a request of our own pages only, and made into an execute request."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import JsonValue
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from qanat_api.body import too_large
from qanat_api.catalog import Offered
from qanat_api.fields import Field, Filled, Unreadable, Upload, roles
from qanat_api.inputs import parse_execute, parse_inputs
from qanat_api.negotiation import media_range
from qanat_api.schemas import escape, media_types
from qanat_common.errors import (
    CrossSite,
    Fault,
    InvalidInput,
    InvalidRequest,
    QanatError,
    UnsupportedMediaType,
)
from qanat_common.ogc import OutputDescription, Process, Transmission

MULTIPART = "multipart/form-data"

MOST_FIELDS = 2000
MOST_FILES = 200

WHEN_ASKED = "made when asked for"
"""The note on an output that is not made unasked."""


def check_origin(headers: Mapping[str, str], base: str) -> None:
    """Refuse a form that another site's page sends; raises CrossSite.

    A browser tells where a form comes from by Sec-Fetch-Site, or by Origin where the connection is
    not encrypted; who sends neither is no browser, and carries nobody's authority.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        fine = site in ("same-origin", "none")
    elif origin is not None:
        own = urlsplit(base)
        fine = origin in (f"{own.scheme}://{own.netloc}", f"{own.scheme}://{headers.get('host')}")
    else:
        fine = True
    if not fine:
        raise CrossSite("Forms are taken from this service's own pages only.")


async def read(headers: Headers, stream: AsyncIterator[bytes], limit: int) -> Filled:
    """What was filled in; raises as soon as there is more than `limit` bytes of it."""
    if media_range(headers.get("content-type", "")) != MULTIPART:
        raise UnsupportedMediaType(f"Content-Type: a form is sent as {MULTIPART}")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large(limit)
    parser = MultiPartParser(
        headers,
        _bounded(stream, limit),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=limit,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidRequest(f"The form cannot be read: {error.message}") from None
    texts: dict[str, list[str]] = defaultdict(list)
    files: dict[str, list[Upload]] = defaultdict(list)
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name].append(Upload(_file_name(value.filename), await value.read()))
        else:
            texts[name].append(value)
    await form.close()
    return Filled(texts, files)


def _file_name(sent: str | None) -> str:
    """A browser escapes a quotation mark in it (HTML standard, multipart form data)."""
    return (sent or "").replace("%22", '"')


async def _bounded(stream: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for piece in stream:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        yield piece


def execute_request(
    offered: Offered, shown: Sequence[Field], filled: Filled
) -> dict[str, JsonValue]:
    """The body of an execute request that a form asks for. Raises InvalidInput for all at fault."""
    inputs: dict[str, JsonValue] = {}
    unread: list[Fault] = []
    for each in shown:
        try:
            value = each.kind.read(each, filled)
        except Unreadable as error:
            unread.append(Fault(f"/{each.key}", str(error)))
            continue
        if value is not None:
            inputs[each.name] = value
    body: dict[str, JsonValue] = {"inputs": inputs, "response": "document"}
    outputs = outputs_of(offered.process, filled)
    if outputs:
        body["outputs"] = outputs
    if unread:
        raise InvalidInput("Some fields cannot be read.", *unread, *_others(offered, body, unread))
    return body


def _others(offered: Offered, body: JsonValue, unread: Sequence[Fault]) -> list[Fault]:
    """What else is wrong, of the inputs that could be read."""
    told = {fault.pointer for fault in unread}
    try:
        parse_inputs(parse_execute(body), offered.process, offered.rules)
    except QanatError as error:
        return [fault for fault in error.faults if fault.pointer not in told]
    return []


def outputs_of(process: Process, filled: Filled) -> dict[str, JsonValue]:
    """The outputs that are ticked, files by reference; the only one of a process needs no tick."""
    several = len(process.outputs) > 1
    chosen: dict[str, JsonValue] = {}
    for name, about in process.outputs.items():
        key = output_key(name)
        if several and not filled.text(key):
            continue
        wanted: dict[str, JsonValue] = {}
        media_type = filled.text(f"{key}/format")
        if media_type:
            wanted["format"] = {"mediaType": media_type}
        if media_types(about.schema_) and Transmission.REFERENCE in process.output_transmission:
            wanted["transmissionMode"] = str(Transmission.REFERENCE)
        chosen[name] = wanted
    return chosen


def output_key(name: str) -> str:
    """The name of an output's control."""
    return f"outputs/{escape(name)}"


def initial(process: Process, shown: Sequence[Field]) -> Filled:
    """What is filled in at first: all defaults, and the outputs that are made unasked."""
    texts: dict[str, list[str]] = {}
    for each in shown:
        texts |= each.kind.initial(each)
    for name, about in process.outputs.items():
        if not made_when_asked(about):
            texts[output_key(name)] = ["on"]
    return Filled(texts)


def again(process: Process, shown: Sequence[Field], asked: Mapping[str, Any]) -> Filled:
    """What is filled in to ask for the same again; `asked` is an execute request."""
    inputs, outputs = asked.get("inputs") or {}, asked.get("outputs")
    texts: dict[str, list[str]] = {}
    for each in shown:
        if each.name in inputs:
            texts |= each.kind.initial(each.with_default(inputs[each.name]))
    for name, about in process.outputs.items():
        wanted = outputs.get(name) if outputs else None
        if wanted is not None or (not outputs and not made_when_asked(about)):
            texts[output_key(name)] = ["on"]
        media_type = ((wanted or {}).get("format") or {}).get("mediaType")
        if media_type and media_type != next(iter(media_types(about.schema_)), None):
            texts[f"{output_key(name)}/format"] = [media_type]
    return Filled(texts)


def made_when_asked(about: OutputDescription) -> bool:
    """Whether an output is made only when it is asked for."""
    return roles(about).get("optional") == WHEN_ASKED


def by_field(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """Name of a control → what is wrong with it; "" has what belongs to none."""
    found: dict[str, list[str]] = defaultdict(list)
    for fault in faults:
        section, _, rest = fault.pointer.removeprefix("/").partition("/")
        name = rest.partition("/")[0]
        found[f"{section}/{name}" if name else ""].append(fault.message)
    return dict(found)
