"""The application: settings → upstream → hub → routes, and what begins and ends with it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.auth.gate import CredentialGate, Gate
from app.auth.proxy import ProxyGate
from app.auth.tokens_file import TokensFile
from app.collector import collecting_in_quiet_moments
from app.gateway import Gateway
from app.generation import Rules
from app.hub import Hub
from app.limits.rates import Limiter
from app.monitoring.metrics import Metrics
from app.monitoring.pricing import Prices
from app.monitoring.telemetry import telemetry
from app.patience import Patience
from app.protocol.errors import BadRequest, NotFound, Problem, WrongMethod
from app.settings import Settings
from app.tools.functions import from_modules
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import Toolbox
from app.upstream.catalogue import Catalogue
from app.upstream.client import Upstream
from app.web import routes, session, websocket
from app.web.edge import Edge
from app.web.observer import Observer
from app.web.page.files import REVALIDATE, WITHOUT_EXTRAS, PageFiles, extras_folder, page_folder, respond
from app.web.sites import Cors
from app.web.turns import Turns

logger = logging.getLogger(__name__)


def create_app(settings: Settings, base_url: str | None) -> FastAPI:
    """Return the gateway as an ASGI application; ``app.state.gateway`` is there once it has started.

    Args:
        settings: The operator's.
        base_url: Where Claude, or what stands in for it, is called; None for the SDK's default.

    Raises:
        BadTool: a module of tools is not fit.
    """
    toolbox = Toolbox(from_modules(settings.tools), settings.tool_timeout)
    gate, limiter, metrics, prices = _gate(settings), Limiter(), Metrics(settings.models), Prices()
    traces = telemetry(base_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if gate:
                stack.push_async_callback(gate.close)
            stack.push_async_callback(traces.close)
            upstream = Upstream(settings, base_url, metrics.gaps)
            stack.push_async_callback(upstream.close)
            # Entered before the hub, so that they end after the generations that call them.
            servers = await stack.enter_async_context(
                McpServers(settings.mcp_servers, toolbox, settings.tool_timeout)
            )
            rules = Rules(
                settings.max_generation_bytes, settings.orphan_grace, prices.of, replica=settings.replica
            )
            hub = Hub(settings, metrics, traces, rules)
            stack.push_async_callback(hub.close)
            catalogue = Catalogue(upstream)
            continuations = settings.continuations if settings.on_break == "continue" else 0
            patience = Patience(settings.retries, continuations, continues=continuations > 0)
            app.state.gateway = Gateway(
                settings, hub, upstream, catalogue, metrics, toolbox, servers, patience, gate, limiter
            )
            watching = asyncio.create_task(metrics.watch_loop(), name="loop lag")
            stack.callback(watching.cancel)
            await stack.enter_async_context(collecting_in_quiet_moments(hub.count))
            yield

    app = FastAPI(
        title="claude-gateway",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # The WebSocket's address looks like a generation's (/api/chat/{id}), so it comes first. Routes and not routers:
        # through the routes of a router that is included each request would go twice.
        routes=[*websocket.router.routes, *routes.router.routes, *session.router.routes],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours knows about generations too
    )
    app.add_middleware(Edge, settings=settings, gate=gate, limiter=limiter, metrics=metrics)
    if settings.cors_origins:
        app.add_middleware(Cors, listed=settings.cors_origins)
    app.add_middleware(Observer, metrics=metrics, telemetry=traces)
    app.add_middleware(Turns)
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _as_problem)

    @app.websocket("/{path:path}")
    async def elsewhere(socket: WebSocket, path: str) -> None:
        raise _not_found()

    extras = extras_folder()
    if extras is None:
        logger.info("the page shows %s", WITHOUT_EXTRAS)
    files = PageFiles(page_folder(), extras)
    app.mount("/static", files)

    @app.api_route("/", methods=routes.READ)
    async def page(request: Request) -> Response:
        return respond(files.fresh_page(), request.headers, REVALIDATE)

    return app


def _gate(settings: Settings) -> Gate | None:
    """Return what tells who asks; None where nobody has to say."""
    match settings.auth:
        case "none":
            return None
        case "proxy":
            return ProxyGate(settings.proxy_user_header, settings.terms)
        case "token":
            assert settings.tokens_file  # noqa: S101 - the settings have seen to it
            return CredentialGate(TokensFile(settings.tokens_file, settings.terms), settings.replica)
        case "jwt":
            # Cryptography takes a while to import.
            from app.auth.jwks import Keys
            from app.auth.jwt import JwtVerifier

            assert settings.jwt_jwks_url  # noqa: S101 - the same
            assert settings.jwt_issuer  # noqa: S101 - the same
            keys = Keys(settings.jwt_jwks_url)
            return CredentialGate(
                JwtVerifier(keys, settings.jwt_issuer, settings.jwt_audience, settings.terms),
                settings.replica,
            )


async def _as_problem(request: Request, error: Exception) -> Response:
    """Turn what the framework refuses into a Problem, which the edge answers."""
    match error:
        case HTTPException(status_code=404):
            raise _not_found() from None
        case HTTPException(status_code=405):
            allowed = ", ".join(_methods(request))
            msg = f"{request.method} is not served here; this address takes {allowed}."
            raise WrongMethod(msg, headers={"Allow": allowed}) from None
        case RequestValidationError():
            first = error.errors()[0]
            msg = f"{first['loc'][-1]}: {first['msg'][0].lower()}{first['msg'][1:]}."
            raise BadRequest(msg) from None
        case HTTPException():
            problem = BadRequest("The request cannot be understood.")
            problem.status = error.status_code
            raise problem from None
        case _:
            raise error


def _methods(request: Request) -> list[str]:
    """Return the methods that the address of *request* takes (RFC 9110, §15.5.6: a 405 names them)."""
    here = [
        route.methods or ()
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    return sorted({method for methods in here for method in methods}) or routes.READ  # of the page's files


def _not_found() -> Problem:
    return NotFound("There is nothing at this address.")
