"""A request's body: only JSON, its size checked before it is read, and not waited for for ever."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from app.protocol.errors import SlowBody, TooLarge, WrongMediaType

PATIENCE_S = 20
"""How long a body may take however small it is."""

SLOWEST_BYTES_PER_S = 4096
"""What it must keep up on average beyond that: half of what the worst mobile lines send."""


async def read_json(request: Request, limit: int, take: Callable[[int], None] = lambda _: None) -> bytes:
    """Return the request's body.

    Args:
        request: Whose body it is.
        limit: Bytes it may have.
        take: Told how many more have come, to make room for them; what it raises is raised.

    Raises:
        WrongMediaType: it is not said to be JSON, or is compressed.
        TooLarge: it has more than *limit* bytes, or says so.
        SlowBody: it comes too slowly.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        msg = "Content-Type: must be application/json."
        raise WrongMediaType(msg)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        msg = "Content-Encoding: compressed bodies are not taken here; send plain JSON."
        raise WrongMediaType(msg)
    msg = f"The body is larger than this gateway takes, {limit:,} bytes."
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise TooLarge(msg, limit="body_bytes")
    body = bytearray()
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout_at(began + PATIENCE_S) as deadline:
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise TooLarge(msg, limit="body_bytes")
                take(len(chunk))
                deadline.reschedule(began + PATIENCE_S + len(body) / SLOWEST_BYTES_PER_S)
    except TimeoutError as error:
        msg = "The body came too slowly. Try again on a better line."
        raise SlowBody(msg) from error
    return bytes(body)
