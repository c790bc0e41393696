"""Subscribers are called, signed, until they have heard it; and nobody else is, ever."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qanat_api import callbacks
from qanat_api.callbacks import SPREAD, pause_after, signed
from qanat_api.settings import CallbackSettings
from qanat_api.subscribers import Subscribers
from qanat_common.errors import InvalidRequest
from qanat_common.notices import Notices, Occasion
from qanat_common.ogc import Subscriber
from qanat_common.protocol import Succeeded, Value

SECRET = "a secret of the tests"


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver(ThreadingHTTPServer):
    """Someone who is called; answers with the `statuses` in turn, then with 202."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.calls: list[Call] = []
        self.statuses: list[int] = []
        self.target = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"


class Page(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.server.calls.append(Call(self.path, headers, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 202)
        if self.server.target:
            self.send_header("Location", self.server.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def calling(make_api: Callable[..., Any], receiver: Receiver) -> Any:
    """An api that may call the receiver."""
    return make_api(callbacks=settings(internal_hosts=[receiver.host]))


def settings(**own: Any) -> CallbackSettings:
    return CallbackSettings(secret=SECRET, **own)  # type: ignore[arg-type]  # as a file gives it


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed come again at once."""
    monkeypatch.setattr(callbacks, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(callbacks, "FACTOR", 1.0)


def everything(receiver: Receiver) -> dict[str, str]:
    names = {"successUri": "/ok?a=b", "failedUri": "/failed", "inProgressUri": "/progress"}
    return {name: receiver.url(path) for name, path in names.items()}


def settled(api: Any, until: Callable[..., Any]) -> None:
    """Nobody is to be told of anything any more."""
    until(lambda: not api.store._redis.zcard("qanat:notices"))
    assert not api.store._redis.hlen("qanat:notices:tries")


def test_who_subscribed_is_told_of_the_beginning_and_of_the_results(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    path = calling.submit(subscriber=everything(receiver))
    (message,) = calling.worker.sent
    calling.worker.start(message)
    until(lambda: receiver.calls)
    calling.store.finish(
        message.job_id,
        "token",
        Succeeded(outputs={"count": Value(value=3), "text": Value(value="")}),
    )
    until(lambda: len(receiver.calls) == 2)
    settled(calling, until)
    began, ended = receiver.calls
    assert (began.path, began.document["status"]) == ("/progress", "running")
    assert began.document["jobID"] == message.job_id
    assert (ended.path, ended.document) == ("/ok?a=b", {"count": 3, "text": ""})
    assert ended.headers["content-type"] == "application/json"
    links = {link["rel"]: link["href"] for link in began.document["links"]}
    assert links["self"] == f"http://qanat.test{path}"


def test_a_call_is_signed_and_says_nothing_of_us(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    calling.worker.returns(count=Value(value=1))
    calling.submit(subscriber={"successUri": receiver.url("/")})
    until(lambda: receiver.calls)
    call = receiver.calls[0]
    told = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(SECRET.encode(), told + call.body, hashlib.sha256).digest()
    assert call.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert call.headers.keys() == {
        *("host", "accept", "accept-encoding", "connection", "user-agent"),
        *("content-type", "content-length"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    }


def test_a_failure_is_told_with_its_exception(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    calling.worker.fails("algorithm-failed", "No such function")
    calling.submit(subscriber=everything(receiver))
    until(lambda: [call for call in receiver.calls if call.path == "/failed"])
    told = receiver.calls[-1].document
    assert (told["status"], told["exception"]["detail"]) == ("failed", "No such function")
    assert told["exception"]["type"] == "urn:qanat:exception:algorithm-failed"
    assert not [call for call in receiver.calls if call.path.startswith("/ok")]


def test_a_dismissal_ends_a_job_for_its_subscriber_too(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    calling.http.delete(calling.submit(subscriber=everything(receiver)))
    until(lambda: receiver.calls)
    assert receiver.calls[0].path == "/failed"
    assert receiver.calls[0].document["status"] == "dismissed"


def test_one_who_fails_is_called_again_with_the_same_id(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    receiver.statuses = [500, 404, 302]
    receiver.target = receiver.url("/elsewhere")
    calling.worker.returns(count=Value(value=1))
    calling.submit(subscriber={"successUri": receiver.url("/ok")})
    until(lambda: len(receiver.calls) == 4)
    settled(calling, until)
    assert {call.path for call in receiver.calls} == {"/ok"}
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1


def test_one_who_never_hears_is_given_up(
    make_api: Callable[..., Any], receiver: Receiver, until: Callable[..., Any]
) -> None:
    api = make_api(callbacks=settings(internal_hosts=[receiver.host], attempts=3))
    receiver.statuses = [503] * 9
    api.worker.returns(count=Value(value=1))
    api.submit(subscriber={"successUri": receiver.url("/ok")})
    until(lambda: len(receiver.calls) == 3)
    settled(api, until)
    assert len(receiver.calls) == 3


def test_one_who_is_gone_is_left_alone(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    receiver.statuses = [410]
    calling.worker.returns(count=Value(value=1))
    calling.submit(subscriber={"successUri": receiver.url("/ok")})
    until(lambda: receiver.calls)
    settled(calling, until)
    assert len(receiver.calls) == 1


def test_what_is_to_be_told_outlives_the_api(
    make_api: Callable[..., Any], receiver: Receiver, until: Callable[..., Any]
) -> None:
    # one that takes subscribers, and is gone before the job ends: nobody else is there to call
    first = make_api(callbacks=settings(internal_hosts=["127.0.0.1:1", receiver.host], seconds=0.1))
    path = first.submit(subscriber={"successUri": receiver.url("/ok")})
    first.http.__exit__(None, None, None)
    (message,) = first.worker.sent
    first.worker.run(message, Succeeded(outputs={"count": Value(value=7)}))
    assert not receiver.calls
    second = make_api(callbacks=settings(internal_hosts=[receiver.host]))
    until(lambda: receiver.calls)
    assert receiver.calls[0].document == {"count": 7}
    assert second.http.get(path).json()["status"] == "successful"


def test_what_was_taken_and_not_settled_is_due_again(
    make_api: Callable[..., Any], until: Callable[..., Any]
) -> None:
    api = make_api()
    notices = Notices(api.store)
    api.store._redis.zadd("qanat:notices", {"success:j1": 0})
    (taken,) = notices.take(1, 9)
    assert (taken.occasion, taken.job_id, taken.attempt) == (Occasion.SUCCESS, "j1", 1)
    assert notices.take(1, 9) == []
    (again,) = until(lambda: notices.take(60, 9))
    assert again.attempt == 2
    notices.settle(again)
    assert not api.store._redis.exists("qanat:notices", "qanat:notices:tries")


def test_results_that_are_large_are_told_by_links(
    calling: Any, receiver: Receiver, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "LARGEST", 100)
    calling.worker.returns(file=("a.geojson", b"[" + b" " * 200 + b"]", "application/geo+json"))
    path = calling.submit(subscriber={"successUri": receiver.url("/ok")})
    until(lambda: receiver.calls)
    told = receiver.calls[0].document["file"]
    assert told["href"] == f"http://qanat.test{path}/results/file"


def test_a_synchronous_job_that_is_not_kept_stays_for_its_subscriber(
    make_api: Callable[..., Any], receiver: Receiver, until: Callable[..., Any]
) -> None:
    api = make_api(callbacks=settings(internal_hosts=[receiver.host]), keep_sync_jobs=False)
    api.worker.returns(count=Value(value=2))
    answer = api.execute(inputs={"text": "a"}, subscriber={"successUri": receiver.url("/ok")})
    assert answer.status_code == 200
    until(lambda: receiver.calls)
    assert receiver.calls[0].document == {"count": 2}


def test_who_asked_for_no_outputs_is_told_of_the_success(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    calling.worker.returns(count=Value(value=1))
    headers = {"Prefer": "respond-async, return=minimal"}
    body = {"inputs": {"text": "a"}, "outputs": {}, "subscriber": {"successUri": receiver.url("/")}}
    calling.http.post("/processes/test:echo/execution", json=body, headers=headers)
    until(lambda: receiver.calls)
    assert receiver.calls[0].document in ({}, {"count": 1})


def test_a_removed_job_calls_nobody(
    calling: Any, receiver: Receiver, until: Callable[..., Any]
) -> None:
    receiver.statuses = [500] * 50
    calling.worker.returns(count=Value(value=1))
    path = calling.submit(subscriber={"successUri": receiver.url("/ok")})
    until(lambda: receiver.calls)
    assert calling.http.delete(path).status_code == 200
    settled(calling, until)


def test_without_hosts_a_subscriber_is_refused_and_nothing_is_declared(api: Any) -> None:
    answer = api.execute(inputs={"text": "a"}, subscriber={"successUri": "https://example.org/"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/subscriber"
    assert api.worker.sent == []
    assert not [
        uri for uri in api.http.get("/conformance").json()["conformsTo"] if "callback" in uri
    ]


def test_with_hosts_the_class_is_declared(calling: Any) -> None:
    assert [
        uri for uri in calling.http.get("/conformance").json()["conformsTo"] if "callback" in uri
    ]


@pytest.mark.parametrize("subscriber", [None, {}, {"successUri": None}])
def test_a_subscriber_that_names_nobody_is_none(api: Any, subscriber: Any) -> None:
    api.submit(subscriber=subscriber)
    assert api.worker.sent[0].subscriber is None


REFUSED = [
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost/",
    "http://x.localhost/",
    "http://user:word@example.org/",
    "http://example.org:22/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "/relative",
    "http://",
    "http://[",
    "https://example.org/" + "x" * 2000,
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_must_not_be_called_is_refused_at_once(
    make_api: Callable[..., Any], address: str
) -> None:
    api = make_api(callbacks=settings(hosts=["*"]))
    answer = api.execute(inputs={"text": "a"}, subscriber={"failedUri": address})
    assert answer.status_code == 400, address
    assert answer.json()["errors"][0]["pointer"] == "/subscriber/failedUri"
    assert api.worker.sent == []


@pytest.mark.parametrize("name", ["localtest", "127.1", "0x7f000001", "2130706433"])
def test_no_name_leads_to_an_address_that_is_not_public(
    make_api: Callable[..., Any],
    receiver: Receiver,
    until: Callable[..., Any],
    name: str,
) -> None:
    # what passes at first sight is checked again when it is dialled
    api = make_api(callbacks=settings(hosts=["*"], ports=[receiver.server_port], attempts=1))
    api.worker.returns(count=Value(value=1))
    url = f"http://{name}:{receiver.server_port}/"
    answer = api.execute(inputs={"text": "a"}, subscriber={"successUri": url})
    assert answer.status_code == 200
    settled(api, until)
    assert receiver.calls == []


def accepted(address: str, **own: Any) -> bool:
    try:
        Subscribers(settings(**own)).accepted(Subscriber(success_uri=address), "http://b")
    except InvalidRequest:
        return False
    return True


def test_hosts_are_named_whole_by_their_end_or_all() -> None:
    hosts = ["example.org", "*.example.net"]
    assert accepted("https://EXAMPLE.org/x", hosts=hosts)
    assert accepted("https://a.b.example.net", hosts=hosts)
    assert not accepted("https://a.example.org", hosts=hosts)
    assert not accepted("https://example.net", hosts=hosts)
    assert not accepted("https://badexample.net", hosts=hosts)
    assert not accepted("https://example.org.evil.com", hosts=hosts)
    assert not accepted("https://example.org@evil.com", hosts=hosts)
    assert accepted("https://8.8.8.8/", hosts=["*"])
    assert accepted("http://10.0.0.1:8080/", internal_hosts=["10.0.0.1:8080"])
    assert not accepted("http://10.0.0.1:8081/", internal_hosts=["10.0.0.1:8080"])


@given(body=st.binary(max_size=50), seconds=st.integers(0, 2**40))
def test_a_secret_in_base64_is_its_bytes(body: bytes, seconds: int) -> None:
    raw = b"\x00\xff some bytes"
    coded = "whsec_" + base64.b64encode(raw).decode()
    expected = hmac.new(raw, f"k.{seconds}.".encode() + body, hashlib.sha256).digest()
    found = signed(coded, "k", seconds, body)["webhook-signature"]
    assert base64.b64decode(found.removeprefix("v1,")) == expected


def test_each_pause_is_longer_up_to_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "FIRST_PAUSE", 5.0)
    monkeypatch.setattr(callbacks, "FACTOR", 4.0)
    for attempt, middle in enumerate((5, 20, 80, 320, 1280, 3600, 3600), 1):
        assert middle * (1 - SPREAD) <= pause_after(attempt) <= middle * (1 + SPREAD)
