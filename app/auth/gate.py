"""The credentials of a request → an identity, or a refusal."""

from starlette.datastructures import Headers

from app.auth.identity import Identity, Verifier
from app.auth.sessions import Sessions, cookie_of
from app.protocol.errors import WrongCredential


class Gate:
    """Asks who somebody is.

    Args:
        verifier: Knows whose a credential is.

    Attributes:
        sessions: Of the browsers that have signed in.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self.sessions = Sessions()

    async def who(self, headers: Headers, *, secure: bool) -> Identity | None:
        """Return who asks, None where nobody says so.

        Raises:
            WrongCredential: what they show is not valid.
            Unavailable: that cannot be told just now.
        """
        given = headers.getlist("authorization")
        if given:
            # What is said outright counts, and not the cookie that a browser sends along.
            return await self._verifier.verify(_bearer(given))
        value = cookie_of(headers, secure=secure)
        return self.sessions.find(value) if value else None

    async def sign_in(self, token: str) -> tuple[Identity, str, int]:
        """Return who shows *token*, and the value and the greatest age in seconds of their new session.

        Raises:
            WrongCredential: it is not valid.
            Unavailable: that cannot be told just now.
        """
        identity = await self._verifier.verify(token)
        return identity, *self.sessions.open(identity)

    async def close(self) -> None:
        """Let go of what is held."""
        await self._verifier.close()


def _bearer(given: list[str]) -> str:
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        msg = "Authorization: must be Bearer and a token, once."
        raise WrongCredential(msg)
    return token.strip()
