"""The public keys of a sign-in service (RFC 7517), fetched, kept, and fetched again in time and in bounds."""

import asyncio
import logging
import ssl
import time
from contextlib import suppress

import httpx2
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from app.protocol import jsontext
from app.protocol.errors import Unavailable

logger = logging.getLogger(__name__)

RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})

ALGORITHMS = RSA | {"ES256", "ES384", "ES512", "EdDSA"}
"""Signatures that are accepted: of asymmetric keys alone. With ``none`` or HMAC, whoever knows a public key could sign."""

FRESH_S = 600
"""How long keys are used before they are asked for again."""

STALE_S = 3600
"""How long they are used while they cannot be had again. A key that was taken back counts no longer than this."""

PAUSE_S = 30
"""Between two fetches, whatever keys are asked for: tokens with made-up key ids cost nobody more than that."""

TIMEOUT_S = 5

MAX_BYTES = 512 * 1024

DISCOVERY = "it should be what the sign-in service's /.well-known/openid-configuration names as jwks_uri"


class NoKeys(Exception):
    """There are no keys to be had; the message says why, for the operator, in words that are ours."""


class Keys:
    """The keys at *url*."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, dict[str, object]] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Return the key named *key_id* for *algorithm*, None where there is none.

        Raises:
            Unavailable: the keys are not to be had.
        """
        now = time.monotonic()
        if key_id not in self._keys or now - self._fetched_at > STALE_S:
            await self._fetch_soon(now)
        elif now - self._fetched_at > FRESH_S:
            self._begin(now)  # nobody has to wait for it
        if time.monotonic() - self._fetched_at > STALE_S:
            msg = "The gateway cannot get the keys of its sign-in service, and so cannot check who you are. Try again."
            raise Unavailable(msg, retry_after_s=PAUSE_S)
        found = self._keys.get(key_id)
        return _usable(found, algorithm) if found else None

    async def close(self) -> None:
        """End what is under way."""
        if self._fetching:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    def _begin(self, now: float) -> None:
        under_way = self._fetching and not self._fetching.done()
        if not under_way and now - self._tried_at >= PAUSE_S:
            self._tried_at = now
            self._fetching = asyncio.get_running_loop().create_task(self._fetch(), name="keys")

    async def _fetch_soon(self, now: float) -> None:
        """Fetch the keys, unless that was tried just now; one fetch serves all who wait."""
        self._begin(now)
        if self._fetching and not self._fetching.done():
            await asyncio.wait([self._fetching])

    async def _fetch(self) -> None:
        try:
            listed = await fetch(self._url)
        except NoKeys as error:
            logger.error("GATEWAY_JWT_JWKS_URL %s", error)
            return
        keys: dict[str | None, dict[str, object]] = {_name(key): key for key in listed}
        if len(listed) == 1:
            keys[None] = listed[0]  # a token need not name the only one
        self._keys, self._fetched_at = keys, time.monotonic()


async def fetch(url: str) -> list[dict[str, object]]:
    """Return the keys at *url*.

    Raises:
        NoKeys: they are not to be had.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            said = jsontext.parse_strictly(await _read(url))
    except httpx2.HTTPStatusError as error:
        status = error.response.status_code
        hint = "redirects are not followed" if error.response.is_redirect else DISCOVERY
        msg = f"answers with status {status}: {hint}"
        raise NoKeys(msg) from error
    except (httpx2.TimeoutException, TimeoutError) as error:
        msg = f"does not answer within {TIMEOUT_S} seconds: the sign-in service is down, or something in between drops packets"
        raise NoKeys(msg) from error
    except httpx2.HTTPError as error:
        # The error's own text may hold what somebody else wrote.
        why = "its certificate is not trusted here" if _is_about_tls(error) else "names, firewall, is it up"
        msg = f"cannot be reached ({type(error).__name__}): {why}"
        raise NoKeys(msg) from error
    except ValueError as error:
        msg = f"answers with what is no JSON of at most {MAX_BYTES // 1024} KiB: {DISCOVERY}"
        raise NoKeys(msg) from error
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        msg = f"answers with JSON that holds no keys: {DISCOVERY}"
        raise NoKeys(msg)
    return [key for key in listed if isinstance(key, dict)]


async def _read(url: str) -> bytes:
    body = bytearray()
    async with (
        httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                msg = "too large"
                raise ValueError(msg)
    return bytes(body)


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _name(key: dict[str, object]) -> str | None:
    name = key.get("kid")
    return name if isinstance(name, str) else None


def algorithms(keys: list[dict[str, object]]) -> set[str]:
    """Return those by which *keys* can check signatures here."""
    return {name for key in keys for name in ALGORITHMS if _usable(key, name)}


def _usable(key: dict[str, object], algorithm: str) -> PyJWK | None:
    """Return *key* if it may check signatures by *algorithm*."""
    said = key.get("alg")
    if said is None and key.get("kty") == "RSA" and algorithm in RSA:
        said = algorithm  # of RSA the key does not tell which
    if key.get("use", "sig") != "sig" or (said is not None and said not in ALGORITHMS):
        return None
    try:
        usable = PyJWK(key, said if isinstance(said, str) else None)
    except PyJWTError:
        return None
    return usable if usable.algorithm_name == algorithm else None
