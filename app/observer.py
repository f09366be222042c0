"""What each HTTP request leaves behind for the operator: a count and, where traces are on, a span."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics


class Observer:
    """The outermost layer of the application.

    Args:
        app: What answers.
        metrics: What counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and count it when it has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noticing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        finally:
            self._metrics.request_ended(route(scope), scope["method"], status)


def route(scope: Scope) -> str:
    """Return the template of the route that a request has found; empty where there is none."""
    path = getattr(scope.get("route"), "path", "")
    return path if isinstance(path, str) else ""
