"""What each HTTP request leaves behind for the operator: a count and, where traces are on, a span."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.monitoring.metrics import Metrics, known_method
from app.monitoring.telemetry import Telemetry


class Observer:
    """A layer of the application around all but the turns.

    Args:
        app: What answers.
        metrics: What counts.
        telemetry: What traces.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, telemetry: Telemetry) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and count it when it has been answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status = 0

        async def noticing(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        method = known_method(scope.get("method", "GET"))
        with self._telemetry.request(method, Headers(scope=scope)) as span:
            try:
                await self._app(scope, receive, noticing)
            finally:
                self._metrics.request_ended(route(scope), method, status)
                if span:
                    span.answered(route(scope), status)


def route(scope: Scope) -> str:
    """Return the template of the route that a request has found; empty where there is none."""
    path = getattr(scope.get("route"), "path", "")
    return path if isinstance(path, str) else ""
