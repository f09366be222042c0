"""What a browser has instead of a token: an unguessable value in a cookie that scripts cannot read.

Sessions live in this process: a restart signs everybody out. They end with the token that opened them, with
signing out, and in any case after a week.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from app.auth.identity import Identity

LONGEST_S = 7 * 24 * 3600

MAX_SESSIONS = 20_000
"""About 20 MB; the one that was opened first makes room."""

MAX_PER_USER = 50
"""Browsers of one person; the one that was opened first is signed out."""


@dataclass(frozen=True, slots=True)
class _Session:
    identity: Identity
    ends_at: float


class Sessions:
    """The open sessions, by the hash of their value.

    Args:
        replica: The name of this process among several, if it has one: values end in it, so that nginx knows where
            a browser has signed in.
    """

    def __init__(self, replica: str | None) -> None:
        self._suffix = f".{replica}" if replica else ""
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def open(self, identity: Identity) -> tuple[str, int]:
        """Return the value of a new session of *identity*, and how many seconds it lasts at most."""
        now = time.time()
        ends_at = min(now + LONGEST_S, identity.expires_at or now + LONGEST_S)
        value = secrets.token_urlsafe(32) + self._suffix
        theirs = [key for key, session in self._sessions.items() if session.identity.user == identity.user]
        for key in theirs[: len(theirs) + 1 - MAX_PER_USER] if len(theirs) >= MAX_PER_USER else ():
            del self._sessions[key]
        while len(self._sessions) >= MAX_SESSIONS:
            self._sessions.popitem(last=False)
        self._sessions[_key(value)] = _Session(identity, ends_at)
        return value, int(ends_at - now)

    def find(self, value: str) -> Identity | None:
        """Return whose session has *value*, if there is one and its token still holds."""
        key = _key(value)
        session = self._sessions.get(key)
        if session is None:
            return None
        if session.ends_at <= time.time():
            del self._sessions[key]
            return None
        identity = session.identity.renew()
        # Not forgotten where the token no longer holds: its line may be back in a moment, a file half written.
        return replace(identity, renew=lambda: self.find(value)) if identity else None

    def close(self, value: str) -> None:
        """End the session that has *value*, if there is one."""
        self._sessions.pop(_key(value), None)


def _key(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


# The cookie


def cookie_name(*, secure: bool) -> str:
    """Return its name. ``__Host-`` keeps other hosts of the domain, and plain HTTP, from setting it (RFC 6265bis, §4.1.3.2)."""
    return "__Host-claude-gateway" if secure else "claude-gateway"


def cookie_of(headers: Headers, *, secure: bool) -> str | None:
    """Return the session's value in a request's *headers*."""
    cookies = cookie_parser("; ".join(headers.getlist("cookie")))
    return cookies.get(cookie_name(secure=secure)) or None


def set_cookie(value: str, lasts_s: int, *, secure: bool) -> str:
    """Return the ``Set-Cookie`` header that keeps *value* for *lasts_s* seconds; 0 to forget it."""
    flags = "HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
    return f"{cookie_name(secure=secure)}={value}; Path=/; Max-Age={lasts_s}; {flags}"
