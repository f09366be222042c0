"""The main job: Claude's answer, to the byte, as it is produced."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import (
    Call,
    Ending,
    ScriptedClaude,
    block,
    ending,
    frame,
    message_start,
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


async def test_a_field_that_is_null_is_as_good_as_absent() -> None:
    body = {"prompt": "hi"} | dict.fromkeys(
        ("messages", "model", "max_tokens", "system", "tools", "stream", "buffer", "events")
    )
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(body)).rest()
    assert stream.text == "a"
    assert set(claude.calls[0].body) == {"messages", "model", "max_tokens", "stream"}


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
