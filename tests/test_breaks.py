"""Claude fails: before its content it is asked again, after some the text goes on where it was."""

from typing import Any

import pytest

from tests.reading import ask
from tests.running import serving
from tests.scripted import (
    FULL,
    TEXT_START,
    WORDS,
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    always,
    block,
    ending,
    frame,
    message_start,
    one_after_the_other,
    refusing,
    saying,
    text_block,
    thinking_block,
)

OVERLOADED = frame("error", error={"type": "overloaded_error", "message": "Overloaded"})

pytestmark = pytest.mark.usefixtures("impatient")

# Before content

FAILURES: dict[str, Answer] = {
    "529": refusing(529, "overloaded_error"),
    "500": refusing(500, "api_error"),
    "503": refusing(503, "api_error"),
    "408": refusing(408, "timeout_error"),
    "409": refusing(409, "conflict_error"),
    "429": refusing(429, "rate_limit_error", retry_after="0"),
    "400 that may be tried again": refusing(400, "invalid_request_error", x_should_retry="true"),
    "overload inside 200": [message_start(), OVERLOADED],
    "overload instead of a message": [OVERLOADED],
    "an error inside 200": [message_start(), frame("error", error={"type": "api_error", "message": "x"})],
    "reset": [Ending.RESET],
    "closed": [Ending.CLOSE],
    "reset in a message": [message_start(), Ending.RESET],
    "closed after a ping": [message_start(), frame("ping"), Ending.CLOSE],
    "reset in a block": [
        message_start(),
        TEXT_START,
        Ending.RESET,
    ],
}


@pytest.mark.parametrize("how", FAILURES)
async def test_what_fails_before_content_is_tried_again(how: str) -> None:
    async with (
        ScriptedClaude(one_after_the_other(FAILURES[how], saying(*WORDS))) as claude,
        serving(claude.url, continuations=0) as gateway,
    ):
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.text == FULL
    (retry,) = stream.of("retry")
    assert retry["attempt"] == 2
    assert not stream.of("seam")
    assert stream.events[0]["type"] == "start"
    assert claude.calls[0].raw == claude.calls[1].raw


SPENT = refusing(429, "rate_limit_error")
SPENT.body["error"]["details"] = {"error_code": "enforced_spend_limit_reached"}


FINAL = {
    "400": (refusing(400, "x_error"), 400),
    "401": (refusing(401, "x_error"), 502),
    "403": (refusing(403, "x_error"), 502),
    "404": (refusing(404, "x_error"), 400),
    "413": (refusing(413, "x_error"), 413),
    "Claude says not to": (refusing(529, "overloaded_error", x_should_retry="false"), 529),
    "a spent limit": (SPENT, 429),
    "the client's to wait": (refusing(429, "rate_limit_error", retry_after="3600"), 429),
}


@pytest.mark.parametrize("why", FINAL)
async def test_what_trying_again_cannot_cure_is_told_at_once(why: str) -> None:
    refused, status = FINAL[why]
    async with ScriptedClaude(always(refused)) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("x"))
    assert answer.status == status
    assert answer.headers.get("retry-after") == refused.headers.get("retry-after")
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
