"""Who asks: by an API key, a token of an issuer, or what a trusted proxy says."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.requests import Request

from qanat_api.access import USER, Caller, anonymous
from qanat_api.proxies import PEER
from qanat_api.settings import AccessSettings, ApiKey
from qanat_common.errors import Unauthorized

REALM = 'realm="qanat"'


class Tokens(Protocol):
    """Whose tokens are believed."""

    async def caller(self, token: str) -> Caller:
        """Who shows a token. Raises Unauthorized."""


class Trust(Protocol):
    """Which addresses are those of proxies of ours."""

    def __call__(self, address: str, /) -> bool:
        """Whether it is."""


class Credentials:
    """Reads what requests show. What is shown and not valid is an error, never nobody."""

    def __init__(self, settings: AccessSettings, tokens: Tokens | None, trusts: Trust) -> None:
        """`tokens` None: no issuer is believed."""
        self._keys: Mapping[str, ApiKey] = {key.sha256.lower(): key for key in settings.keys}
        self._tokens = tokens
        self._trusts = trusts
        self._user_header = settings.user_header
        self._roles_header = settings.roles_header
        self.schemes = _schemes(settings)

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises Unauthorized."""
        address = request.client.host if request.client else ""
        if self._user_header:
            said = self._of_proxy(request)
            if said is not None:
                return said
        key = request.headers.get("x-api-key")
        if key is not None:
            return self._of_key(key)
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return anonymous(address)
        return await self._of_header(scheme.lower(), value.strip())

    async def _of_header(self, scheme: str, value: str) -> Caller:
        if scheme == "basic" and self._keys:
            return self._of_key(_password(value))
        if scheme != "bearer":
            raise self._refused("The header Authorization has a scheme that is not taken here.")
        # A token has three parts, which no key of ours need not have: so keys are looked for first.
        found = self._keys.get(_digest(value))
        if found is not None:
            return _caller(found)
        if self._tokens is None:
            raise self._refused("The key is not valid.")
        try:
            return await self._tokens.caller(value)
        except Unauthorized as error:
            raise self._refused(error.detail) from None

    def _of_key(self, key: str) -> Caller:
        digest = _digest(key)
        found = self._keys.get(digest)
        if found is None or not hmac.compare_digest(found.sha256.lower(), digest):
            raise self._refused("The key is not valid.")
        return _caller(found)

    def _of_proxy(self, request: Request) -> Caller | None:
        name = request.headers.get(self._user_header, "").strip()
        if not name or not self._trusts(str(request.scope.get(PEER, ""))):
            return None
        told = request.headers.get(self._roles_header, "") if self._roles_header else ""
        roles = {role.strip() for role in told.replace(";", ",").split(",")} - {""}
        return Caller(f"proxy:{name}", frozenset(roles | {USER}))

    def _refused(self, words: str) -> Unauthorized:
        schemes = [f'{one}, error="invalid_token"' for one in self.schemes if one[:6] == "Bearer"]
        return Unauthorized(words, challenge=", ".join([*schemes, *self.schemes[1:]]))


def _schemes(settings: AccessSettings) -> Sequence[str]:
    """The challenges: Basic too where there are keys, since that is what browsers can ask for."""
    basic = [f'Basic {REALM}, charset="UTF-8"'] if settings.keys else []
    return [f"Bearer {REALM}", *basic]


def _caller(key: ApiKey) -> Caller:
    return Caller(f"key:{key.name}", frozenset({*key.roles, USER}))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _password(value: str) -> str:
    """The password of Basic credentials (RFC 7617); the user's name is not looked at."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
