"""A job record from the fields of its hash in the store."""

import json
import logging
from typing import Any

from pydantic import TypeAdapter, ValidationError

from qanat_common import listing
from qanat_common.jobs import JobRecord

logger = logging.getLogger(__name__)

_DOCUMENTS = ("request", "outcome")

Hash = dict[bytes, bytes]
_RECORD: TypeAdapter[JobRecord] = TypeAdapter(JobRecord)


def record_of(values: Hash) -> JobRecord | None:
    """A record from the fields of its hash; None where there is none, or it cannot be read."""
    if b"request" not in values:
        return None
    fields: dict[str, Any] = {name.decode(): value.decode() for name, value in values.items()}
    for name in listing.TIMES & fields.keys():
        fields[name] = listing.time(fields[name])
    for name in _DOCUMENTS:
        if name in fields:
            fields[name] = json.loads(fields[name])
    try:
        return _RECORD.validate_python(fields)
    except ValidationError:
        logger.exception("job %s: its record cannot be read", fields.get("job_id"))
        return None
