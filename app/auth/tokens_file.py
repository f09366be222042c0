"""The tokens of a file, as they are now: it is read again when it changes."""

import hashlib
import hmac
import logging
import secrets
import time
from pathlib import Path

from app.auth import tokens
from app.auth.identity import Identity
from app.limits.terms import Terms
from app.protocol.errors import Unavailable, WrongCredential

logger = logging.getLogger(__name__)

LONGEST = 200
"""Of what is shown as a token. Ours have 47 characters."""


class TokensFile:
    """The tokens of a file, as they are now.

    Args:
        path: The file.
        general: What a token has that says nothing of its own.
    """

    def __init__(self, path: Path, general: Terms) -> None:
        self._path = path
        self._general = general
        self._tokens: dict[bytes, tuple[tokens.Token, Terms]] = {}
        self._read: tuple[int, ...] | None = None
        self._said = ""
        # Tokens are looked up by a hash that only this process can make: the time that takes tells nothing of a token's own.
        self._key = secrets.token_bytes(32)

    async def verify(self, credential: str) -> Identity:
        """Return whose token *credential* is.

        Raises:
            WrongCredential: nobody's, or it has expired.
            Unavailable: the file cannot be read just now.
        """
        self._refresh()
        kept = tokens.digest(credential[:LONGEST])
        found = self._tokens.get(self._mark(kept))
        if found is None or not hmac.compare_digest(found[0].sha256, kept):
            msg = "This token is not valid here."
            raise WrongCredential(msg)
        identity = self._identity(*found)
        if identity is None:
            msg = "This token has expired. Ask the gateway's operator for a new one."
            raise WrongCredential(msg)
        return identity

    async def close(self) -> None:
        """Nothing is held."""

    def _mark(self, kept: bytes) -> bytes:
        return hashlib.blake2b(kept, key=self._key).digest()

    def _identity(self, token: tokens.Token, terms: Terms) -> Identity | None:
        expires_at = token.expires.timestamp() if token.expires else None
        if expires_at is not None and expires_at <= time.time():
            return None
        return Identity(token.name, token.name, terms, expires_at, lambda: self._again(token.sha256))

    def _again(self, kept: bytes) -> Identity | None:
        try:
            self._refresh()
        except Unavailable:
            return None
        found = self._tokens.get(self._mark(kept))
        return self._identity(*found) if found else None

    def _refresh(self) -> None:
        """Read the file if it has changed."""
        try:
            status = self._path.stat()
        except OSError:
            now = None
        else:
            now = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
        if now is not None and now == self._read:
            return
        try:
            listed, wrong = tokens.parse(tokens.read(self._path), self._general)
        except ValueError as error:
            if str(error) != self._said:  # once, and not for each who asks
                logger.error("GATEWAY_TOKENS_FILE %s; nobody can sign in until it can be read", error)
            self._said, self._read = str(error), None
            msg = "The gateway cannot tell just now whose token this is. Try again in a moment."
            raise Unavailable(msg, retry_after_s=1) from error
        for line in wrong:
            logger.error("GATEWAY_TOKENS_FILE: %s; this line is left out", line)
        if self._read is not None or self._said:
            logger.info("GATEWAY_TOKENS_FILE has changed: %d tokens", len(listed))
        self._said, self._read = "", now
        self._tokens = {self._mark(token.sha256): (token, token.terms(self._general)) for token in listed}
