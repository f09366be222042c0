"""The connection under a request: how to drop it without waiting for what is still to be sent."""

import asyncio

from starlette.types import Scope

ABORT = "gateway.abort"
"""Scope extension of our server, with the transport's ``abort``."""


async def cut(scope: Scope) -> None:
    """Drop the connection of *scope*. Its reader resumes by its cursor."""
    if extension := scope.get("extensions", {}).get(ABORT):
        extension["abort"]()
        await asyncio.sleep(0)  # let the server notice
