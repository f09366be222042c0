"""Tools that run here, by name, and a result for whatever they do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.logs import traced
from app.protocol import jsontext

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES = 256 * 1024
"""A larger result is an error: it would go up with every later turn of the conversation."""

MAX_ERROR_CHARACTERS = 1000

LET_GO_S = 1
"""How long a tool that is cancelled may take to end."""


class BadTool(Exception):
    """What cannot be a tool; the message says why."""


class BadInput(Exception):
    """The input of a call does not fit the tool's schema; the message says where."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave.

    Attributes:
        content: Text, or Claude's content blocks.
        is_error: It failed; the content says how, for Claude to read.
        why: What kind of failure, in a word, for the operator; it holds nothing that anybody wrote.
    """

    content: str | list[dict[str, Any]]
    is_error: bool = False
    why: str = "tool_error"


Run = Callable[[dict[str, Any]], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool that runs here.

    Attributes:
        name: As Claude calls it.
        description: What Claude is told about it.
        input_schema: JSON schema of its input.
        run: Runs it on an input. It may raise whatever it likes; ``BadInput`` where the input does not fit.
        source: Who offers it; empty for a function of a module.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    run: Run
    source: str = ""

    def definition(self) -> dict[str, Any]:
        """Return what Claude is sent."""
        return {"name": self.name, "description": self.description, "input_schema": self.input_schema}


class Toolbox:
    """The tools that are registered, by name."""

    def __init__(self, tools: Iterable[Tool], timeout_s: float) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._timeout_s = timeout_s
        self._stuck: set[asyncio.Task[Result]] = set()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._tools

    def __len__(self) -> int:
        return len(self._tools)

    def definition(self, name: str) -> dict[str, Any]:
        """Return what Claude is sent about the tool *name*."""
        return self._tools[name].definition()

    def offer(self, source: str, tools: Iterable[Tool]) -> None:
        """Replace the tools that *source* offered before.

        Raises:
            BadTool: another source has a tool of the same name, or *source* has two.
        """
        kept = {name: tool for name, tool in self._tools.items() if tool.source != source}
        for tool in tools:
            if tool.name in kept:
                msg = f"two tools are named {tool.name}; rename one of them"
                raise BadTool(msg)
            kept[tool.name] = replace(tool, source=source)
        self._tools = kept

    def listed(self) -> list[dict[str, str]]:
        """Return name and description of each."""
        return [{"name": tool.name, "description": tool.description} for tool in self._tools.values()]

    async def call(self, name: str, given: Any) -> Result:
        """Run the tool *name* on the input *given* and return its result, whatever happens."""
        tool = self._tools.get(name)
        if tool is None:
            return _failed(f"{name} is not offered any more.", "gone")
        if not isinstance(given, dict):
            return _failed(f"The input of {name} must be a JSON object.", "bad_input")
        running = asyncio.get_running_loop().create_task(_run(tool, given), name=f"tool {name}")
        try:
            await asyncio.wait((running,), timeout=self._timeout_s)
            if running.done():
                return _bounded(name, running.result())
            return _failed(f"{name} did not answer within {self._timeout_s:g} seconds.", "timeout")
        finally:
            await self._end(running)

    async def _end(self, running: asyncio.Task[Result]) -> None:
        if running.done():
            return
        running.cancel()
        await asyncio.wait((running,), timeout=LET_GO_S)
        if not running.done():
            logger.error("%s goes on although it was cancelled: its code must let go", running.get_name())
            self._stuck.add(running)  # the loop itself holds tasks by weak references only
            running.add_done_callback(self._stuck.discard)


async def _run(tool: Tool, given: dict[str, Any]) -> Result:
    try:
        return await tool.run(given)
    except BadInput as error:
        return _failed(f"The input does not fit the schema of {tool.name}: {error}", "bad_input")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        return _failed(f"{tool.name} was given up by something that it waited for.", "cancelled")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool does, Claude gets an answer
        logger.warning("the tool %s failed with %s", tool.name, type(error).__name__, extra=traced(error))
        return _failed(f"{tool.name} failed with {_named(error)}", type(error).__name__)


def _named(error: BaseException) -> str:
    """Return the type of *error* and what it says, unless it fails to say it."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a tool's own error may do anything
        return type(error).__name__


def _failed(text: str, why: str) -> Result:
    return Result(jsontext.sound(text[:MAX_ERROR_CHARACTERS]), is_error=True, why=why)


def _bounded(name: str, result: Result) -> Result:
    content = result.content
    if isinstance(content, str):
        # A file read with surrogateescape has half characters, and Claude takes no JSON with such.
        content = jsontext.sound(content)
    size = len(content.encode() if isinstance(content, str) else jsontext.render(content))
    if size > MAX_RESULT_BYTES:
        return _failed(
            f"{name} returned {size:,} bytes, more than the {MAX_RESULT_BYTES:,} that are passed on.",
            "too_large",
        )
    return replace(result, content=content)
