"""One value of an input as it comes to the engine: its bytes, and why it cannot be used."""

import binascii
from base64 import b64decode

import orjson

from qanat_common.protocol import Inline, LocalFile, Named

Given = Inline | LocalFile | Named
"""One value of an input."""


class Unusable(ValueError):
    """A value that cannot be used; the text says why, to follow the name of the input."""


def content_of(given: Inline) -> bytes:
    """The bytes of an inline value."""
    value = given.value
    if not isinstance(value, str):
        return orjson.dumps(value)
    if given.encoding != "base64":
        return value.encode()
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unusable("is not base64") from error
