"""``claude-gateway check``: what works and what does not, in one table."""

import asyncio
import os

from app.checks.address import look_at_address
from app.checks.claude import ask_claude
from app.checks.probe import probe
from app.checks.settings import TOKEN_VARIABLE, CheckSettings
from app.checks.sign_in import look_at_sign_in
from app.checks.table import Row, lines
from app.settings import Settings
from app.tools.functions import from_modules
from app.tools.mcp_servers.server import State
from app.tools.mcp_servers.servers import McpServers
from app.tools.registry import BadTool, Tool, Toolbox
from app.web.page.files import WITHOUT_EXTRAS, extras_folder


def check(settings: CheckSettings) -> int:
    """Print the table; return 0 if everything works, else 1."""
    rows = [Row("settings", True, "valid")]
    rows.append(asyncio.run(look_at_address(settings.host, settings.port)))
    rows.append(Row("page", True, "whole" if extras_folder() else WITHOUT_EXTRAS))
    if settings.demo:
        rows.append(Row("upstream", True, "demo mode: the bundled simulator answers (no key, no base URL)"))
    else:
        rows += asyncio.run(ask_claude(settings))
    rows.append(asyncio.run(look_at_sign_in(settings)))
    tools: list[Tool] = []
    if settings.tools:
        try:
            tools = from_modules(settings.tools)
            rows.append(Row("tools", True, ", ".join(tool.name for tool in tools)))
        except BadTool as error:
            rows.append(Row("tools", False, str(error)))
    if settings.mcp_servers:
        rows += asyncio.run(_start(settings, Toolbox(tools, settings.tool_timeout)))
    if settings.url:
        rows += asyncio.run(probe(settings.url, os.environ.get(TOKEN_VARIABLE), settings.silence))
    print(*lines(rows), sep="\n")  # noqa: T201
    return 0 if all(row.works for row in rows) else 1


async def _start(settings: Settings, toolbox: Toolbox) -> list[Row]:
    rows = []
    async with McpServers(settings.mcp_servers, toolbox, settings.tool_timeout) as servers:
        await servers.settled()
        for server in servers:
            name = f"MCP server {server.config.name}"
            up = server.state is State.UP
            said = ", ".join(server.offered) or "up, but it has no tools"
            rows.append(Row(name, up, said if up else server.why))
            rows += [
                Row(name, False, f"it has no tool {missing}, which is on your list")
                for missing in server.missing
            ]
    return rows
