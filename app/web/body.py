"""A request's body: only JSON, its size checked before it is read, and not waited for for ever."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from app.protocol.errors import SlowBody, TooLarge, WrongMediaType

PATIENCE_S = 20
"""How long a body may take however small it is, and stand still at most."""

SLOWEST_BYTES_PER_S = 4096
"""What it must keep up on average beyond that: half of what the worst mobile lines send."""


def go_on_waiting(deadline: asyncio.Timeout, size: int) -> None:
    """Move the *deadline* of a body of which *size* more bytes have come.

    Who was fast has nothing to spend on being slow: a body that stands still would hold its room for hours.
    """
    latest = asyncio.get_running_loop().time() + PATIENCE_S
    deadline.reschedule(min(latest, (deadline.when() or latest) + size / SLOWEST_BYTES_PER_S))


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
    try:
        async with asyncio.timeout(PATIENCE_S) as deadline:
            async for chunk in request.stream():
                if not chunk:
                    continue  # the end, as Starlette says it
                body += chunk
                if len(body) > limit:
                    raise TooLarge(msg, limit="body_bytes")
                take(len(chunk))
                go_on_waiting(deadline, len(chunk))
    except TimeoutError as error:
        msg = "The body came too slowly. Try again on a better line."
        raise SlowBody(msg) from error
    return bytes(body)
