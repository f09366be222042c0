"""Who somebody is, what they may have, and whether that still holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.limits.terms import Terms


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has shown a valid credential.

    Attributes:
        user: Whose generations and whose limits.
        name: What the page calls them.
        terms: What they may have.
        expires_at: When the credential ends, in seconds since 1970; None where it does not.
        renew: Looks again, and returns the identity as it is now, or None if it no longer holds.
    """

    user: str
    name: str
    terms: Terms
    expires_at: float | None = None
    renew: Callable[[], "Identity | None"] = field(default=lambda: None, repr=False, compare=False)


class Verifier(Protocol):
    """Knows whose a credential is."""

    async def verify(self, credential: str) -> Identity:
        """Return who shows *credential*.

        Raises:
            WrongCredential: it is not valid, or no longer.
            Unavailable: that cannot be told just now.
        """

    async def close(self) -> None:
        """Let go of what is held."""
