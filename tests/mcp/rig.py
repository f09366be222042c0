"""MCP servers for tests: a real one, and one that does wrong, run as programs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.tools.mcp_servers.config import load
from app.tools.mcp_servers.server import Server, State
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import Toolbox

FOLDER = Path(__file__).parent
REAL = {"command": sys.executable, "args": ["-m", "tests.mcp.real"], "cwd": str(FOLDER.parent.parent)}

PATIENCE_S = 20


@dataclass
class Wrong:
    """A server that does something wrong, and what it has left behind."""

    starts: Path

    def __call__(self, how: str, **fields: Any) -> dict[str, Any]:
        program = str(FOLDER / "wrong.py")
        return {"command": sys.executable, "args": ["-I", program, how, str(self.starts)], **fields}

    def processes(self) -> list[int]:
        """Return the ids of all that have been started, oldest first."""
        return [int(line) for line in self.starts.read_text().splitlines()]


@dataclass
class Running:
    """One server, and what its tools are called with."""

    server: Server
    toolbox: Toolbox

    async def call(self, name: str, **given: Any) -> tuple[Any, bool]:
        given_back = await self.toolbox.call(f"it__{name}", given)
        return given_back.content, given_back.is_error

    async def until(self, true: Callable[[Server], bool]) -> None:
        async with asyncio.timeout(30):
            await self.server.until(true)


@asynccontextmanager
async def running(fields: dict[str, Any]) -> AsyncIterator[Running]:
    toolbox = Toolbox([], PATIENCE_S)
    async with McpServers(load({"it": fields}), toolbox, PATIENCE_S) as servers:
        yield Running(next(iter(servers)), toolbox)
    assert not [task for task in asyncio.all_tasks() if OURS & {*Path(file_of(task)).parts}]


OURS = {"mcp_servers", "client"}
"""Folders of the code whose tasks end with the servers: ours, and of the SDK's client."""


def file_of(task: asyncio.Task[Any]) -> str:
    coroutine: Any = task.get_coro()
    return str(coroutine.cr_code.co_filename)


def is_up(server: Server) -> bool:
    return server.state is State.UP


def is_down(server: Server) -> bool:
    return server.state is State.DOWN


def gone(process: int) -> bool:
    """Say whether *process* has ended and been waited for, so that not even a zombie is left."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
