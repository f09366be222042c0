"""Under which names the gateway is called, and by which pages: its own, and those of the sites that the operator lists.

A browser sends cookies along, and reaches a gateway on this machine, whoever's page asks. So what comes from
another site's page is refused here, before anything happens, and not only kept from being read.
"""

import re
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.protocol.errors import Forbidden

PORT = re.compile(r":\d+$")


def check_host(host: str, path: str, accepted: tuple[str, ...] | None) -> None:
    """Let pass what asks for *path* under an *accepted* name; None accepts any.

    This keeps out pages that make a name of their own lead here. An address is nobody's name, so Prometheus may ask by
    the one that it has found.

    Raises:
        Forbidden: *host* is another name.
    """
    name = PORT.sub("", host).lower()
    if accepted is None or name in accepted or (path == "/metrics" and _is_address(name)):
        return
    msg = "This Host is not served here. The gateway's operator can add it to GATEWAY_ALLOWED_HOSTS."
    raise Forbidden(msg)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return name == "localhost"
    return True


def check_site(headers: Headers, listed: tuple[str, ...]) -> None:
    """Let pass what a page of ours, of a *listed* site, or no page at all has sent.

    ``Sec-Fetch-Site`` is the browser's own word, which no page can change (Fetch Metadata). Browsers that do not
    send it, and plain HTTP, have ``Origin`` alone; it is compared with ``Host`` but for the scheme, which a proxy may
    change.

    Raises:
        Forbidden: another site's page has.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin in listed:
        return
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        host = headers.get("host", "").lower()
        ours = origin is None or origin.partition("://")[2].lower() == host
    if not ours:
        msg = "A page of another site may not do this. The gateway's operator can list it in GATEWAY_CORS_ORIGINS."
        raise Forbidden(msg)


class Cors(CORSMiddleware):
    """Lets pages of the *listed* sites read answers."""

    def __init__(self, app: ASGIApp, listed: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=listed,
            allow_credentials=True,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=["X-Chat-Id", "X-Request-Id", "Location", "Retry-After"],
        )
        self._listed = listed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what lets a listed site's page read the answer, and to all answers that they depend on who asks."""
        if scope["type"] == "http" and Headers(scope=scope).get("origin") in self._listed:
            await super().__call__(scope, receive, send)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A cache must not give a listed site's page what it kept from another's question.
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, send_varying)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a listed site's browser asks before it asks: what is allowed. Holding to it is its business."""
        said = super().preflight_response(request_headers).headers
        headers = {name: said[name] for name in said if name.startswith("access-control-") or name == "vary"}
        return Response(headers=headers)
