"""What is dialled: an address that was checked, and nothing to find out whether it may be."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qanat_common import dialing

NAME = "tiles.example"


@dataclass
class Canary:
    """Counts connections, whatever they bring or do not bring."""

    calls: int = 0
    door: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                caller, _ = self.door.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    threading.Thread(target=made.listen, daemon=True).start()
    yield made
    made.door.close()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Names that lead where a test says; what is given back has the names that were asked for."""
    known = socket.getaddrinfo

    def lead(**places: list[str]) -> list[str]:
        asked: list[str] = []

        def answer(host: Any, port: Any, *args: Any, **named: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            found = places.get(str(name).partition(".")[0])
            if found is None:
                return known(host, port, *args, **named)
            asked.append(name)
            return [info for each in found for info in known(each, port, *args, **named)]

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        return asked

    return lead


def asks(url: str, *ports: int) -> bytes:
    async def ask() -> bytes:
        reach = dialing.Reach(ports, ())
        async with dialing.answer_of("GET", dialing.parse(url), reach, {}, 5) as response:
            return await response.aread()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", NAME],
)
def test_nobody_inside_is_dialled_not_even_to_see_who_is_there(
    canary: Canary, named: Callable[..., list[str]], host: str
) -> None:
    named(tiles=["127.0.0.1"])
    with pytest.raises(dialing.NotPublic):
        asks(f"http://{host}:{canary.port}/", canary.port)
    assert canary.calls == 0


def test_a_name_is_asked_for_once_and_what_was_checked_is_dialled(
    canary: Canary, named: Callable[..., list[str]]
) -> None:
    asked = named(tiles=["127.0.0.1"])
    with pytest.raises(dialing.NotPublic):
        asks(f"http://{NAME}:{canary.port}/", canary.port)
    assert asked == [NAME]


def test_a_name_that_nobody_knows_is_a_server_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(dialing.HTTPError):
        asks(f"http://{NAME}/", 80)


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write((self.headers["Host"] or "").encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def secure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: Callable[..., list[str]]
) -> Iterator[int]:
    """The port of a server with a certificate for NAME, which counts as public here."""
    named(tiles=["127.0.0.1"], maps=["127.0.0.1"])
    key, path = ec.generate_private_key(ec.SECP256R1()), tmp_path / "certificate.pem"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = HTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setattr(certifi, "where", lambda: str(path))
    monkeypatch.setattr(dialing, "httpx_ssrf_protection", lambda made: made)
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_server_is_told_and_must_show_the_name_that_was_asked_for(secure: int) -> None:
    assert asks(f"https://{NAME}:{secure}/", secure) == f"{NAME}:{secure}".encode()
    with pytest.raises(httpx.ConnectError, match="certificate"):
        asks(f"https://maps.example:{secure}/", secure)
