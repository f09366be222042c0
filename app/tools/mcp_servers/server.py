"""One MCP server, kept running: connected, its tools offered, watched, and started again when it dies or hangs.

::

    starting ──→ up ──→ down ──(backoff)──→ up …
        └───────────────→┘

One task does all of it. A bell wakes it when there is a reason to look: the server ended, says that its tools
changed, or a call was given up; else it looks once a minute. To look is to ask for the list of tools, which
every version of MCP has; without an answer the server hangs, and is started again.

The tools stay offered while it is down: a call says so, and Claude can go on without.
"""

import asyncio
import hashlib
import logging
import math
import random
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from app.logs import traced
from app.tools.mcp_servers.config import ServerConfig, plain
from app.tools.registry import BadTool, Result, Tool, Toolbox

if TYPE_CHECKING:
    import mcp_types

    from app.tools.mcp_servers.connection import Connection

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60

FIRST_DELAY_S, LAST_DELAY_S = 0.5, 60.0
"""Before a server is started again; twice as long each time that it was not up for a while in between."""

WHILE_S = 60

MAX_NAME_CHARACTERS = 128
"""Of a tool's name, at Claude."""


class State(StrEnum):
    """What a server is doing."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"


class Server:
    """One server, from when it is started until it is closed.

    Attributes:
        config: What the operator wrote.
        state: What it is doing.
        why: Why it is down, for the operator: it may quote the server.
        offered: The names of its tools, as Claude calls them; those it had when it went down.
        missing: Names on the operator's list of its tools that it does not have.
    """

    def __init__(self, config: ServerConfig, toolbox: Toolbox, patience_s: float) -> None:
        """Prepare it; a server that is asked for its tools hangs if there is no answer in *patience_s*."""
        self.config = config
        self.state = State.STARTING
        self.why = ""
        self.offered: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()
        self._toolbox = toolbox
        self._patience_s = patience_s
        self._connection: Connection | None = None
        self._closing = False
        self._up_at = math.inf
        self._bell = asyncio.Event()
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Start it, and keep it running until it is closed."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End it."""
        self._closing = True
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        from app.tools.mcp_servers.connection import Unusable  # imports the SDK

        delay_s = FIRST_DELAY_S
        while not self._closing:  # a cancellation that comes while a connection breaks is lost in that
            self._up_at = math.inf
            try:
                await self._once()
            except Unusable as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the server is started again
                why = type(error).__name__
                logger.error("the MCP server %s failed with %s", self.config.name, why, extra=traced(error))
            if self._closing:
                return
            if time.monotonic() - self._up_at > WHILE_S:
                delay_s = FIRST_DELAY_S
            logger.warning("the MCP server %s is down: %s; next try in %g s", self.config.name, why, delay_s)
            self._become(State.DOWN, why)
            await asyncio.sleep(delay_s * random.uniform(0.9, 1.1))  # noqa: S311 - to spread, not to hide
            delay_s = min(2 * delay_s, LAST_DELAY_S)

    async def until(self, true: Callable[["Server"], bool]) -> None:
        """Wait until *true* of it; its state is one thing to ask for."""
        while not true(self):
            await self._changed.wait()

    # One connection

    async def _once(self) -> NoReturn:
        from app.tools.mcp_servers.connection import Unusable, connect

        self._bell.clear()
        async with connect(self.config, self._bell.set) as connection:
            await self._look(connection, self.config.start_timeout)
            self._connection = connection
            self._up_at = time.monotonic()
            self._become(State.UP)
            logger.info(
                "the MCP server %s is up: %s", self.config.name, ", ".join(self.offered) or "no tools"
            )
            try:
                while not connection.ended:
                    await self._rung()
                    if not connection.ended:
                        await self._look(connection, self._patience_s)
            finally:
                self._connection = None
                self._become(State.DOWN, "it is being ended")
            msg = "it ended"
            raise Unusable(msg)

    async def _rung(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._bell.wait()
        except TimeoutError:
            pass
        self._bell.clear()

    async def _look(self, connection: "Connection", patience_s: float) -> None:
        from app.tools.mcp_servers.connection import Unusable

        try:
            async with asyncio.timeout(patience_s):
                listed = await connection.tools()
        except TimeoutError:
            msg = f"it does not list its tools within {patience_s:g} s"
            raise Unusable(msg) from None
        allowed = self.config.tools
        tools = [self._tool(each) for each in listed if allowed is None or each.name in allowed]
        try:
            self._toolbox.offer(self.config.prefix, tools)
        except BadTool as error:
            raise Unusable(str(error)) from error
        self.offered = tuple(tool.name for tool in tools)
        missing = tuple(name for name in allowed or () if name not in {each.name for each in listed})
        if missing and missing != self.missing:
            logger.warning("the MCP server %s has no tool %s", self.config.name, ", ".join(missing))
        self.missing = missing
        self._tell()

    def _tool(self, listed: "mcp_types.Tool") -> Tool:
        async def run(given: dict[str, Any]) -> Result:
            return await self._call(listed.name, given)

        about = listed.description or listed.title or listed.name
        # MCP wants an object there; a server that leaves it out means one.
        schema = {"type": "object", **listed.input_schema}
        return Tool(tool_name(self.config.prefix, listed.name), about, schema, run)

    async def _call(self, name: str, given: dict[str, Any]) -> Result:
        from app.tools.mcp_servers.connection import Unusable

        connection = self._connection
        if connection is None:
            msg = f"The MCP server {self.config.name} is not running; it is being started again. Try later."
            return Result(msg, is_error=True)
        try:
            return await connection.call(name, given)
        except Unusable:
            self._bell.set()
            msg = f"The MCP server {self.config.name} ended during the call; it is being started again."
            return Result(msg, is_error=True)
        except asyncio.CancelledError:
            self._bell.set()  # given up: is it only slow, or does it hang?
            raise

    def _become(self, state: State, why: str = "") -> None:
        self.state, self.why = state, why
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def tool_name(prefix: str, name: str) -> str:
    """Return what Claude calls the tool *name*: in Claude's characters, and no longer than it takes."""
    whole = prefix + plain(name)
    if len(whole) <= MAX_NAME_CHARACTERS:
        return whole
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{whole[: MAX_NAME_CHARACTERS - 9]}_{digest}"
