"""The main job: Claude's answer, to the byte, as it is produced."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import (
    Call,
    Ending,
    Refusal,
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

NASTY = [
    "Hello",
    " wörld 🌍",
    "\n\ndata: [DONE]\n\n",
    "\u2028\u2029\x85",
    "\r\n",
    "[DONE]",
    '{"text":"x"}',
    "漢字",
    "\x00\x7f\t",
    "</script><img src=x onerror=alert(1)>",
    "👩‍👩‍👧‍👦",
    " end",
]


async def test_text_of_any_content_arrives_to_the_byte() -> None:
    async with ScriptedClaude(lambda _: saying(*NASTY)) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("nasty"))).rest()
    assert stream.text == "".join(NASTY)
    assert stream.done == 1
    assert stream.terminal["digest"] == hashlib.sha256("".join(NASTY).encode()).hexdigest()


async def test_a_stream_is_made_of_numbered_events_from_start_to_done() -> None:
    async with ScriptedClaude(lambda _: saying("a", "b")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    kinds = [event["type"] for event in stream.events]
    assert kinds[:3] == ["start", "usage", "block_start"]
    assert set(kinds[3:-3]) == {"text"}
    assert kinds[-3:] == ["block_stop", "usage", "done"]
    assert stream.events[0] == {
        "type": "start",
        "id": stream.id,
        "model": "claude-sonnet-5-5",
        "message_id": "msg_1",
    }
    numbers = [int(id_.removeprefix("1-")) for id_ in stream.ids]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
    assert stream.raw.startswith(b"retry: ")
    done = stream.terminal
    assert (done["stop_reason"], done["stop_sequence"], done["cost_usd"]) == ("end_turn", None, 0.000042)
    assert done["usage"] == {"input_tokens": 11, "output_tokens": 2}
    assert set(done["timing"]) == {"ttft_ms", "duration_ms", "tokens_per_second"}


async def test_the_answer_has_the_headers_that_keep_proxies_from_buffering() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        headers = (await (await gateway.stream(ask("x"))).rest()).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "connection" not in headers  # the server's word, who may be about to close
    assert headers["location"] == f"/api/chat/{headers['x-chat-id']}"
    assert headers["x-request-id"].startswith("req_")
    assert headers["x-content-type-options"] == "nosniff"


async def test_each_delta_arrives_before_the_next_is_produced() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    start, *_ = frames = saying("one", "two", "three")
    steps = [start, frames[1], frames[2], gates[0], frames[3], gates[1], *frames[4:]]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x"))
        assert (await stream.next("text"))["text"] == "one"
        gates[0].set()
        assert (await stream.next("text"))["text"] == "two"
        gates[1].set()
        assert (await stream.rest()).text == "onetwothree"


async def test_a_character_cut_across_chunks_arrives_whole() -> None:
    body = b"".join(saying("🌍 漢字 é", "\u2028"))
    steps = [body[at : at + 1] for at in range(len(body))]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        assert (await (await gateway.stream(ask("x"))).rest()).text == "🌍 漢字 é\u2028"


async def test_thinking_and_its_signature_arrive_before_the_text() -> None:
    steps = [
        message_start(),
        *thinking_block("hm", "m", signature="s1"),
        *text_block("a", index=1),
        *ending(),
    ]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert "".join(event["thinking"] for event in stream.of("thinking")) == "hmm"
    assert stream.of("signature") == [{"type": "signature", "index": 0, "signature": "s1"}]
    assert snapshot["turns"] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hmm", "signature": "s1"},
                {"type": "text", "text": "a"},
            ],
        }
    ]
    assert (snapshot["state"], snapshot["error"]) == ("done", None)
    assert snapshot["cursor"] == stream.ids[-1]


async def test_what_a_browser_sends_goes_up_unchanged_with_the_key() -> None:
    body = ask("hi", max_tokens=77, system="Be brief.", stop_sequences=["END"], metadata={"user_id": "u"})
    async with ScriptedClaude(lambda _: saying("ok")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(body)).rest()
    (call,) = claude.calls
    assert call.body == {**body, "stream": True}
    assert list(call.body) == [*body, "stream"]
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["accept-encoding"] == "identity"


async def test_integers_of_any_size_go_up_and_come_back_as_they_are() -> None:
    call: dict[str, Any] = {"type": "tool_use", "id": "t", "name": "pay", "input": {"account": 10**30}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    delta = {"type": "input_json_delta", "partial_json": json.dumps(call["input"])}
    answer = [message_start(), *block(0, {**call, "input": {}}, delta), *ending("tool_use")]
    async with ScriptedClaude(lambda _: answer) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream({"messages": messages})).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert claude.calls[0].body["messages"] == messages
    assert stream.of("tool_use")[0]["input"] == call["input"]
    assert snapshot["turns"][0]["content"] == [call]


async def test_an_answer_cut_within_a_character_goes_on_and_can_be_read() -> None:
    half = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a \\ud83d"}}\n\n'
    answers: Iterator[list[Any]] = iter([[*saying("x")[:2], half, Ending.RESET], saying("and on")])
    async with ScriptedClaude(lambda _: next(answers)) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = await gateway.request("GET", f"/api/chat/{stream.id}")
    assert len(claude.calls) == 2
    assert stream.terminal["type"] == "done"
    assert snapshot.status == 200


async def test_a_prompt_is_a_message_and_defaults_are_filled_in() -> None:
    async with ScriptedClaude(lambda _: saying("ok")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream({"prompt": "hi"})).rest()
    assert claude.calls[0].body == {
        "messages": [{"role": "user", "content": "hi"}],
        "model": "claude-opus-5-5",
        "max_tokens": 8192,
        "stream": True,
    }


async def test_without_streaming_the_answer_is_one_message_in_claudes_shape() -> None:
    async with ScriptedClaude(lambda _: saying("o", "k")) as claude, serving(claude.url) as gateway:
        answer = await gateway.request(
            "POST", "/api/chat", ask("hi", stream=False) | {"model": "claude-opus-5-5"}
        )
    message = answer.json
    assert answer.status == 200
    assert message["model"] == "claude-sonnet-5-5"  # who has answered, whoever was asked
    assert (message["type"], message["role"], message["id"]) == ("message", "assistant", "msg_1")
    assert message["content"] == [{"type": "text", "text": "ok"}]
    assert message["turns"] == [{"role": "assistant", "content": message["content"]}]
    assert message["usage"] == {"input_tokens": 11, "output_tokens": 2}
    assert answer.headers["x-chat-id"].startswith("g_")


async def test_the_operators_system_prompt_comes_before_the_browsers() -> None:
    async with (
        ScriptedClaude(lambda _: saying("ok")) as claude,
        serving(claude.url, system_prompt="Operator.") as gateway,
    ):
        await (await gateway.stream(ask("hi", system="Browser."))).rest()
    assert [block["text"] for block in claude.calls[0].body["system"]] == ["Operator.", "Browser."]


async def test_many_streams_at_once_keep_apart() -> None:
    def script(call: Call) -> list[bytes]:
        word = call.body["messages"][0]["content"]
        return saying(*[f"{word}{n} " for n in range(20)])

    async with ScriptedClaude(script) as claude, serving(claude.url, max_streams_per_client=1000) as gateway:

        async def one(word: str) -> None:
            stream = await (await gateway.stream(ask(word))).rest()
            assert stream.text == "".join(f"{word}{n} " for n in range(20))

        await asyncio.gather(*(one(f"w{n}.") for n in range(100)))


async def test_connections_to_claude_are_used_again() -> None:
    async with ScriptedClaude(lambda _: saying("ok")) as claude, serving(claude.url) as gateway:
        for _ in range(5):
            await (await gateway.stream(ask("hi"))).rest()
    assert claude.connections == 1


# What Claude refuses


@pytest.mark.parametrize(
    ("status", "kind", "seen", "seen_kind"),
    [
        (400, "invalid_request_error", 400, "invalid_request_error"),
        (413, "request_too_large", 413, "request_too_large"),
        (429, "rate_limit_error", 429, "rate_limit_error"),
        (500, "api_error", 500, "api_error"),
        (503, "api_error", 503, "api_error"),
        (529, "overloaded_error", 529, "overloaded_error"),
    ],
)
async def test_claudes_refusal_reaches_the_client_as_it_is(
    status: int, kind: str, seen: int, seen_kind: str
) -> None:
    script = refusing(status, kind, "max_tokens: too large")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url, retries=0) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == seen
    assert answer.error == {"type": seen_kind, "message": "max_tokens: too large"}
    assert answer.json["request_id"] == "req_claude"
    assert answer.headers["x-request-id"] not in ("", "req_claude")  # ours, as in the log


@pytest.mark.parametrize(
    "end",
    [
        [],
        [Ending.RESET],
        [b"event: message_delta\ndata: {broken\n\n"],
        [frame("error", error={"type": "overloaded_error", "message": "Overloaded"})],
    ],
    ids=["cut short", "reset", "garbled", "refused"],
)
async def test_what_breaks_an_answer_is_told_with_claudes_request_id_and_logged_with_ours(
    end: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    steps = [*saying("one")[:3], *end]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url, on_break="error") as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.terminal["type"] == "error"
    assert stream.terminal["request_id"] == "req_claude"
    [told] = [vars(record)["fields"] for record in caplog.records if record.message == "generation ended"]
    assert told["claude_requests"] == ["req_claude"]
    assert told["request"] == stream.headers["x-request-id"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "authentication_error"), (402, "billing_error"), (403, "permission_error")],
)
async def test_a_refused_key_is_the_operators_fault_and_its_text_stays_in_the_log(
    status: int, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = refusing(status, kind, f"invalid x-api-key {KEY} of org-1")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == 502
    assert answer.error["type"] == "api_error"
    assert b"org-1" not in answer.raw
    assert len(claude.calls) == 1
    assert "org-1" in caplog.text
    assert KEY not in caplog.text


async def test_a_key_that_is_refused_inside_an_answer_is_logged_with_claudes_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = [message_start(), frame("error", error={"type": "billing_error", "message": "no credit"})]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == 502
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "Claude refuses this gateway (request req_claude): no credit"
    ]


async def test_a_model_that_claude_does_not_know_is_a_400_that_names_it() -> None:
    script = refusing(404, "not_found_error", "model: claude-sonnet-5-5")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == 400
    assert "claude-sonnet-5-5" in answer.error["message"]


async def test_an_upstream_that_is_no_claude_is_the_operators_fault() -> None:
    script = refusing(404, "x")
    script.body = b"<html>not here"
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == 502
    assert "operator" in answer.error["message"]


async def test_media_types_are_compared_without_regard_to_case() -> None:
    whole = Refusal(200, b"".join(saying("a")), {"content-type": "Text/Event-Stream; Charset=UTF-8"})
    async with ScriptedClaude(lambda _: whole) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("hi"))).rest()
    assert stream.text == "a"


async def test_nobody_upstream_is_a_502_in_the_contracts_shape() -> None:
    async with serving("http://127.0.0.1:9", retries=0) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == 502
    assert answer.error["type"] == "api_error"


# How a stream breaks when it is not to go on


@pytest.mark.parametrize("how", [Ending.RESET, Ending.CLOSE])
async def test_a_break_after_content_is_an_error_and_done_when_it_is_not_continued(how: str) -> None:
    steps = [*saying("one", "two")[:3], how]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url, on_break="error") as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert stream.text == "one"
    assert stream.terminal["type"] == "error"
    assert stream.terminal["error"]["retryable"] is True
    assert stream.terminal["digest"] == hashlib.sha256(b"one").hexdigest()
    assert stream.done == 1
    assert snapshot["state"] == "failed"
    assert snapshot["error"]["type"] == "api_error"


async def test_an_end_without_message_stop_is_not_passed_off_as_whole() -> None:
    steps = saying("one", "two")[:-1]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url, on_break="error") as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.terminal["type"] == "error"
    assert stream.done == 1


async def test_silence_longer_than_the_stall_timeout_breaks_a_stream() -> None:
    steps = [*saying("one", "two")[:3], Ending.STALL]
    async with (
        ScriptedClaude(lambda _: steps) as claude,
        serving(claude.url, on_break="error", stall_timeout=0.2) as gateway,
    ):
        stream = await (await gateway.stream(ask("x"))).rest()
        await claude.calls[0].closed.wait()
    assert stream.terminal["error"]["type"] == "timeout_error"
    assert claude.calls[0].aborted


async def test_a_garbled_stream_is_an_error_and_not_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    steps = [*saying("one")[:3], b"event: content_block_delta\ndata: {broken\n\n", *saying("one")[3:]]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert stream.text == "one"
    assert stream.terminal["type"] == "error"
    assert stream.terminal["error"]["retryable"] is False
    assert "Traceback" not in caplog.text


async def test_events_that_nobody_knows_yet_reach_the_client_as_they_came() -> None:
    steps = saying("one")
    steps[3:3] = [
        frame("hologram", beam=1),
        text_delta("!")[:-2].replace(b"text_delta", b"smell_delta") + b"\n\n",
    ]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert [event["event"] for event in stream.of("unknown")] == ["hologram", "content_block_delta"]
    assert stream.of("unknown")[0]["data"] == {"type": "hologram", "beam": 1}
    assert stream.terminal["type"] == "done"
