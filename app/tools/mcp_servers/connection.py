"""The official SDK's client of one server, for as long as it lives.

This module and what it imports take a second to import.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, METHOD_NOT_FOUND, Implementation, Tool, ToolListChangedNotification
from pydantic import ValidationError

from app.tools.mcp_servers import http
from app.tools.mcp_servers.config import ServerConfig
from app.tools.mcp_servers.content import result
from app.tools.mcp_servers.stdio import Program
from app.tools.registry import Result
from app.version import VERSION

# It quotes what servers say; what there is to say about a server is said by ours.
logging.getLogger("mcp").setLevel(logging.CRITICAL)

MAX_PAGES = 100
MAX_TOOLS = 1000


class Unusable(Exception):
    """The connection cannot be used; the message says why."""


class Connection:
    """A server that has been connected to."""

    def __init__(self, client: Client, program: Program | None) -> None:
        self._client = client
        self._program = program

    @property
    def ended(self) -> bool:
        """Whether it is known to say nothing more; of an address nothing is known without asking it."""
        return self._program is not None and self._program.ended

    async def tools(self) -> list[Tool]:
        """Return all its tools, page by page.

        Raises:
            Unusable: it does not list them, or does not end its list.
        """
        tools: list[Tool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            try:
                page = await self._client.list_tools(cursor=cursor)
            except MCPError as error:
                if error.code == METHOD_NOT_FOUND:  # it has resources or prompts only
                    return []
                msg = f"it does not list its tools: {error.message}"
                raise Unusable(msg) from error
            except ValidationError as error:
                msg = "its list of tools is not what MCP says"
                raise Unusable(msg) from error
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return tools
            if len(tools) > MAX_TOOLS:
                break
        msg = f"it lists more than {MAX_TOOLS:,} tools, or {MAX_PAGES} pages of them"
        raise Unusable(msg)

    async def call(self, name: str, given: dict[str, Any]) -> Result:
        """Return what its tool *name* gave.

        Raises:
            Unusable: the connection was lost meanwhile.
        """
        try:
            return result(await self._client.call_tool(name, given))
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                raise Unusable(error.message) from error
            return Result(f"{name} failed: {error.message}", is_error=True)
        except ValidationError:
            return Result(f"{name} answered with what is no result in MCP.", is_error=True)


@asynccontextmanager
async def connect(config: ServerConfig, ring: Callable[[], None]) -> AsyncIterator[Connection]:
    """Start or call the server and agree on a version with it.

    From then on *ring* is called when it has ended, or says that its tools have changed.

    The SDK's context managers hold cancel scopes: enter and leave this one in one and the same task.

    Raises:
        Unusable: it cannot be started or reached, it ended, or it does not speak MCP.
    """
    program = Program(config, ring) if config.command else None

    async def told(message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            ring()

    try:
        async with AsyncExitStack() as stack:
            if program:
                transport: Any = program
            else:
                caller = await stack.enter_async_context(http.client(config))
                transport = streamable_http_client(
                    str(config.url), http_client=caller, max_sse_event_size=http.MAX_ANSWER_BYTES
                )
            about = Implementation(name="claude-gateway", version=VERSION)
            client = Client(transport, client_info=about, message_handler=told, cache=None)
            async with asyncio.timeout(config.start_timeout):
                await stack.enter_async_context(client)
            yield Connection(client, program)
    except Exception as error:
        raise Unusable((program and program.why()) or _why(error, config)) from error


def _why(error: Exception, config: ServerConfig) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    match error:
        case Unusable() | MCPError():
            return str(error)
        case TimeoutError():
            return "it does not answer"
        case FileNotFoundError() | PermissionError() | NotADirectoryError():
            # The file is the command or its folder; not every event loop says which.
            return f"{error.filename or config.command} cannot be started: {error.strerror}"
        case ValidationError():
            return "its answers are not what MCP says"
        case _:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
