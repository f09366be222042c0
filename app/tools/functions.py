"""Python functions as tools: the schema comes from the type hints, the description from the docstring.

Every public function of a module that GATEWAY_TOOLS names is a tool. Plain functions run in threads, so that one
that blocks holds up nobody.
"""

import asyncio
import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from decimal import Decimal
from functools import partial, wraps
from threading import Thread
from types import ModuleType
from typing import Any

import orjson
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError, validate_call

from app.tools.registry import BadInput, BadTool, Result, Tool

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""What Claude takes as a tool's name (Claude's API reference, "Tool use")."""

MAX_THREADS = 64
"""Plain functions that run at once; further ones wait."""

BLOCKS: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "image": {"source": dict},
    "document": {"source": dict},
    "search_result": {"source": str, "title": str, "content": list},
    "tool_reference": {"tool_name": str},
}
"""Types of content blocks that Claude takes in a tool's result → the fields they must have."""


def from_modules(names: Iterable[str]) -> list[Tool]:
    """Return the tools of the modules *names*.

    Raises:
        BadTool: a module cannot be imported or has no tools, a function is not fit, or a name comes twice.
    """
    tools: dict[str, Tool] = {}
    threads = Threads(MAX_THREADS)
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            msg = f"the module {name} cannot be imported: {type(error).__name__}: {error}"
            raise BadTool(msg) from error
        found = [from_function(function, threads) for function in _public_functions(module)]
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


def from_function(function: Callable[..., Any], threads: "Threads") -> Tool:
    """Return *function* as a tool; it runs in *threads* unless it is async.

    Raises:
        BadTool: Claude would not take its name, it has no docstring, or a parameter has no type hint, or one
            that has no JSON schema.
    """
    name = function.__name__
    if not NAME.fullmatch(name):
        msg = f"the name {name!r} has characters that Claude does not take; letters, digits, _ and - will do"
        raise BadTool(msg)
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
        bind = validate_call(_arguments_of(function))
    except (PydanticUserError, NameError) as error:
        msg = f"the parameters of {name} have no JSON schema: {str(error).splitlines()[0]}"
        raise BadTool(msg) from error
    if schema.get("type") != "object":
        msg = f"the parameters of {name} cannot be given by name"
        raise BadTool(msg)

    async def run(given: dict[str, Any]) -> Result:
        try:
            positional, named = bind(**given)
        except ValidationError as error:
            raise BadInput(_wrong(error)) from None
        called = partial(function, *positional, **named)
        returned = called() if inspect.iscoroutinefunction(function) else threads.run(called)
        return _result(name, await returned)

    return Tool(name, description, schema, run)


def _arguments_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the arguments of *function* and gives them back, so that they can be validated alone."""

    @wraps(function)
    def arguments(*positional: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return positional, named

    return arguments


def _wrong(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    )


class Threads:
    """Runs functions in threads of their own, at most *limit* at once.

    The event loop's own pool is small, and others need it (to look up addresses); and a process waits for it
    before it ends. A function that never returns must keep nobody from either.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)

    async def run(self, function: Callable[[], Any]) -> Any:
        """Return what *function* returns or raise what it raises.

        A thread cannot be cancelled: who no longer waits gets nothing of it, and it counts until it ends.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Callable[[], Any]] = loop.create_future()
        context = copy_context()

        def end(outcome: Callable[[], Any]) -> None:
            self._free.release()
            if not ended.cancelled():
                ended.set_result(outcome)

        def work() -> None:
            outcome: Callable[[], Any]
            try:
                outcome = partial(_give, context.run(function))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                outcome = partial(_raise, error)
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(end, outcome)

        try:
            Thread(target=work, name="tool", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            self._free.release()
            raise
        return (await ended)()


def _give(value: Any) -> Any:
    return value


def _raise(error: BaseException) -> Any:
    raise error


def _result(name: str, value: Any) -> Result:
    """Return what Claude is given of *value*, which the function *name* returned."""
    match value:
        case None:
            return Result("")
        case str():
            return Result(value)
        case bytes() | bytearray() | memoryview():
            return Result(f"{name} returned bytes; it must return text or JSON.", is_error=True)
        case int():
            return Result(str(value).lower() if isinstance(value, bool) else str(value))
        case _:
            return _json(name, value)


def _json(name: str, value: Any) -> Result:
    try:
        text = orjson.dumps(value, default=_plain)
    except TypeError as error:
        said = f"{name} returned a {type(value).__name__} that is not JSON: {error}"
        return Result(said, is_error=True)
    if isinstance(value, list) and value and all(map(_is_block, value)):
        return Result(orjson.loads(text))
    return Result(text.decode())


def _is_block(value: Any) -> bool:
    fields = BLOCKS.get(str(value.get("type"))) if isinstance(value, dict) else None
    if fields is None:
        return False
    if not all(isinstance(value.get(name), kind) for name, kind in fields.items()):
        return False
    return value["type"] != "text" or bool(value["text"].strip())


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case set() | frozenset():
            return list(value)
        case Decimal():
            return str(value)
        case _:
            msg = f"there is a {type(value).__name__} in it"
            raise TypeError(msg)
