"""What a delta costs, counted: the same on every machine, so that what fails is a design and not a busy day.

Times are the benchmark's (``tests/bench``). Here are the things they depend on: reads, writes, encodings, what is
scheduled, and memory. What answers leave behind for the collector is counted in test_collector.py.
"""

import asyncio
import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import httpx2
import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.generation import Generation
from app.hub import Hub
from app.protocol import jsontext
from app.protocol import log as log_module
from app.protocol.claude import Translator
from app.protocol.deltas import Writer
from app.protocol.events import Event
from app.protocol.log import OVERHEAD_BYTES, Log
from app.protocol.sse import Decoder
from app.protocol.usage import Ledger
from app.upstream.exchange import Exchange
from app.web import wire
from tests.reading import Stream, ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, ending, frame, message_start, saying, text_block

DELTAS = 40

PARTS = (
    "app",
    "anthropic",
    "fastapi",
    "httpx2",
    "limits",
    "prometheus_client",
    "pydantic",
    "starlette",
    "uvicorn",
)
"""Packages whose code nothing but the gateway runs in these tests."""

OF_A_STREAM = ("Generation._run", "RequestResponseCycle.run_asgi")
"""What the tasks of an answer and of its readers run."""


class Paced:
    """A Claude that says a delta when it is told to, each in a read of its own."""

    def __init__(self) -> None:
        self.gates = [asyncio.Event() for _ in range(DELTAS)]
        self.ended = asyncio.Event()

    def script(self, _: Any) -> Iterator[Any]:
        first, *deltas, last = text_block(*(f"{n} " for n in range(DELTAS)))
        yield from (message_start(), first)
        for gate, delta in zip(self.gates, deltas, strict=True):
            yield gate
            yield delta
        yield self.ended
        yield from (last, *ending())


