"""Who asks: where a request comes from, as far as trusted proxies say, and whose it is."""

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from app.accepted import is_loopback
from app.auth.identity import Identity
from app.limits.terms import Terms

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

ANONYMOUS = "anonymous"
"""Whose generations are where nobody signs in: an id that nobody can guess is what lets one see them."""

MAX_HOPS = 32
"""How many hops of ``X-Forwarded-For`` are looked at, from the right. No proxy of ours put there what is further left."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        request_id: Of this request, in answers and logs.
        address: The client's.
        peer: The address that the connection comes from.
        from_proxy: That is a trusted proxy.
        forwarded: A proxy has forwarded it from another machine.
        secure: It came by TLS.
        http_version: Of the request as it came here.
        terms: What they may have.
        identity: Who has signed in, if somebody has.
    """

    request_id: str
    address: str
    peer: str
    from_proxy: bool
    forwarded: bool
    secure: bool
    http_version: str
    terms: Terms
    identity: Identity | None = None

    @property
    def owner(self) -> str:
        """Whose generations these are."""
        return self.identity.user if self.identity else ANONYMOUS

    @property
    def client(self) -> str:
        """On whom it counts: the user, or where nobody signs in, the address."""
        return self.identity.user if self.identity else network(self.address)


class Callers:
    """Tells who asks.

    Args:
        trusted_proxies: Addresses and networks that may say who the client is.
        terms: What a client has that says nothing about itself.
    """

    def __init__(self, trusted_proxies: tuple[str, ...], terms: Terms) -> None:
        networks = [ip_network(each, strict=False) for each in trusted_proxies]

        @lru_cache(1024)
        def is_trusted(address: str) -> bool:
            try:
                return any(ip_address(address) in network for network in networks)
            except ValueError:
                return False

        self._is_trusted = is_trusted
        self._terms = terms

    def of(self, scope: Scope, headers: Headers) -> Caller:
        """Return who sends a request, before it is known whether they have signed in."""
        peer = (scope.get("client") or ("",))[0]
        trusted = self._is_trusted(peer)
        given = headers.get("x-request-id", "")
        request_id = given if trusted and REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        said = headers.getlist("x-forwarded-for")
        hops = [_address(hop) for hop in ",".join(said).rsplit(",", MAX_HOPS)[-MAX_HOPS:]] if said else []
        address, secure = peer, scope["scheme"] in ("https", "wss")
        if trusted:
            # From the right: the last hop that is no proxy of ours is the client.
            address = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), peer)
            secure = secure or headers.get("x-forwarded-proto", "").strip().lower() in ("https", "wss")
        named = [*hops, *map(_address, headers.getlist("x-real-ip"))]  # some proxies send the latter alone
        forwarded = any(not is_loopback(hop) for hop in named) or "forwarded" in headers
        version = scope["http_version"]
        return Caller(request_id, address, peer, trusted, forwarded, secure, version, self._terms)


def _address(hop: str) -> str:
    """Return one hop of ``X-Forwarded-For`` without the port that some proxies add."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(1024)
def network(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 one, which one machine may have."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
