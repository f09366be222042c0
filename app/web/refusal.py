"""How a Problem is told to whoever asked, over HTTP or in place of a WebSocket: Claude's error shape."""

import asyncio
import math
from contextlib import suppress

from starlette.types import Receive, Send

from app.caller import Caller, network
from app.limits.rates import Limiter
from app.monitoring.metrics import Metrics
from app.protocol import jsontext
from app.protocol.errors import Problem, SlowBody, TooLarge, Unauthenticated
from app.web.connection import LINGER_S

LINGER_BYTES = 8 * 1024 * 1024
"""How much of a refused body is read and thrown away, so that its sender gets to see the refusal: closing a
socket with unread bytes resets it (RFC 9112, §9.6)."""


async def told(problem: Problem, caller: Caller, limiter: Limiter, metrics: Metrics) -> Problem:
    """Count *problem*; return it, or the TooMany that *caller* gets in its place who has met it too often."""
    instead = await limiter.guessed(problem, address=network(caller.address), client=caller.client)
    for each in {problem, instead}:
        metrics.failed(each)
    return instead


async def respond(problem: Problem, request_id: str, receive: Receive, send: Send) -> None:
    """Answer a request with *problem*."""
    body, headers = _render(problem, request_id)
    linger = isinstance(problem, TooLarge)
    if linger or isinstance(problem, SlowBody):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": linger})
    if linger:
        await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def deny(problem: Problem, request_id: str, send: Send) -> None:
    """Answer the request for a WebSocket with *problem*."""
    body, headers = _render(problem, request_id)
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def _render(problem: Problem, request_id: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = jsontext.render(problem.body(request_id))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(problem.retry_after_s))).encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    if isinstance(problem, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    return body, headers


async def _discard(receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return  # its end, or its sender's leaving
