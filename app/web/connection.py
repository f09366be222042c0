"""The connection under a request, as our server lets those know it who answer.

To write to it at once, to drop it, to bound what comes over it.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Scope

ABORT = "gateway.abort"
"""Scope extension of our server, with the transport's ``abort``."""

WRITE = "gateway.write"
"""Scope extension of our server, with a ``Write``."""

INCOMING = "gateway.incoming"
"""Scope extension of our server for a WebSocket, with a ``Bound``."""

LINGER_S = 1
"""How long what a refused client still sends is read and thrown away, so that it gets to see the refusal."""

Take = Callable[[int], bool]
"""Told how many more bytes have come; False to hear nothing more of this client."""

Bound = Callable[[Take | None, int], None]
"""From here on every byte that comes is told to a ``Take``, also of messages that are not whole yet, and no message may
be larger than so many bytes."""

Write = Callable[[bytes], bool]
"""Writes a piece of an answer's body, after its head; returns False, and has done nothing, where that would have to wait."""


def writer(scope: Scope) -> Write:
    """Return what writes to the connection of *scope*."""
    extension = scope.get("extensions", {}).get(WRITE)
    return extension["write"] if extension else _cannot


def _cannot(_: bytes) -> bool:
    return False


def bound_messages(scope: Scope, take: Take | None, largest: int) -> None:
    """See ``Bound``, for the WebSocket of *scope*: nobody is told where *take* is None."""
    if extension := scope.get("extensions", {}).get(INCOMING):
        extension["bound"](take, largest)


async def cut(scope: Scope) -> None:
    """Drop the connection of *scope*. Its reader resumes by its cursor."""
    if extension := scope.get("extensions", {}).get(ABORT):
        extension["abort"]()
        await asyncio.sleep(0)  # let the server notice
