"""A server made with the official SDK, run as a program as users run theirs."""

import base64
from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from pydantic import BaseModel

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Sum(BaseModel):
    total: int


async def add(a: int, b: int = 1) -> Sum:
    """Add two numbers."""
    return Sum(total=a + b)


async def picture() -> list[Any]:
    """Show a picture."""
    return ["a pixel", Image(data=PIXEL, format="png")]


async def fail() -> str:
    """Fail."""
    msg = "out of ink"
    raise ValueError(msg)


async def odd() -> str:
    """Have a name that Claude would not take."""
    return "odd"


def make() -> MCPServer:
    server = MCPServer("real", log_level="CRITICAL")
    server.add_tool(add)
    server.add_tool(picture, structured_output=False)
    server.add_tool(fail)
    server.add_tool(odd, name="with.dots and spaces")
    return server


if __name__ == "__main__":
    make().run()
