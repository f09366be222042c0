"""The network to Claude breaks, or Claude does: the answer is the same, and asked for no oftener than needed."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import pytest

from tests.faults.rig import PIECES, Rig, cut, part, rest, rigged, said, whole
from tests.reading import Stream, ask
from tests.scripted import (
    Answer,
    Call,
    Ending,
    Script,
    block,
    ending,
    frame,
    message_start,
    refusing,
    saying,
    text_block,
    thinking_block,
)

OVERLOADED = frame("error", error={"type": "overloaded_error", "message": "Overloaded"})

SHORT = PIECES[:8]

pytestmark = pytest.mark.usefixtures("impatient")


def first(answer: Answer, then: Script = rest) -> Script:
    """Return a script whose first call is answered with *answer* and the others by *then*."""
    calls: Iterator[Answer | None] = iter([answer])
    return lambda call: then(call) if (given := next(calls, None)) is None else given


async def read(rig: Rig, **fields: Any) -> Stream:
    return await (await rig.client.stream(ask("x", **fields))).rest()


# Before content


async def test_a_claude_that_refuses_connections_for_a_moment_is_waited_for() -> None:
    async with rigged(rest, retries=10_000) as rig:
        await rig.behind.refuse()
        stream = await rig.client.stream(ask("x"))
        await stream.next("retry")
        rig.behind.accept()
        whole(await stream.rest())
        assert len(rig.claude.calls) == 1


async def test_a_connection_that_breaks_before_the_answers_first_byte_is_not_noticed() -> None:
    async with rigged(rest) as rig:
        rig.behind.down.cut("reset", times=2)
        stream = await read(rig)
        whole(stream)
        assert [event["attempt"] for event in stream.of("retry")] == [2, 3]
        assert not stream.of("seam")
        assert len(rig.claude.calls) <= 3


async def test_a_question_that_reaches_claude_in_part_is_asked_again() -> None:
    async with rigged(rest) as rig:
        rig.behind.up.cut("reset", after=100, times=1)
        whole(await read(rig))
        assert len(rig.claude.calls) == 1


async def test_a_kept_connection_that_claude_has_closed_meanwhile_costs_no_answer() -> None:
    async with rigged(rest) as rig:
        whole(await read(rig))
        rig.behind.end("reset")
        whole(await read(rig))
        assert len(rig.claude.calls) == 2


@pytest.mark.parametrize(
    ("headers", "least_ms"),
    [
        ({"retry_after_ms": "120"}, 120),
        ({"retry_after": "0.12"}, 120),
        ({"retry_after": "in a while"}, 0),
        ({"retry_after": "-1"}, 0),
        ({"retry_after": "inf"}, 0),
        ({"retry_after": "nan"}, 0),
        ({"retry_after": "1e99"}, 0),
        ({"retry_after_ms": "inf", "retry_after": "Thu, 01 Jan 9999999999999 00:00:00 GMT"}, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [429, 529])
async def test_what_claude_asks_to_wait_is_waited(
    status: int, headers: dict[str, str], least_ms: int
) -> None:
    moments: list[float] = []

    def script(call: Call) -> Answer:
        moments.append(asyncio.get_running_loop().time())
        return refusing(status, "x_error", **headers) if len(moments) == 1 else rest(call)

    async with rigged(script) as rig:
        stream = await read(rig)
    whole(stream)
    (retry,) = stream.of("retry")
    assert retry["delay_ms"] >= least_ms
    assert (moments[1] - moments[0]) * 1000 >= least_ms


async def test_a_date_to_wait_for_is_waited_for() -> None:
    async with rigged(lambda _: refusing(529, "overloaded_error", retry_after=_in_a_minute())) as rig:
        answer = await rig.client.request("POST", "/api/chat", ask("x"))
    assert answer.status == 529
    assert 50 < int(answer.headers["retry-after"]) <= 60
    assert len(rig.claude.calls) == 1


def _in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


async def test_tries_before_content_are_bounded_whatever_breaks() -> None:
    kinds: list[Answer] = [
        refusing(529, "overloaded_error"),
        [OVERLOADED],
        [message_start(), Ending.RESET],
        [Ending.CLOSE],
    ]
    calls = iter(kinds)
    async with rigged(lambda _: next(calls)) as rig:
        stream = await read(rig)
        assert len(rig.claude.calls) == 4  # the first and GATEWAY_RETRIES
    told = [event["type"] for event in stream.events if event["type"] != "usage"]
    assert told == ["start", "retry", "retry", "retry", "error"]
    assert stream.terminal["error"]["retryable"] is True
    assert stream.done == 1


# After content


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_wherever_the_connection_breaks_the_text_is_the_same(how: Literal["reset", "close"]) -> None:
    """Cut after each N bytes of HTTP: in heads, in chunk sizes, inside characters, between frames."""
    async with rigged(lambda call: rest(call, SHORT)) as rig:
        await read(rig)
        size = rig.behind.down.bytes
        rig.behind.end("close")
        await rig.at_rest()
        for after in range(0, size, 7):
            had = len(rig.claude.calls)
            rig.behind.down.cut(how, after=after, times=1)
            stream = await read(rig)
            rig.behind.heal()
            whole(stream, full="".join(SHORT))
            assert len(rig.claude.calls) - had <= 2, after


@pytest.mark.parametrize("how", [Ending.RESET, Ending.CLOSE, OVERLOADED], ids=str)
async def test_wherever_an_answer_with_thinking_breaks_its_text_is_the_same(how: Any) -> None:
    def frames(call: Call) -> list[bytes]:
        text = "".join(SHORT)[len(said(call)) :]
        return [
            message_start(),
            *thinking_block("hm, ", "well", signature=f"sig{len(said(call))}"),
            *text_block(*cut(text, map(len, SHORT)), index=1),
            *ending(),
        ]

    at = {"frame": 0}
    count = 1 + 5 + 2 + len(SHORT) + 2
    had = 0

    def script(call: Call) -> Answer:
        return [*frames(call)[: at["frame"]], how] if len(rig.claude.calls) == had + 1 else frames(call)

    async with rigged(script) as rig:
        for at["frame"] in range(count):
            had = len(rig.claude.calls)
            stream = await read(rig)
            snapshot = (await rig.client.request("GET", f"/api/chat/{stream.id}")).json
            whole(stream, full="".join(SHORT))
            assert len(rig.claude.calls) - had == (1 if at["frame"] == count - 1 else 2)
            content = snapshot["turns"][0]["content"]
            assert [each["type"] for each in content] == ["thinking", "text"], at
            assert content[0]["thinking"] == "hm, well"
            assert content[1]["text"] == "".join(SHORT)


async def test_wherever_a_call_of_the_clients_breaks_it_is_made_once_or_not_at_all() -> None:
    call_block = {"type": "tool_use", "name": "find", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"q', '": "é', '🌍"}')]
    had = 0
    at = 0

    def script(call: Call) -> Answer:
        text = "Let me look. "
        talk = [] if said(call) == text else text_block(text)
        index = 1 if talk else 0
        id_ = f"t{len(rig.claude.calls)}"
        frames = [
            message_start(),
            *talk,
            *block(index, {**call_block, "id": id_}, *deltas),
            *ending("tool_use"),
        ]
        return [*frames[:at], Ending.RESET] if len(rig.claude.calls) == had + 1 else frames

    async with rigged(script) as rig:
        tools = [{"name": "find", "input_schema": {"type": "object"}}]
        for at in range(12):
            had = len(rig.claude.calls)
            stream = await read(rig, tools=tools)
            void = {index for event in stream.of("retry") for index in event["discard"]}
            calls = [event for event in stream.of("tool_use") if event["index"] not in void]
            assert stream.done == 1
            assert stream.text == "Let me look. "
            assert [each["input"] for each in calls] == [{"q": "é🌍"}], at
            assert len(rig.claude.calls) - had <= 2
            if stream.terminal["type"] == "error":
                assert stream.terminal["error"]["retryable"] is True


@pytest.mark.parametrize("overlap", [8, 20, 60])
async def test_a_break_inside_what_a_continuation_repeats_doubles_nothing(overlap: int) -> None:
    """The repetition has been held back when the connection breaks again: none of it is news."""

    def script(call: Call) -> Answer:
        match len(rig.claude.calls):
            case 1:
                return [*saying(*PIECES)[:42], Ending.RESET]
            case 2:
                return [*rest(call, overlap=overlap)[:3], Ending.RESET]
            case _:
                return rest(call)

    async with rigged(script) as rig:
        whole(await read(rig))
        assert len(rig.claude.calls) == 3


async def test_a_repetition_that_comes_slowly_is_left_out_too() -> None:
    """What repeats the text before the break is no news, however long the rest of the repetition takes."""
    slowly = asyncio.Event()

    def script(call: Call) -> Answer:
        if len(rig.claude.calls) == 1:
            return [*saying(*PIECES)[:42], Ending.RESET]
        frames = rest(call, overlap=80)
        return [*frames[:10], slowly, *frames[10:]]

    async with rigged(script, ping_interval=0.1) as rig:
        stream = await rig.client.stream(ask("x"))
        await rig.claude.until_called(2)
        pings = len(stream.comments)
        while len(stream.comments) < pings + 3:  # so Claude's pause has lasted, and was borne
            assert await stream._read()
        slowly.set()
        whole(await stream.rest())
        assert len(rig.claude.calls) == 2


async def test_the_last_continuation_too_may_lack_its_last_frame() -> None:
    def script(call: Call) -> Answer:
        return [*saying(*PIECES)[:42], Ending.RESET] if len(rig.claude.calls) == 1 else rest(call)[:-1]

    async with rigged(script, continuations=1) as rig:
        whole(await read(rig))
        assert len(rig.claude.calls) == 2


async def test_where_no_text_goes_on_there_is_no_seam() -> None:
    call = block(1, {"type": "tool_use", "id": "t1", "name": "look", "input": {}})
    goes_on = [message_start(), *thinking_block("hm"), *call, *ending("tool_use")]
    async with rigged(first([*saying("one")[:-3], Ending.RESET], lambda _: goes_on)) as rig:
        stream = await read(rig)
        snapshot = await rig.client.request("GET", f"/api/chat/{stream.id}")
    assert stream.of("retry")
    assert not stream.of("seam")
    assert sorted(event["index"] for event in stream.of("block_stop")) == [0, 1, 2]
    [turn] = snapshot.json["turns"]
    assert [each["type"] for each in turn["content"]] == ["text", "tool_use"]


async def test_every_text_is_stopped_however_often_the_answer_breaks_and_whatever_comes_between() -> None:
    search = block(0, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}})
    found = block(1, {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []})
    answers: Iterator[Answer] = iter(
        [
            [*saying("one")[:-3], Ending.RESET],
            [message_start(), *search, *found, *text_block("two", index=2)[:-1], Ending.CLOSE],
            saying("three"),
        ]
    )
    async with rigged(lambda _: next(answers)) as rig:
        stream = await read(rig)
    assert sorted(event["index"] for event in stream.of("block_stop")) == [0, 1, 2, 3]
    assert [event["index"] for event in stream.of("text")] == [0, 3, 3]
    assert stream.text == "onetwothree"


async def test_a_key_whose_answer_failed_after_a_block_was_shown_is_not_billed_again() -> None:
    hidden = block(0, {"type": "redacted_thinking", "data": "x"})
    key = {"Idempotency-Key": "k"}
    async with rigged(lambda _: [message_start(), *hidden, Ending.RESET], on_break="error") as rig:
        one = await (await rig.client.stream(ask("x"), headers=key)).rest()
        two = await (await rig.client.stream(ask("x"), headers=key)).rest()
        assert one.of("block")
        assert one.terminal["error"]["retryable"] is True
        assert two.id == one.id
        assert len(rig.claude.calls) == 1


async def test_an_overloaded_claude_in_the_middle_is_an_error_where_joints_are_not_wanted() -> None:
    async with rigged(lambda _: [*saying(*PIECES)[:42], OVERLOADED, Ending.STALL], on_break="error") as rig:
        stream = await read(rig)
        await rig.claude.calls[0].closed.wait()
        assert rig.claude.calls[0].aborted
        assert len(rig.claude.calls) == 1
    part(stream)
    assert stream.text == "".join(PIECES[:40])
    assert stream.terminal["error"] == {
        "type": "overloaded_error",
        "message": "Overloaded",
        "retryable": True,
    }


# Silence


async def test_silence_in_the_network_to_claude_is_noticed_and_readers_hear_keep_alives_meanwhile() -> None:
    async with rigged(rest, stall_timeout=0.3, ping_interval=0.05) as rig:
        stream = await rig.client.stream(ask("warm"))
        await stream.rest()
        rig.behind.down.stall(after=2500, times=1)
        stream = await rig.client.stream(ask("x"))
        await stream.next("text")
        before = len(stream.comments)
        await stream.rest()
        whole(stream)
        assert len(stream.comments) - before >= 3
        assert len(stream.of("retry")) == 1
        assert len(rig.claude.calls) == 3


async def test_a_claude_that_only_pings_is_given_twice_the_time_and_then_asked_again() -> None:
    moments: list[float] = []

    def pinging(call: Call) -> Iterator[Any]:
        loop = asyncio.get_running_loop()
        moments.append(loop.time())
        yield from saying(*PIECES)[:22]
        while not call.aborted:
            yield frame("ping")
            tick = asyncio.Event()
            loop.call_later(0.02, tick.set)
            yield tick

    def script(call: Call) -> Answer:
        if len(rig.claude.calls) == 1:
            return pinging(call)
        moments.append(asyncio.get_running_loop().time())
        return rest(call)

    async with rigged(script, stall_timeout=0.2) as rig:
        stream = await read(rig)
        whole(stream)
        assert rig.claude.calls[0].aborted
    assert 0.4 <= moments[1] - moments[0] < 4


async def test_silence_before_the_first_byte_is_a_retry() -> None:
    async with rigged(first([Ending.STALL]), stall_timeout=0.2) as rig:
        stream = await read(rig)
        whole(stream)
        assert not stream.of("seam")
        assert rig.claude.calls[0].aborted
        assert len(rig.claude.calls) == 2


# Slices


async def test_bytes_that_come_one_by_one_make_the_same_text() -> None:
    async with rigged(lambda call: rest(call, SHORT)) as rig:
        rig.behind.down.slice_bytes = rig.front.down.slice_bytes = 1
        whole(await read(rig), full="".join(SHORT))
        assert len(rig.claude.calls) == 1


async def test_a_slow_network_to_claude_makes_the_same_text() -> None:
    def script(call: Call) -> Iterator[bytes]:
        for raw in rest(call):
            for at in range(0, len(raw), 5):  # inside characters, between CR and LF
                yield raw[at : at + 5]

    async with rigged(script) as rig:
        rig.behind.down.bytes_per_second = 100_000
        whole(await read(rig))
        assert len(rig.claude.calls) == 1
