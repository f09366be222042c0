"""What every request passes on its way in and out.

Its id, who asks, the *safe by default* rule, the accepted Host, other sites' pages, security headers, and errors
in one shape. Pure ASGI, so that nothing is buffered and leaving is noticed.
"""

import asyncio
import logging
from dataclasses import replace

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.gate import Gate
from app.auth.identity import Identity
from app.caller import Caller, Callers
from app.limits.rates import Limiter
from app.logs import traced
from app.monitoring.metrics import Metrics
from app.protocol.errors import BadRequest, Bug, Forbidden, Problem, Unauthenticated
from app.settings import Settings
from app.web.connection import cut
from app.web.refusal import deny, respond, told
from app.web.sites import check_host, check_site

logger = logging.getLogger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-frame-options", b"DENY"),
)
"""Of every answer that does not say otherwise."""

HEALTH = ("/healthz", "/readyz")
"""Load balancers ask these with whatever Host and address they have."""

OPEN = ("/", *HEALTH, "/api/config", "/api/session", "/metrics")
"""What answers those who have not signed in, with the page's files: enough to sign in. Metrics have a rule of
their own."""

RECHECK_S = 20
"""How often whoever has a stream open is looked up again. Revoked, they lose it within this time."""

POLICY_VIOLATION, INTERNAL_ERROR = 1008, 1011
"""How a WebSocket is closed on who may no longer have it, and when we fail (RFC 6455, §7.4.1)."""


class _Lapsed(Unauthenticated):
    """Who asked may no longer be answered."""


class Edge:
    """A layer of the application, between CORS and the routes.

    Args:
        app: What it lets requests in to.
        settings: The operator's.
        gate: Tells who asks; None where nobody has to sign in.
        limiter: Counts what looks like guessing.
        metrics: Counts what is refused.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, gate: Gate | None, limiter: Limiter, metrics: Metrics
    ) -> None:
        self._app = app
        self._callers = Callers(settings.trusted_proxies, settings.terms)
        self._gate = gate
        self._limiter = limiter
        self._metrics = metrics
        self._hosts = settings.hosts
        self._loopback_only = settings.loopback_only
        self._origins = settings.cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, if it may."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = self._callers.of(scope, headers)
        scope["caller"] = caller
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._dress(message, caller)
            started = True
            await send(message)

        try:
            self._check(scope, headers, caller)
            identity = await self._identify(scope["path"], headers, caller)
            if identity is None:
                await self._app(scope, receive, send_with_headers)
            else:
                scope["caller"] = replace(caller, identity=identity, terms=identity.terms)
                await self._while_it_holds(identity, scope, receive, send_with_headers)
        except _Lapsed as problem:
            if started:
                await _end(scope, send, POLICY_VIOLATION)
            else:
                await self._tell(problem, scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # while its body was read
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an end and the log a trace
            if isinstance(error, Problem) and not started:
                await self._tell(error, scope, receive, send_with_headers)
                error.untraced()  # its generation may keep it
                return
            logger.error(
                "request %s failed with %s", caller.request_id, type(error).__name__, extra=traced(error)
            )
            bug = Bug("The gateway failed. Its operator finds the reason in the log.")
            if started:
                self._metrics.failed(bug)
                await _end(scope, send, INTERNAL_ERROR)
            else:
                await self._tell(bug, scope, receive, send_with_headers)

    async def _tell(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with *problem*, or with the TooMany for who has met it too often."""
        caller: Caller = scope["caller"]
        problem = await told(problem, caller, self._limiter, self._metrics)
        if scope["type"] == "websocket":
            await deny(problem, caller.request_id, send)
        else:
            await respond(problem, caller.request_id, receive, send)

    def _dress(self, head: Message, caller: Caller) -> None:
        """Add to the *head* of an answer what all of them have."""
        said = dict(head["headers"])
        added = [(b"x-request-id", caller.request_id.encode())]
        added += [(name, value) for name, value in SECURITY_HEADERS if name not in said]
        if said.get(b"content-type", b"").startswith(b"text/html"):
            added.append((b"content-security-policy", CSP.encode()))
        head["headers"] = [*head["headers"], *added]

    def _check(self, scope: Scope, headers: Headers, caller: Caller) -> None:
        if scope["path"] in HEALTH:
            return
        if len(hosts := headers.getlist("host")) != 1:
            msg = "Host: must be there, once."
            raise BadRequest(msg)
        if self._loopback_only and caller.forwarded:
            msg = (
                "This gateway serves its own machine only, because it has a key and nobody has to sign in. "
                "Its operator can set GATEWAY_AUTH, or GATEWAY_ALLOW_ANONYMOUS=true to let anybody in."
            )
            raise Forbidden(msg)
        check_host(hosts[0], scope["path"], self._hosts)
        if scope["path"].startswith("/api/"):
            check_site(headers, self._origins)

    async def _identify(self, path: str, headers: Headers, caller: Caller) -> Identity | None:
        """Return who asks, where that matters.

        Raises:
            Unauthenticated: nobody says so, or what they show is not valid.
        """
        if self._gate is None or path in HEALTH or path.startswith("/static/"):
            return None
        try:
            identity = await self._gate.who(headers, secure=caller.secure, from_proxy=caller.from_proxy)
        except Unauthenticated:
            if path in OPEN:
                return None
            raise
        if identity is None and path not in OPEN:
            msg = "Sign in on the page, or send a token: Authorization: Bearer TOKEN."
            raise Unauthenticated(msg)
        return identity

    async def _while_it_holds(self, identity: Identity, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, for as long as whoever asked may still be answered.

        Raises:
            _Lapsed: they may no longer.
        """
        loop = asyncio.get_running_loop()
        lapse = asyncio.timeout(None)
        timer: asyncio.TimerHandle | None = None

        def look_again() -> None:
            nonlocal timer
            if timer and identity.renew() is None:
                lapse.reschedule(loop.time())
            else:
                timer = loop.call_later(RECHECK_S, look_again)

        look_again()
        try:
            async with lapse:
                await self._app(scope, receive, send)
        except TimeoutError as error:
            if not lapse.expired():
                raise
            msg = "You are no longer signed in."
            raise _Lapsed(msg) from error
        finally:
            if timer:
                timer.cancel()


async def _end(scope: Scope, send: Send, code: int) -> None:
    """End a connection whose answer has begun; its client may resume, if it still may."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": code})
    else:
        await cut(scope)
