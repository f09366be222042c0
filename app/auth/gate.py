"""The credentials of a request → an identity, or a refusal."""

from typing import Protocol

from starlette.datastructures import Headers

from app.auth.identity import Identity, Verifier
from app.auth.sessions import Sessions, cookie_of
from app.protocol.errors import WrongCredential


class Gate(Protocol):
    """Tells who asks."""

    async def who(self, headers: Headers, *, secure: bool, from_proxy: bool) -> Identity | None:
        """Return who asks, None where nobody says so.

        Args:
            headers: Of the request.
            secure: It came by TLS.
            from_proxy: A trusted proxy has sent it.

        Raises:
            Unauthenticated: what says who asks is not valid.
            Unavailable: that cannot be told just now.
        """

    async def sign_in(self, token: str) -> tuple[Identity, str, int]:
        """Return who shows *token*, and the value and the greatest age in seconds of their new session.

        Raises:
            BadRequest: nobody signs in here.
            WrongCredential: it is not valid.
            Unavailable: that cannot be told just now.
        """

    def sign_out(self, value: str) -> None:
        """End the session that has *value*, if there is one."""

    async def close(self) -> None:
        """Let go of what is held."""


class CredentialGate:
    """Lets in who shows a credential, or has a session that one has opened.

    Args:
        verifier: Knows whose a credential is.
        replica: The name of this process among several, if it has one.
    """

    def __init__(self, verifier: Verifier, replica: str | None) -> None:
        self._verifier = verifier
        self._sessions = Sessions(replica)

    async def who(self, headers: Headers, *, secure: bool, from_proxy: bool) -> Identity | None:
        """See ``Gate``. What is said outright counts, and not the cookie that a browser sends along."""
        given = headers.getlist("authorization")
        if given:
            return await self._verifier.verify(_bearer(given))
        value = cookie_of(headers, secure=secure)
        return self._sessions.find(value) if value else None

    async def sign_in(self, token: str) -> tuple[Identity, str, int]:
        """See ``Gate``."""
        identity = await self._verifier.verify(token)
        return identity, *self._sessions.open(identity)

    def sign_out(self, value: str) -> None:
        """See ``Gate``."""
        self._sessions.close(value)

    async def close(self) -> None:
        """See ``Gate``."""
        await self._verifier.close()


def _bearer(given: list[str]) -> str:
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        msg = "Authorization: must be Bearer and a token, once."
        raise WrongCredential(msg)
    return token.strip()
