"""What a setting accepts: a type for each kind, whose message says what it must be."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from app.limits.terms import budget, rates
from app.tools.mcp_servers.config import ServerConfig, load

TAKEN_HEADERS = frozenset(
    {"authorization", "cookie", "host", "origin", "x-forwarded-for", "x-forwarded-proto"}
)
"""Headers that say something else than who asks."""


def _words(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        msg = "must be addresses or networks, like 127.0.0.1,10.0.0.0/8"
        raise ValueError(msg) from None
    return value


def _rates_text(text: str) -> str:
    rates(text)
    return text


def _budget_text(text: str) -> str:
    budget(text)
    return text


def _store(text: str) -> str:
    if text != "memory://":
        msg = "a shared store is not available yet; use memory://"
        raise ValueError(msg)
    return text


def _workers(number: int) -> int:
    if number > 1:
        msg = (
            "more than one process needs a shared store, and memory:// is not shared; run one process per port, "
            "each with a GATEWAY_REPLICA of its own, behind an nginx that knows them (deploy/nginx/README.md)"
        )
        raise ValueError(msg)
    return number


def _replica(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", name):
        msg = "must be a name like a host's: a-z, 0-9 and -, at most 64 characters"
        raise ValueError(msg)
    return name


def _header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name) or name.lower() in TAKEN_HEADERS:
        msg = "must be the name of a header of its own, like X-Forwarded-User or Remote-User"
        raise ValueError(msg)
    return name


def _keys_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        msg = (
            "must begin with https:// (http:// on this machine alone): who can change the keys can be anybody"
        )
        raise ValueError(msg)
    return url


def _origin(origin: str) -> str:
    if not re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?", origin):
        msg = "must be origins as browsers send them: https://chat.example or http://localhost:3000, never *"
        raise ValueError(msg)
    return origin


def _base_url(value: Any) -> Any:
    if isinstance(value, str) and not re.match(r"https?://[^/\s]+", value):
        msg = "must be an address that starts with http:// or https://"
        raise ValueError(msg)
    return value


BaseUrl = Annotated[str, BeforeValidator(_base_url)]
BudgetText = Annotated[str, AfterValidator(_budget_text)]
HeaderName = Annotated[str, AfterValidator(_header)]
ReplicaName = Annotated[str, AfterValidator(_replica)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
RatesText = Annotated[str, AfterValidator(_rates_text)]
Store = Annotated[str, AfterValidator(_store)]
Workers = Annotated[int, AfterValidator(_workers)]

Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""A comma-separated list."""

Servers = Annotated[tuple[ServerConfig, ...], NoDecode, BeforeValidator(load)]

Networks = Annotated[tuple[Annotated[str, BeforeValidator(_network)], ...], NoDecode, BeforeValidator(_words)]

Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_words)]


def is_loopback(host: str) -> bool:
    """Say whether *host*, a name or an address, can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
