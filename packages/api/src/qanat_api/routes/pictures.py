"""Pictures of the outputs of jobs, as the worker made them."""

from fastapi import APIRouter, Request, Response

from qanat_api import content, documents, negotiation
from qanat_api.routes import PartsOf, get
from qanat_api.status import available
from qanat_common.errors import NoSuchOutput
from qanat_common.protocol import StoredFile

router = APIRouter()

PNG = "image/png"

KEPT = {"Cache-Control": "private, max-age=604800, immutable"}
"""The picture of an output never changes, and is its owner's."""


@get(router, "/jobs/{job_id}/results/{output}/picture", document=False)
async def picture(request: Request, job_id: str, output: str, parts: PartsOf) -> Response:
    """The picture of an output that has one."""
    record = await parts.jobs.record(job_id)
    found = available(record).outputs.get(output)
    if not isinstance(found, StoredFile) or found.picture is None:
        raise NoSuchOutput(f"There is no picture of an output {output[:100]!r}.")
    headers = KEPT | documents.NOSNIFF | {"ETag": f'"{job_id}-{record.attempt}-picture"'}
    if negotiation.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    try:
        data = await content.read(parts.files, found.picture.key)
    except FileNotFoundError:
        raise NoSuchOutput("The picture of this output is no longer there.") from None
    return Response(data, headers=headers, media_type=PNG)
