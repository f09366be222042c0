"""A generation outlives its connection: what a reader has seen is a prefix of the log, and becomes all of it."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.tools.registry import Result, Tool
from tests.reading import Stream, ask
from tests.running import serving
from tests.scripted import (
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    block,
    ending,
    frame,
    message_start,
    refusing,
    saying,
    text_block,
    text_delta,
    thinking_block,
)

WORDS = [f"w{n} " for n in range(60)]
FULL = "".join(WORDS)
OVERLOADED = frame("error", error={"type": "overloaded_error", "message": "Overloaded"})


def gated(gate: asyncio.Event, *, after: int = 30) -> list[Any]:
    """Return the frames of FULL, which stop after so many words until the gate opens."""
    frames = saying(*WORDS)
    return [*frames[: after + 2], gate, *frames[after + 2 :]]


def one_after_the_other(*answers: Answer) -> Callable[[Call], Answer]:
    remaining: Iterator[Answer] = iter(answers)
    return lambda _: next(remaining)


# Resume


async def test_a_reader_that_is_cut_and_returns_misses_nothing_and_sees_nothing_twice() -> None:
    gate = asyncio.Event()
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"))
        await first.until_text(20)
        first.close()
        second = await gateway.resume(first.id, first.ids[-1])
        gate.set()
        await second.rest()
    assert first.text + second.text == FULL
    assert second.done == 1
    assert len(claude.calls) == 1


async def test_every_cursor_of_a_finished_generation_gives_exactly_the_rest() -> None:
    async with (
        ScriptedClaude(lambda _: saying("a", "é🌍", "\n\n", "d")) as claude,
        serving(claude.url) as gateway,
    ):
        whole = await (await gateway.stream(ask("x"))).rest()
        count = int(whole.ids[-1].removeprefix("1-"))
        every = [await (await gateway.resume(whole.id, f"1-{n}")).rest() for n in range(1, count)]
        start = await (await gateway.resume(whole.id)).rest()
        zero = await (await gateway.stream(method="GET", path=f"/api/chat/{whole.id}/stream?after=0")).rest()
        end = await gateway.request(
            "GET", f"/api/chat/{whole.id}/stream", headers={"Last-Event-ID": f"1-{count}"}
        )
    assert start.text == zero.text == "aé🌍\n\nd"
    assert all("aé🌍\n\nd".endswith(stream.text) and stream.done == 1 for stream in every)
    assert [len(stream.text) for stream in every] == sorted((len(s.text) for s in every), reverse=True)
    assert end.status == 204
    assert end.raw == b""


async def test_the_header_wins_over_the_query() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        whole = await (await gateway.stream(ask("x"))).rest()
        path = f"/api/chat/{whole.id}/stream?after={whole.ids[-1]}"
        stream = await (
            await gateway.stream(method="GET", path=path, headers={"Last-Event-ID": "1-1"})
        ).rest()
    assert stream.text == "a"


@pytest.mark.parametrize(
    "cursor",
    [
        "-1",
        "1-",
        "-",
        "0-1",
        "2-1",
        "1-x",
        "1--1",
        "1-+1",
        "9e99-1",
        "1-18446744073709551616",
        "1-999",
        "1-1 ",
        "x" * 10_000,
    ],
)
async def test_a_malformed_or_impossible_cursor_is_a_400(cursor: str) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        whole = await (await gateway.stream(ask("x"))).rest()
        answer = await gateway.request(
            "GET", f"/api/chat/{whole.id}/stream?after={cursor.replace(' ', '%20')}"
        )
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("suffix", ["", "/stream"])
async def test_an_unknown_generation_is_a_404_and_a_retired_one_a_410(suffix: str) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url, retention=0) as gateway:
        unknown = await gateway.request("GET", f"/api/chat/g_nope{suffix}")
        stream = await (await gateway.stream(ask("x"))).rest()
        retired = await gateway.request("GET", f"/api/chat/{stream.id}{suffix}")
    assert (unknown.status, unknown.error["type"]) == (404, "not_found_error")
    assert (retired.status, retired.error["type"]) == (410, "not_found_error")


async def test_several_readers_see_the_same_and_a_slow_one_holds_up_nobody() -> None:
    gate = asyncio.Event()
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"))
        others = [await gateway.resume(first.id) for _ in range(5)]
        asleep = await gateway.resume(first.id)
        gate.set()
        streams = [await stream.rest() for stream in (first, *others)]
        asleep.close()
    assert {stream.text for stream in streams} == {FULL}
    assert {stream.terminal["digest"] for stream in streams} == {first.terminal["digest"]}


async def test_keep_alives_flow_while_claude_is_silent() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate, after=0)) as claude,
        serving(claude.url, ping_interval=0.05) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_comment()
        gate.set()
        await stream.rest()
    assert stream.comments[0] == ": keep-alive"
    assert stream.text == FULL


# Idempotency


async def test_the_same_key_and_body_attach_to_the_same_generation_running_or_finished() -> None:
    gate = asyncio.Event()
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: gated(gate)) as claude, serving(claude.url) as gateway:
        first = await gateway.stream(ask("x"), headers=key)
        second = await gateway.stream(ask("x"), headers=key)
        gate.set()
        streams = [
            await first.rest(),
            await second.rest(),
            await (await gateway.stream(ask("x"), headers=key)).rest(),
        ]
    assert {stream.id for stream in streams} == {first.id}
    assert {stream.text for stream in streams} == {FULL}
    assert len(claude.calls) == 1


async def test_fifty_concurrent_posts_of_one_key_make_one_generation() -> None:
    async with ScriptedClaude(lambda _: saying(*WORDS)) as claude, serving(claude.url) as gateway:

        async def post() -> Stream:
            return await (await gateway.stream(ask("x"), headers={"Idempotency-Key": "k"})).rest()

        streams = await asyncio.gather(*(post() for _ in range(50)))
    assert {stream.text for stream in streams} == {FULL}
    assert len({stream.id for stream in streams}) == 1
    assert len(claude.calls) == 1


async def test_how_it_is_shown_is_not_part_of_the_question() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(ask("x"), headers=key)).rest()
        await (await gateway.stream(ask("x", events=["text"]), headers=key)).rest()
        answer = await gateway.request("POST", "/api/chat", ask("x", stream=False), key)
    assert answer.json["content"] == [{"type": "text", "text": "a"}]
    assert len(claude.calls) == 1


async def _looking(_: dict[str, Any]) -> Result:
    return Result("nothing to be seen")


async def test_a_tool_that_is_described_in_other_words_makes_no_other_question() -> None:
    key = {"Idempotency-Key": "k"}
    asked = ask("x", tools=[{"name": "look"}])
    described = [Tool("look", words, {"type": "object"}, _looking) for words in ("Look.", "Look around.")]
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        toolbox = gateway.server._app.state.gateway.toolbox
        for tool in described:
            toolbox.offer("server", [tool])
            assert (await (await gateway.stream(asked, headers=key)).rest()).text == "a"
    assert len(claude.calls) == 1


async def test_the_same_key_with_another_body_is_a_422() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(ask("x"), headers=key)).rest()
        answer = await gateway.request("POST", "/api/chat", ask("y"), key)
    assert (answer.status, answer.error["type"]) == (422, "invalid_request_error")
    assert len(claude.calls) == 1


async def test_a_key_whose_generation_failed_before_content_is_free_again() -> None:
    script = one_after_the_other(refusing(529, "overloaded_error"), saying("a"))
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(script) as claude, serving(claude.url, retries=0) as gateway:
        refused = await gateway.request("POST", "/api/chat", ask("x"), key)
        stream = await (await gateway.stream(ask("x"), headers=key)).rest()
    assert refused.status == 529
    assert stream.text == "a"


async def test_a_key_whose_generation_was_refused_for_good_gives_the_same_refusal() -> None:
    key = {"Idempotency-Key": "k"}
    script = refusing(400, "invalid_request_error", "bad")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answers = [await gateway.request("POST", "/api/chat", ask("x"), key) for _ in range(2)]
    assert [answer.status for answer in answers] == [400, 400]
    assert len(claude.calls) == 1


# Leaving


async def test_with_no_grace_the_upstream_is_closed_when_the_last_reader_leaves() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, orphan_grace=0) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        await claude.calls[0].closed.wait()
        again = await (await gateway.resume(stream.id)).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert claude.calls[0].aborted
    assert again.terminal["stop_reason"] == "abandoned"
    assert snapshot["state"] == "cancelled"
    assert again.text.startswith(stream.text)


async def test_leaving_before_the_first_byte_counts_too() -> None:
    async with (
        ScriptedClaude(lambda _: [Ending.STALL]) as claude,
        serving(claude.url, orphan_grace=0) as gateway,
    ):
        _, writer = await asyncio.open_connection(gateway.host, gateway.port)
        body = b'{"prompt":"x"}'
        head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        call = await claude.until_called(1)
        writer.transport.abort()
        await call.closed.wait()
    assert call.aborted


async def test_a_reader_that_returns_within_the_grace_finds_it_running() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, orphan_grace=30) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        assert (await gateway.request("GET", f"/api/chat/{stream.id}")).json["state"] == "running"
        back = await gateway.resume(stream.id, stream.ids[-1])
        gate.set()
        await back.rest()
    assert stream.text + back.text == FULL
    assert not claude.calls[0].aborted


async def test_with_endless_grace_an_answer_is_finished_for_nobody() -> None:
    gate = asyncio.Event()
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, orphan_grace=-1) as gateway,
    ):
        stream = await gateway.stream(ask("x"))
        await stream.until_text(20)
        stream.close()
        gate.set()
        await claude.calls[0].closed.wait()
        again = await (await gateway.resume(stream.id)).rest()
    assert again.text == FULL
    assert again.terminal["stop_reason"] == "end_turn"


# Cancelling


@pytest.mark.parametrize("by", ["id", "key"])
async def test_cancelling_closes_the_upstream_and_tells_the_readers(by: str) -> None:
    async with ScriptedClaude(lambda _: gated(asyncio.Event())) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x"), headers={"Idempotency-Key": "k"})
        await stream.until_text(20)
        if by == "id":
            answer = await gateway.request("DELETE", f"/api/chat/{stream.id}")
        else:
            answer = await gateway.request("DELETE", "/api/chat", headers={"Idempotency-Key": "k"})
        await claude.calls[0].closed.wait()
        await stream.rest()
        again = await gateway.request("DELETE", f"/api/chat/{stream.id}")
    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert claude.calls[0].aborted
    assert stream.terminal["stop_reason"] == "cancelled"
    assert stream.done == 1
    assert again.json["state"] == "cancelled"


async def test_who_waits_for_one_message_gets_what_there_is_when_it_is_cancelled() -> None:
    key = {"Idempotency-Key": "k"}
    async with ScriptedClaude(lambda _: gated(asyncio.Event())) as claude, serving(claude.url) as gateway:
        waiting = asyncio.create_task(gateway.request("POST", "/api/chat", ask("x", stream=False), key))
        await claude.until_called(1)
        watching = await gateway.stream(ask("x"), headers=key)
        await watching.until_text(20)
        await gateway.request("DELETE", f"/api/chat/{watching.id}")
        message = (await waiting).json
        await watching.rest()
    assert (message["id"], message["model"]) == ("msg_1", "claude-sonnet-5-5")
    assert message["stop_reason"] == "cancelled"
    assert message["content"] == [{"type": "text", "text": watching.text}]


async def test_cancelling_what_has_ended_changes_nothing() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        answer = await gateway.request("DELETE", f"/api/chat/{stream.id}")
    assert (answer.status, answer.json["state"]) == (200, "done")


async def test_purging_forgets_it_at_once() -> None:
    async with ScriptedClaude(lambda _: saying("secret")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        await gateway.request("DELETE", f"/api/chat/{stream.id}?purge=true")
        gone = await gateway.request("GET", f"/api/chat/{stream.id}")
    assert gone.status == 410
    assert b"secret" not in gone.raw


async def test_cancel_and_completion_race_to_exactly_one_terminal_event() -> None:
    async with ScriptedClaude(lambda _: saying(*WORDS)) as claude, serving(claude.url) as gateway:
        for _ in range(100):
            stream = await gateway.stream(ask("x"))
            _, read = await asyncio.gather(gateway.request("DELETE", f"/api/chat/{stream.id}"), stream.rest())
            terminals = [event for event in read.events if event["type"] in ("done", "error")]
            assert [event["stop_reason"] in ("cancelled", "end_turn") for event in terminals] == [True]
            assert read.done == 1
            assert FULL.startswith(read.text)


# Before content


@pytest.mark.parametrize(
    "first",
    [
        refusing(529, "overloaded_error"),
        refusing(500, "api_error"),
        refusing(503, "api_error"),
        refusing(408, "timeout_error"),
        refusing(409, "conflict_error"),
        refusing(429, "rate_limit_error", retry_after="0"),
        refusing(400, "invalid_request_error", x_should_retry="true"),
        [message_start(), OVERLOADED],
        [OVERLOADED],
        [message_start(), frame("error", error={"type": "api_error", "message": "x"})],
        [Ending.RESET],
        [Ending.CLOSE],
        [message_start(), Ending.RESET],
        [message_start(), frame("ping"), Ending.CLOSE],
        [
            message_start(),
            frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            Ending.RESET,
        ],
    ],
    ids=str,
)
async def test_what_fails_before_content_is_tried_again(first: Answer) -> None:
    async with (
        ScriptedClaude(one_after_the_other(first, saying(*WORDS))) as claude,
        serving(claude.url, continuations=0) as gateway,
    ):
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.text == FULL
    (retry,) = stream.of("retry")
    assert retry["attempt"] == 2
    assert not stream.of("seam")
    assert stream.events[0]["type"] == "start"
    assert claude.calls[0].raw == claude.calls[1].raw


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_what_trying_again_cannot_cure_is_not_tried_again(status: int) -> None:
    async with (
        ScriptedClaude(lambda _: refusing(status, "x_error")) as claude,
        serving(claude.url) as gateway,
    ):
        await gateway.request("POST", "/api/chat", ask("x"))
    assert len(claude.calls) == 1


async def test_x_should_retry_false_is_obeyed() -> None:
    script = refusing(529, "overloaded_error", x_should_retry="false")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("x"))
    assert answer.status == 529
    assert len(claude.calls) == 1


async def test_a_spent_limit_is_not_waited_for() -> None:
    script = refusing(429, "rate_limit_error")
    script.body["error"]["details"] = {"error_code": "enforced_spend_limit_reached"}
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("x"))
    assert answer.status == 429
    assert len(claude.calls) == 1


async def test_a_long_retry_after_is_the_clients_to_wait() -> None:
    script = refusing(429, "rate_limit_error", retry_after="3600")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("x"))
    assert answer.status == 429
    assert answer.headers["retry-after"] == "3600"
    assert len(claude.calls) == 1


async def test_when_tries_are_used_up_the_last_refusal_ends_the_stream() -> None:
    script = refusing(529, "overloaded_error", "Overloaded", retry_after="0")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url, retries=2) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        whole = await gateway.request("POST", "/api/chat", ask("y", stream=False))
    assert [event["type"] for event in stream.events] == ["start", "retry", "retry", "error"]
    assert stream.terminal["error"]["type"] == "overloaded_error"
    assert stream.done == 1
    assert whole.status == 529
    assert len(claude.calls) == 6


# After content


@pytest.mark.parametrize("how", [[Ending.RESET], [Ending.CLOSE], [Ending.STALL], [OVERLOADED]], ids=str)
@pytest.mark.parametrize("overlap", [0, 5])
async def test_after_a_break_the_text_goes_on_where_it_was(how: list[Any], overlap: int) -> None:
    broken = [*saying(*WORDS)[:32], *how]
    script = one_after_the_other(broken, saying(*WORDS[30 - overlap :]))
    async with ScriptedClaude(script) as claude, serving(claude.url, stall_timeout=1) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    said = "".join(WORDS[:30])
    assert stream.text == FULL
    assert stream.terminal["stop_reason"] == "end_turn"
    assert {event["index"] for event in stream.of("text")} == {0}
    (retry,), (seam,) = stream.of("retry"), stream.of("seam")
    assert retry["discard"] == []
    trimmed = len("".join(WORDS[30 - overlap : 30]))
    assert seam == {
        "type": "seam",
        "index": 0,
        "offset": len(said),
        "trimmed": trimmed,
        "attempt": 2,
        "mode": "ask",
    }
    assert snapshot["turns"] == [{"role": "assistant", "content": [{"type": "text", "text": FULL}]}]
    second = claude.calls[1].body["messages"]
    assert second[1] == {"role": "assistant", "content": [{"type": "text", "text": said}]}
    assert (second[2]["role"], "w29" in second[2]["content"]) == ("user", True)
    assert second[0]["content"] == [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]


async def test_a_model_that_takes_a_prefill_gets_one() -> None:
    script = one_after_the_other([*saying(*WORDS)[:32], Ending.RESET], saying(*WORDS[30:]))
    async with (
        ScriptedClaude(script) as claude,
        serving(claude.url, models=("claude-haiku-4-5",)) as gateway,
    ):
        stream = await (await gateway.stream({"prompt": "x"})).rest()
    assert stream.text == FULL
    assert stream.of("seam")[0]["mode"] == "prefill"
    last = claude.calls[1].body["messages"][-1]
    assert last == {"role": "assistant", "content": [{"type": "text", "text": "".join(WORDS[:30]).rstrip()}]}


async def test_partial_thinking_is_void_and_comes_anew() -> None:
    broken = [message_start(), *thinking_block("hm", "m")[:2], Ending.RESET]
    script = one_after_the_other(
        broken, [message_start(), *thinking_block("so"), *text_block("a", index=1), *ending()]
    )
    async with ScriptedClaude(script) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert stream.of("retry")[0]["discard"] == [0]
    assert not stream.of("seam")
    assert [event["index"] for event in stream.of("block_start")] == [0, 1, 2]
    assert snapshot["turns"][0]["content"] == [
        {"type": "thinking", "thinking": "so", "signature": "sig"},
        {"type": "text", "text": "a"},
    ]
    assert claude.calls[0].raw == claude.calls[1].raw


async def test_a_partial_call_is_void_and_the_text_before_it_stays() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "find", "input": {}}
    broken = [
        message_start(),
        *text_block("Let me look. "),
        frame("content_block_start", index=1, content_block=call),
        frame("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"q":'}),
        Ending.RESET,
    ]
    whole = block(0, {**call, "id": "t2"}, {"type": "input_json_delta", "partial_json": '{"q":1}'})
    script = one_after_the_other(broken, [message_start(), *whole, *ending("tool_use")])
    tools = [{"name": "find", "input_schema": {"type": "object"}}]
    async with ScriptedClaude(script) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x", tools=tools))).rest()
    assert stream.of("retry")[0]["discard"] == [1]
    assert stream.of("tool_use") == [
        {"type": "tool_use", "index": 2, "id": "t2", "name": "find", "input": {"q": 1}}
    ]
    assert stream.terminal["stop_reason"] == "tool_use"
    assert stream.text == "Let me look. "


async def test_signed_thinking_is_sent_back_and_the_continuations_own_is_not_part_of_the_turn() -> None:
    broken = [
        message_start(),
        *thinking_block("one"),
        *text_block("Hello ", "wor", index=1)[:-1],
        Ending.RESET,
    ]
    rest = [message_start(), *thinking_block("two"), *text_block("ld!", index=1), *ending()]
    async with ScriptedClaude(one_after_the_other(broken, rest)) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    thinking = {"type": "thinking", "thinking": "one", "signature": "sig"}
    assert claude.calls[1].body["messages"][1]["content"] == [thinking, {"type": "text", "text": "Hello wor"}]
    assert [event["thinking"] for event in stream.of("thinking")] == ["one", "two"]
    assert snapshot["turns"][0]["content"] == [thinking, {"type": "text", "text": "Hello world!"}]
    assert {event["index"] for event in stream.of("text")} == {1}


async def test_continuations_are_bounded_and_what_was_sent_stays_valid() -> None:
    def script(call: Call) -> Answer:
        return [*saying("a piece of text ")[:3], Ending.RESET]

    async with ScriptedClaude(script) as claude, serving(claude.url, continuations=2) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert len(claude.calls) == 3
    assert [event["type"] for event in stream.events if event["type"] in ("retry", "error")] == [
        "retry",
        "retry",
        "error",
    ]
    assert stream.terminal["error"]["retryable"] is True
    assert stream.done == 1
    assert stream.text.startswith("a piece of text ")


async def test_a_whole_answer_without_its_last_frame_is_not_asked_for_again() -> None:
    async with ScriptedClaude(lambda _: saying("whole")[:-1]) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.terminal["stop_reason"] == "end_turn"
    assert len(claude.calls) == 1


async def test_usage_adds_up_over_attempts() -> None:
    script = one_after_the_other([*saying("Hello there, ")[:3], Ending.RESET], saying("you."))
    async with ScriptedClaude(script) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.terminal["usage"] == {"input_tokens": 22, "output_tokens": 2}


# Bounds


async def test_an_answer_larger_than_a_log_may_be_ends_in_an_error() -> None:
    def endless(call: Call) -> Iterator[bytes]:
        yield from saying("x")[:2]
        while True:
            yield text_delta("x" * 500)

    async with ScriptedClaude(endless) as claude, serving(claude.url, max_generation_bytes=20_000) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        await claude.calls[0].closed.wait()
    assert stream.terminal["type"] == "error"
    assert "GATEWAY_MAX_GENERATION_BYTES" in stream.terminal["error"]["message"]
    assert stream.done == 1
    assert len(claude.calls) == 1


async def test_more_generations_than_allowed_are_a_503() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_generations=2, orphan_grace=0) as gateway,
    ):
        streams = [await gateway.stream(ask("x")) for _ in range(2)]
        answer = await gateway.request("POST", "/api/chat", ask("x"))
        for stream in streams:
            stream.close()
    assert (answer.status, answer.error["type"]) == (503, "api_error")
    assert answer.headers["retry-after"] == "1"
    assert "GATEWAY_MAX_GENERATIONS" in answer.error["message"]


async def test_more_generations_of_one_client_than_allowed_are_a_429() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_streams_per_client=2, orphan_grace=0, allow_anonymous=True) as gateway,
    ):
        streams = [await gateway.stream(ask("x")) for _ in range(2)]
        answer = await gateway.request("POST", "/api/chat", ask("x"))
        elsewhere = await gateway.stream(ask("x"), headers={"X-Forwarded-For": "203.0.113.9"})
        for stream in (*streams, elsewhere):
            stream.close()
    assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
    assert answer.headers["retry-after"] == "1"


async def test_more_readers_than_allowed_are_a_429() -> None:
    async with (
        ScriptedClaude(lambda _: gated(asyncio.Event())) as claude,
        serving(claude.url, max_readers=2, orphan_grace=0) as gateway,
    ):
        first = await gateway.stream(ask("x"))
        second = await gateway.resume(first.id)
        answer = await gateway.request("GET", f"/api/chat/{first.id}/stream")
        first.close()
        second.close()
    assert (answer.status, answer.error["type"]) == (429, "rate_limit_error")
    assert "retry-after" in answer.headers


async def test_when_logs_are_full_what_has_ended_makes_room() -> None:
    async with (
        ScriptedClaude(lambda _: saying("x" * 3000)) as claude,
        serving(claude.url, max_log_bytes=4000) as gateway,
    ):
        streams = [await (await gateway.stream(ask("x"))).rest() for _ in range(5)]
        first = await gateway.request("GET", f"/api/chat/{streams[0].id}")
    assert all(stream.done == 1 for stream in streams)
    assert first.status == 410


async def test_questions_count_while_they_are_read_and_answered_and_no_longer() -> None:
    gate = asyncio.Event()
    large = ask("x" * 100_000)
    async with (
        ScriptedClaude(lambda _: gated(gate)) as claude,
        serving(claude.url, max_log_bytes=500_000) as gateway,
    ):
        held = gateway.hub._rules.account
        first = await gateway.stream(large)  # thrice 100,000
        refused = await gateway.request("POST", "/api/chat", large)
        counted = await gateway.request("POST", "/api/chat/count_tokens", large)
        small = await gateway.stream(ask("x"))
        gate.set()
        await first.rest()
        await small.rest()
        logs = sum(each.log.bytes for each in gateway.hub._generations.values())
        assert held.bytes == logs
        second = await (await gateway.stream(large)).rest()
        broken = await gateway.request("POST", "/api/chat", {**large, "nonsense": 1})
        again = await (await gateway.stream(large)).rest()
    assert (refused.status, refused.error["type"]) == (503, "api_error")
    assert refused.headers["retry-after"] == "1"
    assert counted.status == 503
    assert broken.status == 400
    assert [stream.done for stream in (first, small, second, again)] == [1] * 4


async def test_a_reader_that_does_not_read_is_let_go_and_can_resume(caplog: pytest.LogCaptureFixture) -> None:
    big = "x" * 100_000
    script = [message_start(), *text_block(*[big] * 100), *ending()]
    async with (
        ScriptedClaude(lambda _: script) as claude,
        serving(claude.url, send_timeout=0.2) as gateway,
    ):
        stuck = await gateway.stream(ask("x"))
        generation = gateway.hub.find(stuck.id, "anonymous")
        left = asyncio.Event()
        leave = generation.leave

        def leave_and_tell(*, saw_end: bool) -> None:
            leave(saw_end=saw_end)
            left.set()

        generation.leave = leave_and_tell  # type: ignore[method-assign]
        await asyncio.wait_for(left.wait(), 10)
        again = await (await gateway.resume(stuck.id)).rest()
        stuck.close()
    assert again.text == big * 100
    assert "without completing" not in caplog.text
    assert "Traceback" not in caplog.text
