"""The official test suite as a client: how it reads the echo, what it sends, what it accepts.

Written anew from a description of `ets-ogcapi-processes10`; its quirks are its own.
"""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

ECHO = "echo"
TEXT = "teststring"
REL_RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
JSON = {"Accept": "application/json", "Accept-Encoding": "gzip,deflate"}
WAITS = 4
WAIT_SECONDS = 5
VALUE = {"transmissionMode": "value"}


@dataclass
class Put:
    """An input or output as the suite records it from its schema."""

    name: str
    types: list[dict[str, Any]] = field(default_factory=list)
    bbox: bool = False

    @property
    def plain(self) -> bool:
        """Whether the suite takes it for a text that it may send."""
        return any(_is_plain(one) for one in self.types)

    def of(self, kind: str) -> bool:
        return any(one["type"] == kind for one in self.types)


def _is_plain(one: dict[str, Any]) -> bool:
    return one["type"] == "string" and "format" not in one and "contentMediaType" not in one


def read(name: str, schema: dict[str, Any]) -> Put:
    """What the suite makes of a schema; an allOf whose first member has no format breaks it."""
    put = Put(name)
    if "type" in schema:
        put.types.append(schema)
        put.bbox = "bbox" in schema.get("properties", {})
        if schema["type"] == "array" and "type" in schema.get("items", {}):
            put.types.append(schema["items"])
    for child in schema.get("oneOf", ()):
        if "type" in child:
            put.types.append(child)
    for child in schema.get("allOf", ()):
        if child["format"] == "ogc-bbox":
            put.bbox = True
            break
    return put


@dataclass
class Suite:
    """A run of the suite against a service. A validator gives what is wrong with a document."""

    url: str
    client: httpx2.Client
    problems: Callable[[str, Any], list[str]]
    until: Callable[..., Any]
    inputs: list[Put] = field(default_factory=list)
    outputs: list[Put] = field(default_factory=list)
    options: list[str] = field(default_factory=list)

    def learn(self) -> None:
        """Read the echo."""
        echo = self.get(f"/processes/{ECHO}").json()
        self.inputs = [read(name, about["schema"]) for name, about in echo["inputs"].items()]
        self.outputs = [read(name, about["schema"]) for name, about in echo["outputs"].items()]
        self.options = echo["jobControlOptions"]

    # What it sends ----------------------------------------------------------------------------

    def get(self, path: str, headers: dict[str, str] = JSON) -> httpx2.Response:
        """GET with exactly these headers: without Accept where they have none."""
        address = path if path.startswith("http") else self.url + path
        request = self.client.build_request("GET", address)
        for name in ("accept", "accept-encoding", "user-agent"):
            request.headers.pop(name, None)
        request.headers.update(headers)
        return self.client.send(request)

    def post(self, body: Any, prefer: str | None = None) -> httpx2.Response:
        """By a client that sends a header as it is, with the blank at its end."""
        headers = JSON | {"Content-Type": "application/json; charset=UTF-8"}
        if prefer:
            headers["Prefer"] = prefer
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        with closing(connection):
            path = f"/processes/{ECHO}/execution"
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return httpx2.Response(
                answer.status, headers=answer.getheaders(), content=answer.read()
            )

    def later(self, body: Any, prefer: str = "respond-async") -> httpx2.Response:
        """An asynchronous execution: both offered, so 200 or 201."""
        answer = self.post(body, prefer)
        assert answer.status_code in ((200, 201) if self.sync else (201,))
        return answer

    @property
    def sync(self) -> bool:
        return "sync-execute" in self.options

    def given(self) -> dict[str, Any]:
        """The inputs of a normal request; none at all is an error of the suite's own."""
        found: dict[str, Any] = {}
        for put in self.inputs:
            if put.plain:
                found[put.name] = TEXT
            elif put.bbox and put.types:
                crs = "urn:ogc:def:crs:EPSG:6.6:4326"
                found[put.name] = {"crs": crs, "bbox": [345345345] * 4}
            elif put.of("object"):
                found[put.name] = {"value": TEXT}
        assert found, "Only plain string input is supported"
        return found

    def wanted(self, *names: str) -> dict[str, Any]:
        """The outputs of a request: all of them, or some."""
        return {put.name: VALUE for put in self.outputs if not names or put.name in names}

    def normal(self, **more: Any) -> dict[str, Any]:
        return {"inputs": self.given(), "outputs": self.wanted(), **more}

    def one_output(self, **inputs: Any) -> dict[str, Any]:
        """The output that is named like the first input, raw."""
        outputs = self.wanted(self.inputs[0].name)
        return {"inputs": inputs or self.given(), "outputs": outputs, "response": "raw"}

    # What it accepts --------------------------------------------------------------------------

    def valid(self, schema: str, answer: httpx2.Response) -> None:
        """The suite's own OpenAPI document: a status it does not name is an exception."""
        kind = answer.headers["Content-Type"]
        json_type = kind == "application/problem+json" or kind.startswith("application/json")
        assert json_type, kind
        document = answer.json()
        name = schema if answer.status_code in (200, 201) else "exception"
        assert self.problems(name, document) == []

    def valid_remotely(self, schema: str, answer: httpx2.Response) -> None:
        """The schemas of schemas.opengis.net, whatever the status."""
        assert self.problems(schema, answer.json()) == []

    def echoed(self, answer: httpx2.Response) -> None:
        """An answer 200: several parts, one with the text; anything else by the strict schema."""
        kind = answer.headers["Content-Type"]
        if kind.startswith("multipart/related"):
            assert any(TEXT in text for text in parts(answer.content))
        elif answer.status_code == 200:
            self.valid("executeResponse", answer)
        else:
            assert answer.status_code == 201
            self.valid("statusInfo", self.get(answer.headers["Location"]))

    def told(self, answer: httpx2.Response) -> httpx2.Response:
        """The status at the Location of an accepted job, asked for without an Accept header."""
        status = self.get(answer.headers["Location"], {})
        self.valid("statusInfo", status)
        return status

    def loop(self, status: Any) -> None:
        """Follow a job by its links to its results; `results` first, then `monitor` or `status`."""

        def ended() -> bool:
            nonlocal status
            links = {link["rel"]: link["href"] for link in status["links"]}
            if REL_RESULTS in links:
                assert TEXT in self.get(links[REL_RESULTS], {}).text
                return True
            status = self.get(links.get("monitor") or links["status"]).json()
            return False

        self.until(ended, WAITS * WAIT_SECONDS)


def parts(content: bytes) -> list[str]:
    """Texts of the text parts; the boundary is taken from the first line, as Java Mail does."""
    first = content.partition(b"\n")[0].strip()
    assert first.startswith(b"--")
    head = b'Content-Type: multipart/related; boundary="' + first[2:] + b'"\r\n\r\n'
    whole = message_from_bytes(head + content)
    return [
        str(part.get_payload())
        for part in whole.get_payload()
        if isinstance(part, Message) and part.get_content_maintype() == "text"
    ]


@pytest.fixture(scope="package")
def suite(
    services: dict[str, Any], problems: Callable[[str, Any], list[str]], until: Callable[..., Any]
) -> Suite:
    """The suite before a server whose synchronous executions leave no job."""
    service = services["clean"]
    made = Suite(service.url, service.client, problems, until)
    made.learn()
    return made
