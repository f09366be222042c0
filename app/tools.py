"""Tools that run here: Python functions, their JSON schemas, and a result for whatever they do.

A tool is an async or plain function with type hints and a docstring, in a module that GATEWAY_TOOLS names:
every public function of such a module is one. The schema comes from the hints, the description from the
docstring. Plain functions run in threads, so that one that blocks holds up nobody.
"""

import asyncio
import importlib
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import orjson
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError, validate_call

from app.protocol import jsontext

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES = 256 * 1024
"""A larger result is an error: it would go up with every later turn of the conversation."""

MAX_ERROR_CHARACTERS = 1000

Run = Callable[[dict[str, Any]], Awaitable[Any]]


class BadTool(Exception):
    """A function that cannot be a tool; the message says why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool that runs here.

    Attributes:
        name: As Claude calls it.
        description: What Claude is told about it.
        input_schema: JSON schema of its input.
        run: Runs it on an input and returns what it gives.
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


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave.

    Attributes:
        content: Text, or Claude's content blocks.
        is_error: It failed; the content says how, for Claude to read.
    """

    content: str | list[dict[str, Any]]
    is_error: bool = False


def from_modules(names: Iterable[str]) -> list[Tool]:
    """Return the tools of the modules *names*.

    Raises:
        BadTool: a module cannot be imported or has no tools, a function is not fit, or a name comes twice.
    """
    tools: dict[str, Tool] = {}
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            msg = f"the module {name} cannot be imported: {error}"
            raise BadTool(msg) from error
        found = [from_function(function) for function in _public_functions(module)]
        if not found:
            msg = f"the module {name} has no public functions"
            raise BadTool(msg)
        for tool in found:
            if tool.name in tools:
                msg = f"two tools are named {tool.name}"
                raise BadTool(msg)
            tools[tool.name] = tool
    return list(tools.values())


def _public_functions(module: ModuleType) -> list[Callable[..., Any]]:
    return [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    ]


def from_function(function: Callable[..., Any]) -> Tool:
    """Return *function* as a tool.

    Raises:
        BadTool: it has no docstring, or a parameter whose type has no JSON schema.
    """
    name = function.__name__
    description = inspect.getdoc(function)
    if not description:
        msg = f"the function {name} has no docstring, which Claude would be told"
        raise BadTool(msg)
    parameters = inspect.signature(function).parameters.values()
    if untyped := [each.name for each in parameters if each.annotation is inspect.Parameter.empty]:
        msg = f"the parameter {untyped[0]} of {name} has no type hint"
        raise BadTool(msg)
    try:
        schema = TypeAdapter(function).json_schema()  # type: ignore[arg-type]  # a function will do
        validated = validate_call(function)
    except PydanticUserError as error:
        msg = f"the parameters of {name} have no JSON schema: {str(error).splitlines()[0]}"
        raise BadTool(msg) from error
    if schema.get("type") != "object":
        msg = f"the parameters of {name} cannot be given by name"
        raise BadTool(msg)

    async def run(given: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(function):
            return await validated(**given)
        return await asyncio.to_thread(validated, **given)

    return Tool(name, description, schema, run)


async def call(tool: Tool, given: dict[str, Any], timeout_s: float) -> Result:
    """Run *tool* on the input *given* and return its result, whatever happens."""
    try:
        async with asyncio.timeout(timeout_s):
            return _result(tool.name, await tool.run(given))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        )
        return _failed(f"The input does not fit the schema of {tool.name}: {wrong}")
    except TimeoutError:
        return _failed(f"{tool.name} did not answer within {timeout_s:g} seconds.")
    except Exception as error:  # noqa: BLE001 - whatever a tool does, Claude gets an answer
        # The trace alone: an exception's text may hold what somebody wrote.
        trace = "".join(traceback.format_tb(error.__traceback__))
        logger.warning("the tool %s failed with %s\n%s", tool.name, type(error).__name__, trace)
        return _failed(f"{tool.name} failed with {type(error).__name__}: {error}")


def _failed(text: str) -> Result:
    return Result(text[:MAX_ERROR_CHARACTERS], is_error=True)


def _result(name: str, value: Any) -> Result:
    content: str | list[dict[str, Any]]
    is_error = False
    match value:
        case Result():
            content, is_error = value.content, value.is_error
        case None:
            content = ""
        case str():
            content = value
        case bytes() | bytearray() | memoryview():
            return _failed(f"{name} returned bytes; it must return text or JSON.")
        case [{"type": str()}, *_]:
            content = value
        case _:
            try:
                content = orjson.dumps(value, default=_plain).decode()
            except TypeError:
                return _failed(f"{name} returned a {type(value).__name__}, which is not JSON.")
    size = len(content.encode("utf-8", "replace") if isinstance(content, str) else jsontext.render(content))
    if size > MAX_RESULT_BYTES:
        return _failed(
            f"{name} returned {size:,} bytes, more than the {MAX_RESULT_BYTES:,} that are passed on."
        )
    return Result(content, is_error)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError


class Toolbox:
    """The tools that are registered, by name."""

    def __init__(self, tools: Iterable[Tool], timeout_s: float) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._timeout_s = timeout_s

    def __contains__(self, name: object) -> bool:
        return name in self._tools

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
                msg = f"two tools are named {tool.name}"
                raise BadTool(msg)
            kept[tool.name] = replace(tool, source=source)
        self._tools = kept

    def listed(self) -> list[dict[str, str]]:
        """Return name and description of each."""
        return [{"name": tool.name, "description": tool.description} for tool in self._tools.values()]

    async def call(self, name: str, given: dict[str, Any]) -> Result:
        """Run the tool *name* and return its result, whatever happens."""
        tool = self._tools.get(name)
        if tool is None:
            return _failed(f"{name} is not offered any more.")
        return await call(tool, given, self._timeout_s)
