"""References to what this service has itself, uploads and results of jobs: found without a request.

Such an address is answered by the files or the record that it stands for, if who asks may see them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from qanat_api.status import outcome
from qanat_api.uploads import Upload
from qanat_common.errors import Fault, InvalidInput, NoSuchOutput, QanatError
from qanat_common.jobs import JobRecord
from qanat_common.protocol import Inline, Input, Inputs, Reference, Value


@dataclass(frozen=True)
class Own:
    """What this service has: both block, and raise what refuses who asks."""

    job: Callable[[str], JobRecord]
    upload: Callable[[str], Upload]


def concerned(inputs: Inputs, base: str) -> bool:
    """Whether an input is a reference to what this service has."""
    return any(
        isinstance(one, Reference) and _segments(one.href, base) is not None
        for given in inputs.values()
        for one in (given if isinstance(given, list) else [given])
    )


def resolved(inputs: Inputs, base: str, own: Own) -> Inputs:
    """The inputs, with the key of the file in each reference to one of ours. Raises InvalidInput."""

    def one(given: Input, pointer: str) -> Input:
        parts = _segments(given.href, base) if isinstance(given, Reference) else None
        if parts is None or not isinstance(given, Reference):
            return given
        try:
            return _found(given, parts, own)
        except QanatError as error:
            words = f"href: {error.detail}"
            raise InvalidInput(f"{pointer}: {words}", Fault(pointer, words)) from None

    return {
        name: [one(part, f"/inputs/{name}/{n}") for n, part in enumerate(given)]
        if isinstance(given, list)
        else one(given, f"/inputs/{name}")
        for name, given in inputs.items()
    }


def _found(given: Reference, parts: Sequence[str], own: Own) -> Input:
    if parts[0] == "uploads":
        upload = own.upload(parts[1])
        media_type = given.media_type or upload.media_type
        return given.model_copy(update={"key": upload.key, "media_type": media_type})
    outputs = outcome(own.job(parts[1])).outputs
    names = [parts[3]] if len(parts) == 4 else list(outputs)
    if len(names) != 1 or names[0] not in outputs:
        raise NoSuchOutput(f"Name one of the outputs of the job: {', '.join(outputs) or 'none'}.")
    output = outputs[names[0]]
    if isinstance(output, Value):
        return Inline(value=output.value, media_type=given.media_type)
    media_type = given.media_type or output.media_type
    return given.model_copy(update={"key": output.key, "media_type": media_type})


def _segments(href: str, base: str) -> Sequence[str] | None:
    """The path below our base of an upload or of results; None of everything else."""
    if not href.startswith(base + "/"):
        return None
    parts = [unquote(part) for part in urlsplit(href[len(base) :]).path.split("/")[1:]]
    is_upload = parts[0] == "uploads" and len(parts) == 2
    is_result = parts[0] == "jobs" and len(parts) in (3, 4) and parts[2] == "results"
    return parts if is_upload or is_result else None
