"""A Python function is a tool: its schema, its input, where it runs, and what becomes of whatever it does."""

import asyncio
import itertools
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from app.tools.functions import Threads, from_function, from_modules
from app.tools.registry import BadTool, Toolbox
from tests import kit
from tests.patient import time_flies

KIT = ("tests.kit",)


def toolbox(*functions: Callable[..., Any], timeout_s: float = 5, threads: int = 64) -> Toolbox:
    shared = Threads(threads)
    return Toolbox([from_function(each, shared) for each in functions], timeout_s)


async def called(function: Callable[..., Any], /, timeout_s: float = 5, **given: Any) -> tuple[Any, bool]:
    result = await toolbox(function, timeout_s=timeout_s).call(function.__name__, given)
    return result.content, result.is_error


# What it returns


@dataclass
class River:
    """What tools return and Claude reads as JSON."""

    name: str
    type: str = "river"


class Place(BaseModel):
    city: str


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        ("half a character: \udcff", "half a character: \ufffd"),
        (None, ""),
        (True, "true"),
        (10**30, "1" + "0" * 30),
        (Place(city="Łódź"), '{"city":"Łódź"}'),
        ([River("Wisła")], '[{"name":"Wisła","type":"river"}]'),
        # Records that only look like Claude's blocks are data: sent as blocks, they would be a 400 for the whole answer.
        ([{"type": "river", "name": "Wisła"}], '[{"type":"river","name":"Wisła"}]'),
        ([{"type": "text", "text": " "}], '[{"type":"text","text":" "}]'),
        ([{"type": "image", "source": "a.png"}], '[{"type":"image","source":"a.png"}]'),
        ([{"type": "text", "text": "a"}, {"type": "river"}], '[{"type":"text","text":"a"},{"type":"river"}]'),
        ([{"type": "text", "text": "a picture"}], [{"type": "text", "text": "a picture"}]),
        # In blocks too there may be what JSON has no word for.
        (
            [
                {
                    "type": "text",
                    "text": "a",
                    "citations": {"b"},
                    "cost": Decimal("1.10"),
                    "of": Place(city="Łódź"),
                }
            ],
            [{"type": "text", "text": "a", "citations": ["b"], "cost": "1.10", "of": {"city": "Łódź"}}],
        ),
        ([], "[]"),
        ({"price": Decimal("1.10"), "tags": {"a"}}, '{"price":"1.10","tags":["a"]}'),
    ],
)
async def test_what_a_function_returns_is_text_json_or_blocks(value: Any, content: Any) -> None:
    def give() -> Any:
        """Give it."""
        return value

    assert await called(give) == (content, False)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"\x00", "bytes"),
        (object(), "object"),
        pytest.param("x" * 300_000, "300,000 bytes", id="long"),
        pytest.param("ż" * 200_000, "400,000 bytes", id="long in bytes"),
        (itertools.repeat("x"), "repeat"),
        ({"endless": itertools.count()}, "count"),
        ([{"type": "text", "text": "a\udcff"}], "surrogates"),
    ],
)
async def test_what_claude_could_not_take_is_an_error_it_can_read(value: Any, says: str) -> None:
    def give() -> Any:
        """Give it."""
        return value

    content, is_error = await called(give)
    assert is_error
    assert says in content


async def test_a_generator_that_never_ends_is_not_read() -> None:
    async def drip() -> AsyncIterator[str]:
        """Drip."""
        while True:
            yield "x"

    def flow() -> Iterator[str]:
        """Flow."""
        while True:
            yield "x"

    assert "async_generator" in (await called(drip))[0]
    assert "generator" in (await called(flow))[0]


# What it is given


async def test_defaults_and_models_are_made_of_the_input() -> None:
    assert (await Toolbox(from_modules(KIT), 5).call("where", {"place": {"city": "Łódź"}})).content == (
        '{"city":"Łódź","country":"PL"}'
    )


@pytest.mark.parametrize("given", [[1], "a", 5, None])
async def test_input_that_is_no_object_is_an_error(given: Any) -> None:
    result = await Toolbox(from_modules(KIT), 5).call("add", given)
    assert result.is_error
    assert "object" in str(result.content)


