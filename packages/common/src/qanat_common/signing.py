"""Jobs are signed by who accepts them: who reaches the broker, and knows no secret, cannot have one run.

What is signed is the message as it travels, but for its queue, which whoever sends it again may change.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from qanat_common.protocol import RunJob, wire

UNSIGNED = frozenset({"queue", "signature"})
"""The members of a message that its signature does not cover."""


class Seal:
    """Signs and checks by a secret; without one nothing is signed, and everything is genuine."""

    def __init__(self, secret: SecretStr | None = None) -> None:
        """The same secret on both sides."""
        self._key = secret.get_secret_value().encode() if secret else b""

    def signed(self, job: RunJob) -> RunJob:
        """The same job, signed."""
        if not self._key:
            return job
        return job.model_copy(update={"signature": self._signature(wire(job))})

    def is_on(self, message: Any) -> bool:
        """Whether a message was signed by the secret, just as it is; any JSON may be one."""
        if not self._key:
            return True
        given = message.get("signature") if isinstance(message, dict) else None
        if not isinstance(given, str):
            return False
        return hmac.compare_digest(given.encode(), self._signature(message).encode())

    def _signature(self, message: Mapping[str, Any]) -> str:
        signed = {name: value for name, value in message.items() if name not in UNSIGNED}
        text = json.dumps(signed, sort_keys=True, separators=(",", ":"))
        return "v1:" + hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
