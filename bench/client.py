"""A client that takes next to no time itself: what is measured is the service."""

import http.client
import json
from types import TracebackType
from urllib.parse import urlsplit


class Client:
    """One connection to a service, kept open."""

    def __init__(self, url: str) -> None:
        """Connects at the first request; `url` is the address of the service."""
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> bytes:
        """The body of a resource. Raises RuntimeError for any other status than 200."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> bytes:
        """What is answered to a JSON body. Raises RuntimeError for any other status than 200."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(data.decode())
        return data