@asynccontextmanager
async def counting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter[str]]:
    """Count what the gateway does while the context is open."""
    counts: Counter[str] = Counter()
    loop = asyncio.get_running_loop()

    def count(owner: Any, name: str, as_what: str) -> None:
        before = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[as_what] += owner is not loop or any(map(_is_the_gateways, args))
            return before(*args, **kwargs)

        patch.setattr(owner, name, counted)

    def count_wake_ups() -> None:
        call_soon = loop.call_soon

        def counted(callback: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(task := getattr(callback, "__self__", None), asyncio.Task):
                name = getattr(task.get_coro(), "__qualname__", "")
                counts[f"wake-ups of {name}"] += name in OF_A_STREAM
            return call_soon(callback, *args, **kwargs)

        patch.setattr(loop, "call_soon", counted)

    with monkeypatch.context() as patch:
        count(Exchange, "data_received", "reads")
        count(RequestResponseCycle, "send", "writes")
        count(wire, "_write", "writes")
        count(log_module, "render", "encodings")
        count(Writer, "frame", "encodings")
        count(log_module.Log, "append", "appends")
        count(log_module.Log, "add", "appends")
        count(loop, "create_task", "tasks")
        count(loop, "call_at", "timers")
        count_wake_ups()
        yield counts


def _is_the_gateways(argument: Any) -> bool:
    """Say whether *argument*, of what schedules something, is code of the gateway's rather than of the test's."""
    code = getattr(argument, "cr_code", None) or getattr(
        getattr(argument, "__func__", argument), "__code__", None
    )
    return code is not None and "app" in Path(code.co_filename).parts


async def _pace(paced: Paced, readers: list[Stream], first: int, last: int) -> None:
    for n in range(first, last):
        paced.gates[n].set()
        for reader in readers:
            assert (await reader.next("text"))["text"] == f"{n} "


@pytest.mark.parametrize("others", [0, 9])
async def test_a_delta_is_one_read_one_encoding_and_one_write_for_each_reader_and_wakes_no_task(
    others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced = Paced()
    async with (
        counting(monkeypatch) as counts,
        ScriptedClaude(paced.script) as claude,
        serving(claude.url) as gateway,
    ):
        first = await gateway.stream(ask("x"))
        readers = [first, *[await gateway.resume(first.id) for _ in range(others)]]
        await _pace(paced, readers, 0, 5)
        assert counts["tasks"]  # it counts
        assert counts["timers"]
        assert all(counts[f"wake-ups of {name}"] for name in OF_A_STREAM)
        counts.clear()
        await _pace(paced, readers, 5, DELTAS)
        n = DELTAS - 5
        expected = {"reads": n, "appends": n, "encodings": n, "writes": n * len(readers)}
        assert +counts == expected
        paced.ended.set()
        for reader in readers:
            await reader.rest()


async def test_what_comes_together_is_one_ring_one_encoding_and_one_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = asyncio.Event()
    first, *deltas, last = text_block(*(f"{n} " for n in range(500)))

    def script(_: Any) -> Iterator[Any]:
        yield message_start() + first + deltas[0]
        yield go_on
        yield b"".join(deltas[1:])
        yield last + b"".join(ending())

    async with (
        counting(monkeypatch) as counts,
        ScriptedClaude(script) as claude,
        serving(claude.url) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.next("text")
        counts.clear()
        go_on.set()
        await stream.rest()
    assert stream.text == "".join(f"{n} " for n in range(500))
    most = counts["reads"] + 1  # the end is told by the generation's own task
    assert counts["appends"] <= most
    assert counts["writes"] <= most
    assert counts["encodings"] < 20


async def test_a_short_answer_takes_one_task_beside_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        counting(monkeypatch) as counts,
        ScriptedClaude(lambda _: saying("one")) as claude,
        serving(claude.url) as gateway,
    ):
        await (await gateway.stream(ask("x"))).rest()
        counts.clear()
        stream = await gateway.stream(ask("x"))
        await stream.rest()
    assert stream.text == "one"
    assert counts["tasks"] == 1
    # Its head, what it says and its end, each as it comes: the scripted Claude writes them one by one.
    assert counts["writes"] <= counts["appends"] + 2


@pytest.mark.parametrize(
    ("headers", "how"),
    [({}, ["render"]), ({"Idempotency-Key": "k"}, ["canonical", "render"])],
    ids=["plain", "with a key"],
)
async def test_a_question_is_rendered_once_and_once_more_for_its_key(
    headers: dict[str, str], how: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []

    def counted(name: str) -> Callable[[Any], bytes]:
        render: Callable[[Any], bytes] = getattr(jsontext, name)

        def rendering(value: Any) -> bytes:
            if isinstance(value, dict) and "messages" in value:
                rendered.append(name)
            return render(value)

        return rendering

    async with ScriptedClaude(lambda _: saying("one")) as claude, serving(claude.url) as gateway:
        with monkeypatch.context() as patch:
            for name in ("render", "canonical"):
                patch.setattr(jsontext, name, counted(name))
            await (await gateway.stream(ask("x"), headers=headers)).rest()
    assert sorted(rendered) == how


async def test_the_first_answer_waits_for_no_certificates_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    create = httpx2.create_ssl_context

    def creating(*args: Any, **kwargs: Any) -> Any:
        nonlocal read
        read += 1
        return create(*args, **kwargs)

    monkeypatch.setattr(httpx2, "create_ssl_context", creating)
    async with ScriptedClaude(lambda _: saying("one")) as claude, serving(claude.url) as gateway:
        at_start = read
        await (await gateway.stream(ask("x"))).rest()
    assert at_start
    assert read == at_start


async def test_readers_are_sent_the_end_before_the_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    send, report = RequestResponseCycle.send, Hub._report

    async def sending(cycle: RequestResponseCycle, message: Any) -> None:
        await send(cycle, message)
        if b"[DONE]" in message.get("body", b""):
            told.append("readers")

    def reporting(hub: Hub, generation: Generation) -> None:
        told.append("operator")
        report(hub, generation)

    monkeypatch.setattr(RequestResponseCycle, "send", sending)
    monkeypatch.setattr(Hub, "_report", reporting)
    async with (
        ScriptedClaude(lambda _: [b"".join(saying("one"))]) as claude,
        serving(claude.url) as gateway,
    ):
        await (await gateway.stream(ask("x"))).rest()
    assert told == ["readers", "operator"]


async def test_a_short_answer_costs_no_more_calls_than_it_did() -> None:
    """Of functions in Python, the libraries' included: nearly all of a stream's fixed cost is spread over them.

    What else runs now and then (a lag probe, finalizers of what was collected) is not in the least of several counts.
    """
    counts: list[int] = []

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").partition(".")[0] in PARTS:
            counts[-1] += 1

    async with (
        ScriptedClaude(lambda _: [b"".join(saying("one"))]) as claude,
        serving(claude.url) as gateway,
    ):
        await (await gateway.stream(ask("x"))).rest()  # what is made on first use
        for _ in range(5):
            counts.append(0)
            sys.setprofile(count)
            try:
                await (await gateway.stream(ask("x"))).rest()
            finally:
                sys.setprofile(None)
    assert 400 < min(counts) < 665, counts


def _relay(pieces: list[bytes]) -> Log:
    """Return the log of what *pieces* say, taken as the gateway takes them."""
    decoder, translator, log = Decoder(), Translator(Ledger(), lambda: 0), Log(10**9)
    for piece in pieces:
        events: list[Event] = []
        for each in decoder.feed(piece):
            events += translator.feed(each)
        if events:
            log.append(*events)
    return log


T = TypeVar("T")


def _memory(work: Callable[[], T]) -> tuple[int, int, T]:
    """Return the bytes that *work* keeps, those it needs at most meanwhile, and what it returns."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        done = work()
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before, peak - before, done


async def test_while_it_is_answered_a_question_is_held_once() -> None:
    size, ends = 4_000_000, asyncio.Event()

    async def stream(gateway: Gateway) -> Stream:
        stream = await gateway.stream(ask("x" * size))
        await stream.next("text")
        gc.collect()
        return stream

    async with (
        ScriptedClaude(lambda _: [message_start(), *text_block("one"), ends, *ending()]) as claude,
        serving(claude.url) as gateway,
    ):
        first = await stream(gateway)
        tracemalloc.start()
        try:
            second = await stream(gateway)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        ends.set()
        for each in (first, second):
            await each.rest()
    assert 2 * size < kept < 2.5 * size  # the Claude of this test holds it too, as it came


def test_a_delta_keeps_no_more_memory_than_its_log_says() -> None:
    start, *deltas, stop = text_block(*(f"{n:04} and more" for n in range(2000)))
    kept, _, log = _memory(lambda: _relay([message_start() + start, *deltas, stop]))
    assert len(log) > 2000
    assert kept <= log.bytes
    assert kept / 2000 < OVERHEAD_BYTES + len(
        'id: 1-1000\ndata: {"type":"text","text":"1000 and more","index":0}\n\n'
    )


def test_a_frame_of_two_megabytes_is_copied_a_few_times_only() -> None:
    result = b'{"type":"web_search_tool_result","tool_use_id":"x","content":"%b"}' % (b"abc " * 500_000)
    start = b'data: {"type":"content_block_start","index":0,"content_block":%b}\n\n' % result
    whole = start + frame("content_block_stop", index=0)
    size = len(whole)
    pieces = [whole[at : at + 65536] for at in range(0, size, 65536)]
    kept, _, log = _memory(lambda: _relay([message_start(), *pieces]))
    assert len(log.slice(len(log) - 2)[0]) > 2_000_000
    assert kept < 1.1 * size  # the frame that readers get
    assert kept < 1.1 * log.bytes
    decoder = Decoder()
    _, peak, _ = _memory(lambda: [decoder.feed(piece) for piece in pieces])
    assert peak < 4.5 * size


def test_what_a_frame_costs_does_not_depend_on_how_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0

    class Counted(bytearray):
        def find(self, sub: Any, start: Any = 0, *end: Any) -> int:
            nonlocal searched
            searched += len(self) - start
            return super().find(sub, start, *end)

    whole = frame("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 200_000})
    for size in (100, 1000, 200_000):
        searched = 0
        decoder = Decoder()
        monkeypatch.setattr(decoder, "_buffer", Counted())
        frames = [each for at in range(0, len(whole), size) for each in decoder.feed(whole[at : at + size])]
        assert len(frames) == 1
        assert searched < 1.1 * len(whole)
