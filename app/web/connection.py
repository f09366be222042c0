"""The connection under a request, as our server lets those know it who answer: to write to it at once, and to drop it."""

import asyncio
from collections.abc import Callable

from starlette.types import Scope

ABORT = "gateway.abort"
"""Scope extension of our server, with the transport's ``abort``."""

WRITE = "gateway.write"
"""Scope extension of our server, with a ``Write``."""

Write = Callable[[bytes], bool]
"""Writes a piece of the body of an answer whose head has been sent; False, and nothing done, if that had to wait."""


def writer(scope: Scope) -> Write:
    """Return what writes to the connection of *scope*."""
    extension = scope.get("extensions", {}).get(WRITE)
    return extension["write"] if extension else _cannot


def _cannot(_: bytes) -> bool:
    return False


async def cut(scope: Scope) -> None:
    """Drop the connection of *scope*. Its reader resumes by its cursor."""
    if extension := scope.get("extensions", {}).get(ABORT):
        extension["abort"]()
        await asyncio.sleep(0)  # let the server notice
