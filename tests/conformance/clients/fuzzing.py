"""What schemathesis is told of a service: hooks that it loads, and the configuration of a run.

Beside the paths of the API definition there is one for the execution of each process, with the
schema that its description gives: what a description allows must be taken.
"""

import json
import os
from typing import Any

import httpx2
import schemathesis

Object = dict[str, Any]

GENERIC = "/processes/{processId}/execution"
SLOW = "pause"
"""The input that lets the echo wait: nobody has the time."""

LEAST, MOST = -(2**63), 2**64 - 1
AT_ONCE: Object = {"type": "integer", "enum": [0, None], "nullable": True}
NULL: Object = {"type": "string", "enum": [None], "nullable": True}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: Object) -> None:
    """A path for each process that an execution is to be made of."""
    base = raw_schema["servers"][0]["url"]
    for process_id in json.loads(os.environ["QANAT_FUZZED"]):
        described = httpx2.get(f"{base}/processes/{process_id}").json()
        path = GENERIC.replace("{processId}", process_id)
        raw_schema["paths"][path] = {"post": _execution(raw_schema, described)}


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """No pattern can say that an interval must not end before it starts."""
    start, _, end = str((query or {}).get("datetime", "")).partition("/")
    return not (start and end and ".." not in (start, end) and start[:10] >= end[:10])


def _execution(document: Object, described: Object) -> Object:
    """The operation that runs one process."""
    own = document["paths"][GENERIC]["post"]
    inputs = described["inputs"]
    required = [name for name, about in inputs.items() if about["minOccurs"]]
    body = {
        "type": "object",
        "required": ["inputs"] if required else [],
        "properties": {
            "inputs": {
                "type": "object",
                "properties": {
                    name: AT_ONCE if name == SLOW else _value(about)
                    for name, about in inputs.items()
                },
                "required": required,
                "additionalProperties": False,
                "nullable": not required,
            },
            "response": document["components"]["schemas"]["execute"]["properties"]["response"],
        },
    }
    return {
        **own,
        "operationId": f"execute-{described['id']}",
        "parameters": [each for each in own["parameters"] if "processId" not in each["$ref"]],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
    }


def _value(about: Object) -> Object:
    """A value as an execute request may have it; a null is taken for none."""
    found = _single(about["schema"]) if about["maxOccurs"] == 1 else _several(about)
    return found if about["minOccurs"] else {"anyOf": [found, NULL]}


def _several(about: Object) -> Object:
    found: Object = {"type": "array", "items": _single(about["schema"])}
    found["minItems"] = about["minOccurs"]
    if about["maxOccurs"] != "unbounded":
        found["maxItems"] = about["maxOccurs"]
    return found


def _single(described: Object) -> Object:
    schema = _bounded(described)
    if "oneOf" in schema:
        return {"anyOf": [_of_medium(each) for each in schema["oneOf"]]}
    return {"anyOf": [schema, _qualified(value=schema)]}


def _of_medium(schema: Object) -> Object:
    """One of several media types: a text tells which it is by its qualification only."""
    medium = {"type": "string", "enum": [schema["contentMediaType"]]}
    if schema["type"] == "object":
        return {"anyOf": [schema, _qualified(value=schema, mediaType=medium)]}
    if schema.get("contentEncoding") == "base64":
        schema = {"type": "string", "pattern": "^([A-Za-z0-9+/]{4}){0,20}$"}
    return _qualified(value=schema, mediaType=medium)


def _qualified(**properties: Object) -> Object:
    return {"type": "object", "required": list(properties), "properties": properties}


def _bounded(schema: Object) -> Object:
    """A schema whose whole numbers have 64 bits: larger ones are floats to who reads JSON."""
    if schema.get("type") == "integer":
        return {"minimum": LEAST, "maximum": MOST} | schema
    return schema | {"items": _bounded(schema["items"])} if "items" in schema else schema
