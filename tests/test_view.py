"""One reader's own view: fewer events, or deltas joined by sentence or by time, and never another text."""

import asyncio

import pytest

from tests.reading import ask
from tests.running import serving
from tests.scripted import ScriptedClaude, ending, message_start, saying, text_block, thinking_block

PIECES = ["Hel", "lo wor", "ld. How a", "re", " you? 3.", "14 is p", "i.\n", "好吗？好", "。\n\n", "The end"]
TEXT = "".join(PIECES)


@pytest.mark.parametrize("events", [["text"], ["text", "done"]])
async def test_a_reader_gets_only_the_events_it_asks_for(events: list[str]) -> None:
    script = [message_start(), *thinking_block("hm"), *text_block("a", "b", index=1), *ending()]
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x", events=events))).rest()
        path = f"/api/chat/{stream.id}/stream?events={','.join(events)}"
        again = await (await gateway.stream(method="GET", path=path)).rest()
        path = f"/api/chat/{stream.id}/stream?{'&'.join(f'events={event}' for event in events)}"
        one_by_one = await (await gateway.stream(method="GET", path=path)).rest()
    assert stream.text == again.text == "ab"
    assert one_by_one.events == again.events
    assert {event["type"] for event in stream.events} == set(events)
    assert stream.done == again.done == 1


async def test_an_error_always_comes() -> None:
    script = saying("a")[:3]
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url, on_break="error") as gateway:
        stream = await (await gateway.stream(ask("x", events=["text"]))).rest()
    assert [event["type"] for event in stream.events] == ["text", "error"]


async def test_by_sentence_each_piece_of_text_is_a_sentence() -> None:
    async with ScriptedClaude(lambda _: saying(*PIECES)) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x", buffer="sentence"))).rest()
        pieces = "".join(event["text"] for event in stream.of("text"))
    assert pieces == TEXT
    for event in stream.of("text")[:-1]:
        assert event["text"].rstrip()[-1:] in (".", "?", "？", "。", ""), event


async def test_a_reader_by_sentence_that_is_cut_anywhere_goes_on_with_the_next_character() -> None:
    gates = [asyncio.Event() for _ in PIECES]
    frames = saying(*PIECES)
    steps = (
        frames[:2] + [step for pair in zip(gates, frames[2:], strict=False) for step in pair] + frames[12:]
    )
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x", buffer="sentence", events=["text"]))
        for gate in gates:
            gate.set()
        await stream.rest()
        for last_id in stream.ids[:-1]:
            seen = "".join(stream.events[n]["text"] for n in range(stream.ids.index(last_id) + 1))
            for view in ("?buffer=sentence", "", "?buffer=20"):
                path = f"/api/chat/{stream.id}/stream{view}"
                rest = await (
                    await gateway.stream(method="GET", path=path, headers={"Last-Event-ID": last_id})
                ).rest()
                assert seen + rest.text == TEXT


async def test_by_time_deltas_are_joined_and_nothing_is_lost() -> None:
    gate = asyncio.Event()
    frames = saying(*PIECES)
    steps = [*frames[:6], gate, *frames[6:]]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x", buffer={"every_ms": 20}))
        await stream.until_text(len("".join(PIECES[:4])))
        gate.set()
        await stream.rest()
    assert stream.text == TEXT
    assert len(stream.of("text")) < len(PIECES)
    assert stream.terminal["type"] == "done"
