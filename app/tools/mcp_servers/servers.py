"""All MCP servers of a gateway: started with it, ended with it."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from app.tools.mcp_servers.config import ServerConfig
from app.tools.mcp_servers.server import Server, State
from app.tools.registry import Toolbox

logger = logging.getLogger(__name__)

START_WAIT_S = 10
"""How long the gateway's start waits for servers to come up or fail; who takes longer comes up behind it."""


class McpServers:
    """The servers, for as long as the context is open."""

    def __init__(self, configs: Iterable[ServerConfig], toolbox: Toolbox, patience_s: float) -> None:
        """Prepare them; *toolbox* is offered their tools, *patience_s* is how long a call may take."""
        self._servers = [Server(config, toolbox, patience_s) for config in configs]

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers)

    async def __aenter__(self) -> Self:
        """Start them, and wait a while for them to come up or fail."""
        for server in self._servers:
            server.start()
        try:
            async with asyncio.timeout(START_WAIT_S):
                await self.settled()
        except TimeoutError:
            slow = ", ".join(server.config.name for server in self._servers if server.state is State.STARTING)
            logger.warning("the MCP servers %s are not up yet", slow)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        await asyncio.gather(*(server.close() for server in self._servers))

    async def settled(self) -> None:
        """Wait until each has come up or failed."""
        for server in self._servers:
            await server.until(lambda each: each.state is not State.STARTING)

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what each is doing, for anybody: reasons are in the log."""
        return {
            server.config.name: {"state": server.state, "tools": len(server.offered)}
            for server in self._servers
        }
