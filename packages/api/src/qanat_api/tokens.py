"""Tokens (JWT) of an OpenID Connect issuer: checked with its keys, which it publishes."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from qanat_api.access import USER, Caller
from qanat_api.settings import IssuerSettings
from qanat_common.errors import Unauthorized, Unavailable

logger = logging.getLogger(__name__)

DISCOVERY = "/.well-known/openid-configuration"
LEEWAY_SECONDS = 30
"""By how much the clocks of the issuer and ours may differ."""

FRESH_SECONDS = 3600.0
"""How long keys are used before they are fetched anew."""

PAUSE_SECONDS = 10.0
"""How long after a fetch the next one may be: a token of an unknown key must not cost one each."""

FETCH_SECONDS = 5.0
LONGEST_TOKEN = 16_384
LARGEST_DOCUMENT = 1 << 20


class Issuer:
    """The issuer whose tokens are believed."""

    def __init__(
        self,
        settings: IssuerSettings,
        client: Callable[[], httpx2.AsyncClient],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetches nothing before the first token; `client` makes one for each fetch."""
        self._settings = settings
        self._client = client
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = -FRESH_SECONDS
        self._tried_at = -FRESH_SECONDS
        self._fetching = asyncio.Lock()

    async def caller(self, token: str) -> Caller:
        """Who shows a token. Raises Unauthorized; Unavailable when the keys cannot be had."""
        if len(token) > LONGEST_TOKEN or token.count(".") != 2:
            raise Unauthorized("The token is not valid.")
        claims = self._checked(token, await self._known_keys())
        if claims is None and await self._refreshed():
            claims = self._checked(token, await self._known_keys())
        if claims is None:
            raise Unauthorized("The token is not valid.")
        return self._caller_of(claims)

    def _checked(self, token: str, keys: KeySet) -> dict[str, Any] | None:
        """The claims of a token; None when it is not signed by one of the keys."""
        own = self._settings
        try:
            # Which algorithms count, the settings say, and never the token.
            claims = jwt.decode(token, keys, algorithms=list(own.algorithms)).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            logger.info("a token was refused: %s", type(error).__name__)
            return None
        registry = JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": own.url},
            aud={"essential": True, "value": own.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            logger.info("a token was refused: %s", type(error).__name__)
            raise Unauthorized("The token is not valid here, or no longer.") from None
        return claims

    def _caller_of(self, claims: dict[str, Any]) -> Caller:
        found: Any = claims
        for part in self._settings.roles_claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        told = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
        roles = {role for role in told if isinstance(role, str)}
        return Caller(f"jwt:{claims['sub']}", frozenset(roles | {USER}))

    async def _known_keys(self) -> KeySet:
        if self._keys is None or self._clock() - self._fetched_at > FRESH_SECONDS:
            await self._refreshed()
        if self._keys is None:
            raise Unavailable("The keys of the issuer of tokens cannot be had.", retry_after=10)
        return self._keys

    async def _refreshed(self) -> bool:
        """Fetch the keys anew, unless that was tried just now; whether it was done."""
        async with self._fetching:
            if self._clock() - self._tried_at < PAUSE_SECONDS:
                return False
            self._tried_at = self._clock()
            try:
                self._keys = await self._fetch()
            except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
                logger.warning("the keys of the issuer of tokens cannot be had: %r", error)
                return False
            self._fetched_at = self._clock()
            return True

    async def _fetch(self) -> KeySet:
        async with self._client() as client:
            where = self._settings.jwks_url
            if not where:
                said = await _document(client, self._settings.url.rstrip("/") + DISCOVERY)
                if said["issuer"] != self._settings.url:
                    raise ValueError("the issuer names itself otherwise")
                where = str(said["jwks_uri"])
            return KeySet.import_key_set(await _document(client, where))  # type: ignore[arg-type]  # checked by it


def plain_client() -> httpx2.AsyncClient:
    """A client that follows no redirect, and takes nothing from the environment."""
    return httpx2.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False)


async def _document(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    answer = await client.get(url, headers={"Accept": "application/json"})
    answer.raise_for_status()
    if len(answer.content) > LARGEST_DOCUMENT:
        raise ValueError("the issuer's document is too large")
    found: dict[str, Any] = answer.json()
    return found
