"""Offers by content: the text under which one is kept, and the digest that names it."""

import hashlib

from qanat_common.protocol import Offer


def encode(offer: Offer) -> tuple[bytes, str]:
    """The JSON of an offer, and its SHA-256."""
    # The order of inputs is what clients show: it is part of the content, and never sorted.
    text = offer.model_dump_json(by_alias=True, exclude_none=True).encode()
    return text, hashlib.sha256(text).hexdigest()


def digest(offer: Offer) -> str:
    """The name of an offer."""
    return encode(offer)[1]
