"""Somebody in front has signed them in: oauth2-proxy, Authelia, nginx with ``auth_request``.

It says who asks in a header of its request. Whoever else can reach the gateway could write that header too, so it
counts from trusted proxies alone; and those must set it, or take it out, on every request they pass on.
"""

import re

from starlette.datastructures import Headers

from app.auth.identity import Identity
from app.limits.terms import Terms
from app.protocol.errors import BadRequest, Unauthenticated

USER = re.compile(r"[!-+\--~](?:[ !-+\--~]{0,254}[!-+\--~])?")
"""Printable ASCII without a comma, which is what a proxy puts between two values of one header."""


class ProxyGate:
    """Lets in whom a trusted proxy names.

    Args:
        header: In which it does.
        terms: What they may have.
    """

    def __init__(self, header: str, terms: Terms) -> None:
        self._header = header
        self._terms = terms

    async def who(self, headers: Headers, *, secure: bool, from_proxy: bool) -> Identity | None:
        """See ``Gate``."""
        given = headers.getlist(self._header)
        if not any(given):
            return None
        if not from_proxy:
            msg = "Only the sign-in in front of this gateway may say who asks (GATEWAY_TRUSTED_PROXIES)."
            raise Unauthenticated(msg)
        if len(given) > 1 or not USER.fullmatch(given[0]):
            msg = "The sign-in in front of this gateway does not say clearly who asks."
            raise Unauthenticated(msg)
        return self._identity(given[0])

    def _identity(self, user: str) -> Identity:
        # For how long they are signed in is the proxy's business, with every request.
        return Identity(user, user, self._terms, renew=lambda: self._identity(user))

    async def sign_in(self, token: str) -> tuple[Identity, str, int]:
        """See ``Gate``."""
        msg = "Signing in is the business of what is in front of this gateway."
        raise BadRequest(msg)

    def sign_out(self, value: str) -> None:
        """Nobody has a session."""

    async def close(self) -> None:
        """Nothing is held."""
