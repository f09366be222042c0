"""What a setting accepts: a type for each kind, whose message says what it must be."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
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
    parts = web_address(url)
    if parts is None or (parts.scheme == "http" and not is_loopback(parts.hostname or "")):
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


def _base_url(url: str) -> str:
    parts = web_address(url)
    if parts is None:
        msg = "must be an address that starts with http:// or https://"
        raise ValueError(msg)
    if parts.username or parts.query or parts.fragment:
        msg = "must hold no user and no query: what says who asks is ANTHROPIC_API_KEY"
        raise ValueError(msg)
    return url


def web_address(url: str) -> SplitResult | None:
    """Return the parts of *url*; None if it is no whole address on the web."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # a port above 65535, half an IPv6 address
        return None
    return parts if whole and not re.search(r"\s", url) else None


def _is_host(name: str) -> bool:
    """Say whether somebody may be called *name*: who looks up ``a..b`` gets no answer, but an exception."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def _credential(value: Any) -> Any:
    """Return a key without the line end that files and secrets of Kubernetes have behind it."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not re.fullmatch(r"[!-~]*", key):
        msg = "must be printable ASCII in one piece, as a header can carry it"
        raise ValueError(msg)
    return key


def _host(host: str) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    if not _is_host(bare) or re.search(r"\s", bare):
        msg = "must be a name or an address, like 127.0.0.1"
        raise ValueError(msg)
    return bare


def _host_name(name: str) -> str:
    name = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    if not re.fullmatch(r"\*|[a-z0-9._-]+|\[[0-9a-f:.]+\]", name, re.IGNORECASE):
        msg = "must be names as they stand in an address, without a port, like chat.example; * takes any"
        raise ValueError(msg)
    return name.lower()


def _at_least_one(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        msg = "must name at least one"
        raise ValueError(msg)
    return names


def _not_blank(text: str | None) -> str | None:
    return text if text and text.strip() else None


BaseUrl = Annotated[str, AfterValidator(_base_url)]
BudgetText = Annotated[str, AfterValidator(_budget_text)]
Credential = Annotated[SecretStr, BeforeValidator(_credential)]
Host = Annotated[str, AfterValidator(_host)]
HeaderName = Annotated[str, AfterValidator(_header)]
ReplicaName = Annotated[str, AfterValidator(_replica)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
RatesText = Annotated[str, AfterValidator(_rates_text)]
Store = Annotated[str, AfterValidator(_store)]
SystemPrompt = Annotated[str | None, AfterValidator(_not_blank)]
Workers = Annotated[int, AfterValidator(_workers)]

Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""A comma-separated list."""

Servers = Annotated[tuple[ServerConfig, ...], NoDecode, BeforeValidator(load)]

Networks = Annotated[tuple[Annotated[str, BeforeValidator(_network)], ...], NoDecode, BeforeValidator(_words)]

Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host_name)], ...],
    NoDecode,
    BeforeValidator(_words),
    AfterValidator(_at_least_one),
]

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
