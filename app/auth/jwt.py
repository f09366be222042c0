"""JSON Web Tokens of a sign-in service (RFC 7519, and RFC 8725 for how to read them safely)."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import jwt

from app.auth.identity import Identity
from app.auth.jwks import ALGORITHMS, Keys
from app.limits.terms import Terms
from app.protocol.errors import WrongCredential

logger = logging.getLogger(__name__)

LEEWAY_S = 60
"""How far the clocks of the gateway and the sign-in service may be apart."""

LONGEST = 16_000

NAMES = ("preferred_username", "email", "name")
"""Claims that may hold what somebody is called."""

NOT_VALID = "This token is not valid here."


class JwtVerifier:
    """Knows whose tokens are.

    Args:
        keys: Of the service.
        issuer: What its tokens name as ``iss``.
        audience: What they must name, among others, as ``aud``.
        terms: What their owners may have.
    """

    def __init__(self, keys: Keys, issuer: str, audience: tuple[str, ...], terms: Terms) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._terms = terms

    async def verify(self, credential: str) -> Identity:
        """Return whose token *credential* is.

        Raises:
            WrongCredential: nobody's, or it has expired.
            Unavailable: the keys are not to be had.
        """
        try:
            if len(credential) > LONGEST:
                raise jwt.DecodeError
            header = jwt.get_unverified_header(credential)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS or not isinstance(key_id, str | None):
                raise jwt.InvalidAlgorithmError
            key = await self._keys.find(key_id, algorithm)
            if key is None:
                raise jwt.InvalidKeyError
            claims = jwt.decode(
                credential,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return self._identity(claims)
        except jwt.ExpiredSignatureError as error:
            msg = "This token has expired. Sign in again."
            raise WrongCredential(msg) from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            logger.info("a token was refused: %s", type(error).__name__)
            raise WrongCredential(NOT_VALID) from error

    async def close(self) -> None:
        """Let go of the keys."""
        await self._keys.close()

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        user = claims["sub"]
        if not _is_name(user):
            raise jwt.InvalidTokenError
        called = next((claims[name] for name in NAMES if _is_name(claims.get(name))), user)
        expires_at = float(claims["exp"]) + LEEWAY_S

        def renew() -> Identity | None:
            return identity if time.time() < expires_at else None

        identity = Identity(user, called, self._terms, expires_at, renew)
        return identity


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()
