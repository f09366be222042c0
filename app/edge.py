"""What every request passes on its way in and out.

Its id, who asks, the *safe by default* rule, the accepted Host, security headers, and errors in one shape.
Pure ASGI, so that nothing is buffered and leaving is noticed.
"""

import asyncio
import logging
import re
import secrets
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.protocol import jsontext
from app.protocol.errors import Bug, Forbidden, Problem, TooLarge
from app.settings import Settings, is_loopback

logger = logging.getLogger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

ALWAYS_OPEN = ("/healthz", "/readyz")
"""Load balancers ask these with whatever Host and address they have."""

LINGER_BYTES = 8 * 1024 * 1024
"""How much of a refused body is read and thrown away, so that its sender gets to see the refusal: closing a
socket with unread bytes resets it (RFC 9112, §9.6)."""

LINGER_S = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        request_id: Of this request, in answers and logs.
        address: The client's, as far as trusted proxies say.
        peer: The address that the connection comes from.
        owner: Whose generations these are. Where nobody signs in, everybody's: an id nobody can guess is
            what lets one see a generation.
        forwarded: A proxy has forwarded it from elsewhere.
    """

    request_id: str
    address: str
    peer: str
    owner: str
    forwarded: bool


class Edge:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        trusted = [ip_network(network, strict=False) for network in settings.trusted_proxies]

        @lru_cache(1024)
        def is_trusted(address: str) -> bool:
            try:
                return any(ip_address(address) in network for network in trusted)
            except ValueError:
                return False

        self._is_trusted = is_trusted
        self._hosts = settings.hosts
        self._loopback_only = not settings.open_to_all
        self._origins = settings.cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, if it may."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = self._caller(scope, headers)
        scope["caller"] = caller
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                started = True
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = caller.request_id
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
                if out.get("content-type", "").startswith("text/html"):
                    out["Content-Security-Policy"] = CSP
            await send(message)

        try:
            self._check(scope, headers, caller)
            await self._app(scope, receive, send_with_headers)
        except Problem as problem:
            if scope["type"] == "websocket":
                await deny(problem, caller, send_with_headers)
            else:
                await respond(problem, caller, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            trace = "".join(traceback.format_tb(error.__traceback__))
            logger.error("request %s failed with %s\n%s", caller.request_id, type(error).__name__, trace)
            bug = Bug("The gateway failed. Its operator finds the reason in the log.")
            await respond(bug, caller, receive, send_with_headers)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        peer = (scope.get("client") or ("",))[0]
        given = headers.get("x-request-id", "")
        trusted = self._is_trusted(peer)
        request_id = given if trusted and REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        hops = [hop.strip() for value in headers.getlist("x-forwarded-for") for hop in value.split(",")]
        address = peer
        if trusted:
            # From the right: the last hop that is no proxy of ours is the client.
            address = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), peer)
        forwarded = any(not is_loopback(hop) for hop in hops) or "forwarded" in headers
        return Caller(request_id, address, peer, "anonymous", forwarded)

    def _is_ours(self, origin: str, host: str) -> bool:
        # What the browser says of its page against what it says of us: scheme apart, which a proxy may change.
        return origin in self._origins or origin.partition("://")[2].lower() == host.lower()

    def _check(self, scope: Scope, headers: Headers, caller: Caller) -> None:
        if scope["path"] in ALWAYS_OPEN:
            return
        origin = headers.get("origin")
        if (
            scope["type"] == "websocket"
            and origin is not None
            and not self._is_ours(origin, headers.get("host", ""))
        ):
            msg = "A page of another site may not open a WebSocket here."
            raise Forbidden(msg)
        if self._loopback_only and caller.forwarded:
            msg = (
                "This gateway serves its own machine only, because it has a key and nobody has to sign in. "
                "Its operator can set GATEWAY_AUTH, or GATEWAY_ALLOW_ANONYMOUS=true to let anybody in."
            )
            raise Forbidden(msg)
        if self._hosts is not None and _name(headers.get("host", "")) not in self._hosts:
            msg = "This Host is not served here. The gateway's operator can add it to GATEWAY_ALLOWED_HOSTS."
            raise Forbidden(msg)


def _name(host: str) -> str:
    """Return the Host value *host* without its port."""
    return re.sub(r":\d+$", "", host).lower()


async def respond(problem: Problem, caller: Caller, receive: Receive, send: Send) -> None:
    """Answer with *problem* in Claude's error shape."""
    body = jsontext.render(problem.body(caller.request_id))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, round(problem.retry_after_s))).encode()))
    linger = isinstance(problem, TooLarge)
    if linger:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": linger})
    if linger:
        await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def deny(problem: Problem, caller: Caller, send: Send) -> None:
    """Answer the request for a WebSocket with *problem*."""
    body = jsontext.render(problem.body(caller.request_id))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _discard(receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return  # its end, or its sender's leaving
