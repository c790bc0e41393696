"""Tokens of an issuer: the good one is taken, and each bad one refused, for whatever it is bad."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from qanat_api.settings import IssuerSettings
from qanat_api.tokens import PAUSE_SECONDS, Issuer
from qanat_common.errors import Unauthorized, Unavailable

URL = "https://id.example.org/realms/gis"
AUDIENCE = "qanat"
RSA = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "two"}, private=True)


class Provider:
    """The issuer's server; counts who asks for its keys."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSA, EC]
        self.asked: list[str] = []
        self.issuer = URL
        self.away = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        if self.away:
            return httpx2.Response(503)
        if request.url.path.endswith("/.well-known/openid-configuration"):
            document = {"issuer": self.issuer, "jwks_uri": "https://id.example.org/keys"}
            return httpx2.Response(200, json=document)
        return httpx2.Response(200, json=KeySet(self.keys).as_dict(private=False))


@pytest.fixture
def provider() -> Provider:
    return Provider()


class Scene:
    def __init__(self, provider: Provider, **own: Any) -> None:
        settings = IssuerSettings(**{"url": URL, "audience": AUDIENCE} | own)
        transport = httpx2.MockTransport(provider.answer)
        self.now = 0.0
        self.issuer = Issuer(
            settings, lambda: httpx2.AsyncClient(transport=transport), lambda: self.now
        )

    def caller(self, token: str) -> Any:
        return asyncio.run(self.issuer.caller(token))


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"iss": URL, "aud": AUDIENCE, "sub": "carol", "exp": now + 60, "iat": now} | changed
    return {name: value for name, value in made.items() if value is not None}


def token(key: Any = RSA, alg: str = "RS256", header: Any = None, **changed: Any) -> str:
    kid = {"kid": key.kid} if key.kid else {}
    return jwt.encode({"alg": alg} | kid | (header or {}), claims(**changed), key, [alg])


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256")])
def test_a_token_tells_who_asks_and_its_roles(provider: Provider, key: Any, alg: str) -> None:
    scene = Scene(provider, roles_claim="realm_access.roles")
    found = scene.caller(token(key, alg, realm_access={"roles": ["admin", 7]}))
    assert found.name == "jwt:carol"
    assert found.roles == {"admin", "user"}
    scene.caller(token(key, alg))
    assert len(provider.asked) == 2, "the keys were fetched once"


def confused() -> str:
    """Signed by HMAC with the issuer's public key as the secret."""
    parts = ({"alg": "HS256", "kid": "one"}, claims())
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(RSA.as_pem(private=False), signed, "sha256")
    return (signed + b"." + _encoded(mac)).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


BAD: dict[str, Callable[[], str]] = {
    "none": lambda: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYXJvbCJ9.",
    "HMAC with the public key": confused,
    "another key of the same name": lambda: token(OTHER),
    "an algorithm that is not allowed": lambda: token(RSA, "PS256"),
    "another audience": lambda: token(aud="other"),
    "no audience": lambda: token(aud=None),
    "another issuer": lambda: token(iss="https://evil.example.org"),
    "no issuer": lambda: token(iss=None),
    "expired": lambda: token(exp=int(time.time()) - 600),
    "no expiry": lambda: token(exp=None),
    "not yet": lambda: token(nbf=int(time.time()) + 600),
    "no subject": lambda: token(sub=None),
    "keys of its own by jku": lambda: token(OTHER, header={"jku": "https://evil.example.org/k"}),
    "changed": lambda: token()[:-6] + "AAAAAA",
    "not a token": lambda: "a.b.c",
    "two parts": lambda: "a.b",
    "too long": lambda: "a." * 20_000,
    "text that is none": lambda: "\udcff.ä.☃",
}


@pytest.mark.parametrize("bad", list(BAD))
def test_a_bad_token_is_refused(provider: Provider, bad: str) -> None:
    with pytest.raises(Unauthorized):
        Scene(provider).caller(BAD[bad]())
    assert not [url for url in provider.asked if "evil" in url]


def test_a_new_key_of_the_issuer_is_fetched_but_not_for_each_unknown_one(
    provider: Provider,
) -> None:
    scene = Scene(provider)
    scene.caller(token())
    new = RSAKey.generate_key(2048, {"kid": "new"}, private=True)
    provider.keys.append(new)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            scene.caller(token(new))
    assert len(provider.asked) == 2
    scene.now = PAUSE_SECONDS
    assert scene.caller(token(new)).name == "jwt:carol"


def test_an_issuer_that_is_away_is_no_fault_of_the_client(provider: Provider) -> None:
    provider.away = True
    with pytest.raises(Unavailable):
        Scene(provider).caller(token())


def test_an_issuer_that_names_itself_otherwise_is_not_believed(provider: Provider) -> None:
    provider.issuer = "https://evil.example.org"
    with pytest.raises(Unavailable):
        Scene(provider).caller(token())
