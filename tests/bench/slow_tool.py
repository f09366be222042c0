"""The tool of ``early_tools``, registered by name as an operator registers his own."""

import asyncio

TOOL_S = 0.3


async def look_up(what: str) -> str:
    """Look something up, which takes a while."""
    await asyncio.sleep(TOOL_S)
    return f"{what} was looked up"
