"""What a job was asked for, as an execute request that asks for the same again; pure."""

from typing import Any

from qanat_common.protocol import Inline, Input, Inputs, Named, Reference, RunJob


def execute_request(request: RunJob, inputs: Inputs) -> dict[str, Any]:
    """The body of an execute request; `inputs` are the job's, wherever they lie."""
    asked: dict[str, Any] = {
        "inputs": {
            name: [_given(one) for one in given] if isinstance(given, list) else _given(given)
            for name, given in inputs.items()
        }
    }
    if request.outputs is not None:
        asked["outputs"] = {name: output.document() for name, output in request.outputs.items()}
    return {**asked, "response": str(request.response)}


def _given(given: Input) -> Any:
    return _FORMS[given.kind](given)


def _reference(given: Reference) -> dict[str, Any]:
    return _present(href=given.href, type=given.media_type)


def _inline(given: Inline) -> Any:
    """Bare where nothing needs to be said of it: a scalar, a list, a bounding box."""
    value = given.value
    plain = given.media_type is None and given.encoding is None
    if plain and (not isinstance(value, dict) or "bbox" in value):
        return value
    about = _present(mediaType=given.media_type, encoding=given.encoding)
    return {"value": value, **about}


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _named(given: Named) -> str:
    """A name stands bare; the project that has it is named by the address."""
    return given.name


_FORMS: dict[str, Any] = {"inline": _inline, "reference": _reference, "named": _named}
