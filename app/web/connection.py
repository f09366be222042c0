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
"""Has bytes counted as they come, messages that are not whole yet included, and bounds the size of a message."""

Write = Callable[[bytes], bool]
"""Writes a piece of the body of an answer whose head has been sent; False, and nothing done, if that had to wait."""


def writer(scope: Scope) -> Write:
    """Return what writes to the connection of *scope*."""
    extension = scope.get("extensions", {}).get(WRITE)
    return extension["write"] if extension else _cannot


def _cannot(_: bytes) -> bool:
    return False


def bound_messages(scope: Scope, take: Take | None, largest: int) -> None:
    """Have *take* told of what comes over the WebSocket of *scope*, whose messages may have *largest* bytes from here on."""
    if extension := scope.get("extensions", {}).get(INCOMING):
        extension["bound"](take, largest)


async def cut(scope: Scope) -> None:
    """Drop the connection of *scope*. Its reader resumes by its cursor."""
    if extension := scope.get("extensions", {}).get(ABORT):
        extension["abort"]()
        await asyncio.sleep(0)  # let the server notice