async def test_a_validation_that_fails_inside_the_function_is_not_blamed_on_the_input(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ask_elsewhere(city: str) -> int:
        """Ask elsewhere."""
        return TypeAdapter(int).validate_python(f"not a number from {city}")

    content, is_error = await called(ask_elsewhere, city="Gdynia")
    assert is_error
    assert "schema" not in content
    assert "ValidationError" in content
    assert "ask_elsewhere failed with ValidationError" in caplog.text
    assert "Gdynia" not in caplog.text


# What it does


def leave() -> None:
    """Leave."""
    sys.exit(3)


async def leave_at_once() -> None:
    """Leave at once."""
    sys.exit(3)


def run_out() -> str:
    """Run out."""
    return next(iter(()))


async def cancel_itself() -> None:
    """Cancel itself."""
    raise asyncio.CancelledError


class Speechless(Exception):
    def __str__(self) -> str:
        raise self


async def fail_without_words() -> None:
    """Fail without words."""
    raise Speechless


async def time_out_inside() -> None:
    """Time out inside."""
    raise TimeoutError("of its own")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (leave, "SystemExit: 3"),
        (leave_at_once, "SystemExit: 3"),
        (run_out, "StopIteration"),
        (cancel_itself, "given up"),
        (time_out_inside, "TimeoutError: of its own"),
        (fail_without_words, "fail_without_words failed with Speechless"),
    ],
)
async def test_a_function_that_ends_oddly_takes_nobody_with_it(
    function: Callable[..., Any], says: str
) -> None:
    content, is_error = await called(function)
    assert is_error
    assert says in content


async def test_a_function_that_will_not_be_cancelled_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tools.registry.LET_GO_S", 0.05)
    gate = asyncio.Event()

    async def cling() -> str:
        """Cling."""
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return "at last"

    content, is_error = await called(cling, timeout_s=0.05)
    assert is_error
    assert "within 0.05 seconds" in content
    assert "tool cling goes on although it was cancelled" in caplog.text
    gate.set()


async def test_plain_functions_run_in_threads() -> None:
    assert (await Toolbox(from_modules(KIT), 5).call("thread_name", {})).content == "tool"


async def test_plain_functions_that_never_return_keep_no_other_and_no_lookup_waiting() -> None:
    gate = threading.Event()

    def block() -> str:
        """Block."""
        gate.wait()
        return "late"

    def answer() -> str:
        """Answer."""
        return "here"

    # More than the loop's own pool has threads on any machine.
    tools = toolbox(block, answer, timeout_s=20, threads=41)
    try:
        async with time_flies():
            stuck = await asyncio.gather(*(tools.call("block", {}) for _ in range(40)))
        assert all(result.is_error for result in stuck)
        assert (await tools.call("answer", {})).content == "here"
        await asyncio.to_thread(str)  # where addresses are looked up
        assert all(thread.daemon for thread in threading.enumerate() if thread.name == "tool")
    finally:
        gate.set()


async def test_threads_are_bounded_and_free_again_when_their_function_has_returned() -> None:
    gate, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def block() -> str:
        """Block."""
        loop.call_soon_threadsafe(begun.set)
        gate.wait()
        return "through"

    tools = toolbox(block, threads=2)
    calls = [asyncio.ensure_future(tools.call("block", {})) for _ in range(5)]
    await begun.wait()
    assert [thread.name for thread in threading.enumerate()].count("tool") == 2
    gate.set()
    assert [result.content for result in await asyncio.gather(*calls)] == ["through"] * 5


# What cannot be a tool


def undocumented(a: int) -> int:
    return a


def untyped(a) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Have no type."""
    return int(a)


def unfit(a: asyncio.Event) -> None:
    """Take what is no JSON."""


def unknown(a: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Take what nobody knows."""


def by_place(a: int, /) -> None:
    """Take it by its place."""


def pogoda_w_łodzi() -> None:
    """Have a name that Claude does not take."""


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (undocumented, "docstring"),
        (untyped, "type hint"),
        (unfit, "schema"),
        (unknown, "Nowhere"),
        (by_place, "by name"),
        (pogoda_w_łodzi, "letters"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_with_the_reason(
    function: Callable[..., Any], says: str
) -> None:
    with pytest.raises(BadTool, match=says):
        from_function(function, Threads(1))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("nothing = 1", "no public functions"),
        ("def add(a: int) -> int:\n    'Add.'\n    return a", "two tools are named add"),
    ],
)
def test_a_module_that_cannot_be_used_is_refused_by_name(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_tools.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_tools", raising=False)
    with pytest.raises(BadTool, match=says):
        from_modules([*KIT, "their_tools"])


def test_only_public_functions_of_the_module_itself_are_tools() -> None:
    names = {tool.name for tool in from_modules(KIT)}
    assert {"add", "wait_for"} <= names
    assert not {"_private", "Field", "Place"} & names
    assert kit._private() == "no tool"
