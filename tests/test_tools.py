"""Tools that run here start while Claude still speaks, and the answer goes on with what they gave."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.answer import MAX_PAUSES
from app.simulator.server import Simulator
from app.simulator.settings import SimulatorSettings
from tests import kit
from tests.reading import ask, asking
from tests.running import serving
from tests.scripted import (
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    block,
    call_block,
    calling,
    ending,
    frame,
    message_start,
    one_after_the_other,
    saying,
    text_block,
    thinking_block,
)

KIT = ("tests.kit",)


async def test_a_registered_tool_runs_and_the_next_turn_streams_into_the_same_generation() -> None:
    script = one_after_the_other(calling(("add", {"a": 2, "b": 3})), saying("five"))
    async with ScriptedClaude(script) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await (await gateway.stream(asking("add"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
        config = (await gateway.request("GET", "/api/config")).json
    first, second = (call.body for call in claude.calls)
    (tool,) = first["tools"]
    assert (tool["name"], tool["description"]) == ("add", "Add two numbers.")
    assert tool["input_schema"]["required"] == ["a"]
    assert tool["input_schema"]["properties"]["b"]["description"] == "the other"
    call = {"type": "tool_use", "id": "t0", "name": "add", "input": {"a": 2, "b": 3}}
    result = {"type": "tool_result", "tool_use_id": "t0", "content": "5"}
    assert second["messages"][1:] == [
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    assert second["tools"] == first["tools"]
    assert stream.of("tool_use") == [{**call, "index": 0}]
    assert stream.of("tool_result") == [
        {"type": "tool_result", "tool_use_id": "t0", "content": "5", "is_error": False}
    ]
    assert [event.get("turn", 0) for event in stream.of("block_start")] == [0, 1]
    assert [event["index"] for event in stream.of("block_start")] == [0, 1]
    assert stream.text == "five"
    assert stream.terminal["stop_reason"] == "end_turn"
    assert stream.terminal["usage"]["input_tokens"] == 22
    assert snapshot["turns"] == [
        *second["messages"][1:],
        {"role": "assistant", "content": [{"type": "text", "text": "five"}]},
    ]
    assert {"name": "add", "description": "Add two numbers."} in config["tools"]


async def test_a_tool_starts_while_claude_still_speaks() -> None:
    gate, kit.GATES["g"] = asyncio.Event(), asyncio.Event()
    frames = calling(("wait_for", {"gate": "g"}), text="meanwhile")
    steps = [*frames[:6], gate, *frames[6:]]
    async with (
        ScriptedClaude(one_after_the_other(steps, saying("done"))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await gateway.stream(asking("wait_for"))
        await stream.next("block_stop")
        kit.GATES["g"].set()
        result = await stream.next("tool_result")  # Claude's turn is still held up by the gate
        gate.set()
        await stream.rest()
    assert result["content"] == "through g"
    assert stream.text == "meanwhiledone"


async def test_several_tools_run_side_by_side_and_results_go_up_in_the_order_of_the_calls() -> None:
    kit.GATES.update({name: asyncio.Event() for name in "abc"})
    turn = calling(*(("wait_for", {"gate": name}) for name in "abc"))
    async with (
        ScriptedClaude(one_after_the_other(turn, saying("done"))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await gateway.stream(asking("wait_for"))
        for name in "cab":
            kit.GATES[name].set()
            assert (await stream.next("tool_result"))["content"] == f"through {name}"
        await stream.rest()
    results = claude.calls[1].body["messages"][2]["content"]
    assert [result["tool_use_id"] for result in results] == ["t0", "t1", "t2"]


async def test_thinking_goes_back_untouched() -> None:
    turn = [
        message_start(),
        *thinking_block("hm", signature="s1"),
        *call_block(1, "t0", "nothing", ""),
        *ending("tool_use"),
    ]
    script = one_after_the_other(turn, saying("ok"))
    async with ScriptedClaude(script) as claude, serving(claude.url, tools=KIT) as gateway:
        await (await gateway.stream(asking("nothing"))).rest()
    assert claude.calls[1].body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {"type": "tool_use", "id": "t0", "name": "nothing", "input": {}},
    ]


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("fail", {}, "RuntimeError"),
        ("flood", {}, "1,000,000 bytes"),
        ("raw", {}, "bytes"),
        ("odd", {}, "object"),
        ("add", {"a": "much"}, "a:"),
        ("add", {}, "a:"),
        ("add", {"a": 1, "c": 2}, "c:"),
        ("wait_for", {"gate": "never"}, "within 0.2 seconds"),
    ],
)
async def test_whatever_goes_wrong_in_a_tool_claude_and_the_client_are_told(
    name: str, given: dict[str, Any], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    kit.GATES["never"] = asyncio.Event()
    script = one_after_the_other(calling((name, given)), saying("sorry"))
    async with ScriptedClaude(script) as claude, serving(claude.url, tools=KIT, tool_timeout=0.2) as gateway:
        stream = await (await gateway.stream(asking(name))).rest()
    (result,) = stream.of("tool_result")
    assert result["is_error"] is True
    assert says in result["content"]
    assert claude.calls[1].body["messages"][2]["content"][0]["is_error"] is True
    assert stream.terminal["stop_reason"] == "end_turn"
    assert "the secret of the tool" not in caplog.text


async def test_a_clients_own_tool_ends_the_turn_and_results_of_ours_are_in_the_turns() -> None:
    tools = [{"name": "add"}, {"name": "theirs", "input_schema": {"type": "object"}}]
    async with (
        ScriptedClaude(lambda _: calling(("add", {"a": 1}), ("theirs", {}))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await (await gateway.stream(ask("x", tools=tools))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert len(claude.calls) == 1
    assert stream.terminal["stop_reason"] == "tool_use"
    assert [event["tool_use_id"] for event in stream.of("tool_result")] == ["t0"]
    assert [result["tool_use_id"] for result in snapshot["turns"][1]["content"]] == ["t0"]


async def test_a_registered_tool_that_was_not_asked_for_does_not_run() -> None:
    tools = [{"name": "add", "input_schema": {"type": "object"}}]
    async with (
        ScriptedClaude(lambda _: calling(("add", {"a": 1}))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await (await gateway.stream(ask("x", tools=tools))).rest()
    assert not stream.of("tool_result")
    assert stream.terminal["stop_reason"] == "tool_use"


async def test_turns_are_bounded_and_no_tool_runs_in_one_too_many() -> None:
    def script(call: Call) -> Answer:
        return [
            message_start(),
            *call_block(0, f"t{len(claude.calls)}", "add", '{"a": 1}'),
            *ending("tool_use"),
        ]

    async with (
        ScriptedClaude(script) as claude,
        serving(claude.url, tools=KIT, max_tool_turns=3) as gateway,
    ):
        stream = await (await gateway.stream(asking("add"))).rest()
    assert len(claude.calls) == 4
    assert len(stream.of("tool_result")) == 3
    assert len(stream.of("block_stop")) == 4
    assert stream.terminal["type"] == "error"
    assert "GATEWAY_MAX_TOOL_TURNS" in stream.terminal["error"]["message"]
    assert stream.terminal["error"]["retryable"] is False


async def test_turns_are_bounded_also_where_all_calls_have_one_id() -> None:
    async with (
        ScriptedClaude(lambda _: calling(("add", {"a": 1}))) as claude,
        serving(claude.url, tools=KIT, max_tool_turns=1) as gateway,
    ):
        stream = await (await gateway.stream(asking("add"))).rest()
    assert len(claude.calls) == 2
    assert stream.terminal["type"] == "error"


async def test_cancelling_the_generation_cancels_its_tools() -> None:
    kit.GATES["c"] = asyncio.Event()
    kit.CANCELLED.clear()
    turn = calling(("wait_for", {"gate": "c"}))
    async with ScriptedClaude(lambda _: turn) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await gateway.stream(asking("wait_for"))
        await stream.next("tool_use")
        await gateway.request("DELETE", f"/api/chat/{stream.id}")
        await stream.rest()
        await gateway.hub.find(stream.id, "anonymous").gone()
    assert kit.CANCELLED == ["c"]
    assert stream.terminal["stop_reason"] == "cancelled"


async def test_who_cancels_twice_takes_no_time_from_a_tool_that_lets_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.tools.registry.LET_GO_S", 30)
    kit.GATES["end"] = asyncio.Event()
    kit.CANCELLED.clear()
    turn = calling(("let_go", {"gate": "end"}))
    async with ScriptedClaude(lambda _: turn) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await gateway.stream(asking("let_go"))
        await stream.next("tool_use")
        gone = asyncio.create_task(gateway.hub.find(stream.id, "anonymous").gone())
        for _ in range(2):
            await gateway.request("DELETE", f"/api/chat/{stream.id}")
            await gateway.request("GET", "/healthz")  # what the first has begun has come to its wait
        assert (await stream.rest()).terminal["stop_reason"] == "cancelled"
        assert not gone.done()
        kit.GATES["end"].set()
        await gone
    assert kit.CANCELLED == ["end"]


async def test_a_call_that_was_started_is_not_started_again_after_a_break() -> None:
    kit.GATES["b"] = asyncio.Event()
    kit.GATES["b"].set()
    kit.STARTED.clear()
    broken = [*calling(("wait_for", {"gate": "b"}))[:-2], Ending.RESET]
    async with (
        ScriptedClaude(one_after_the_other(broken, saying("on"))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await (await gateway.stream(asking("wait_for"))).rest()
    assert kit.STARTED == ["b"]
    assert stream.of("retry")[0]["discard"] == []
    assert stream.text == "on"
    assert claude.calls[1].body["messages"][2]["content"][0]["content"] == "through b"


async def test_text_that_broke_off_behind_a_call_that_runs_here_is_stopped() -> None:
    spoken = [frame("content_block_start", index=1, content_block={"type": "text", "text": ""})]
    spoken += [frame("content_block_delta", index=1, delta={"type": "text_delta", "text": "I am add"})]
    broken = [*calling(("add", {"a": 1}))[:-2], *spoken, Ending.RESET]
    async with (
        ScriptedClaude(one_after_the_other(broken, saying("on"))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await (await gateway.stream(asking("add"))).rest()
    assert [event["index"] for event in stream.of("block_start")] == [0, 1, 2]
    assert [event["index"] for event in stream.of("block_stop")] == [0, 1, 2]
    assert claude.calls[1].body["messages"][1]["content"][1]["text"] == "I am add"


async def test_what_a_model_called_before_another_took_over_is_not_answered() -> None:
    taken_over = block(1, {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}})
    first = calling(("add", {"a": 1}))[:-2]
    second = [*call_block(2, "t9", "add", '{"a": 2}'), *ending("tool_use")]
    async with (
        ScriptedClaude(one_after_the_other([*first, *taken_over, *second], saying("on"))) as claude,
        serving(claude.url, tools=KIT) as gateway,
    ):
        stream = await (await gateway.stream(asking("add"))).rest()
    _, said, results = claude.calls[1].body["messages"]
    assert [each["type"] for each in said["content"]] == ["fallback", "tool_use"]
    assert [each["tool_use_id"] for each in results["content"]] == ["t9"]
    assert {each["tool_use_id"] for each in stream.of("tool_result")} == {"t0", "t9"}


async def test_a_forced_call_is_forced_once() -> None:
    script = one_after_the_other(calling(("add", {"a": 1})), saying("ok"))
    async with ScriptedClaude(script) as claude, serving(claude.url, tools=KIT) as gateway:
        body = asking("add", tool_choice={"type": "tool", "name": "add", "disable_parallel_tool_use": True})
        await (await gateway.stream(body)).rest()
    assert claude.calls[1].body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


async def test_a_paused_turn_is_taken_up_again_as_it_is() -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"encrypted_content": "abc"}]}
    paused = [message_start(), *block(0, search), *block(1, found), *ending("pause_turn")]
    async with (
        ScriptedClaude(one_after_the_other(paused, saying("found"))) as claude,
        serving(claude.url) as gateway,
    ):
        stream = await (await gateway.stream(ask("x"))).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
    assert claude.calls[1].body["messages"][1:] == [{"role": "assistant", "content": [search, found]}]
    assert stream.terminal["stop_reason"] == "end_turn"
    assert snapshot["turns"] == [
        {"role": "assistant", "content": [search, found, {"type": "text", "text": "found"}]}
    ]


async def test_broken_input_is_an_error_that_names_the_tool() -> None:
    async with (
        ScriptedClaude(lambda _: calling(("add", '{"a": oops}'))) as claude,
        serving(claude.url, tools=KIT, continuations=0) as gateway,
    ):
        stream = await (await gateway.stream(asking("add"))).rest()
    assert stream.terminal["type"] == "error"
    assert "add" in stream.terminal["error"]["message"]
    assert stream.done == 1


async def test_input_that_max_tokens_cut_off_is_null_and_does_not_run() -> None:
    turn = [message_start(), *call_block(0, "t0", "add", '{"a": 1, "b')]
    turn += ending("max_tokens")
    async with ScriptedClaude(lambda _: turn) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await (await gateway.stream(asking("add"))).rest()
    assert stream.of("tool_use")[0]["input"] is None
    assert stream.terminal["stop_reason"] == "max_tokens"
    assert not stream.of("tool_result")


async def test_a_hundred_and_more_tools_go_up() -> None:
    tools = [{"name": f"t{n}", "input_schema": {"type": "object"}} for n in range(200)]
    async with ScriptedClaude(lambda _: saying("ok")) as claude, serving(claude.url) as gateway:
        await (await gateway.stream(ask("x", tools=tools))).rest()
    assert len(claude.calls[0].body["tools"]) == 200


async def test_a_call_with_input_that_is_no_object_is_answered_with_an_error() -> None:
    script = one_after_the_other(calling(("add", "[1, 2]")), saying("sorry"))
    async with ScriptedClaude(script) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await (await gateway.stream(asking("add"))).rest()
    assert stream.of("tool_result")[0]["is_error"] is True
    assert claude.calls[1].body["messages"][2]["content"][0]["tool_use_id"] == "t0"
    assert stream.text == "sorry"


@pytest.mark.parametrize("asked", [None, {"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}])
async def test_the_next_turn_runs_in_the_container_that_waits_for_the_result(asked: Any) -> None:
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    call = {"type": "tool_use", "id": "t0", "name": "add", "input": {"a": 1}, "caller": caller}
    end = {"stop_reason": "tool_use", "stop_sequence": None, "container": {"id": "container_7"}}
    turn = [
        message_start(),
        *block(0, call),
        frame("message_delta", delta=end, usage={"output_tokens": 5}),
        frame("message_stop"),
    ]
    async with (
        ScriptedClaude(one_after_the_other(turn, saying("two"))) as claude,
        serving(claude.url, tools=KIT, allow_params=["container"]) as gateway,
    ):
        body = asking("add", **({"container": asked} if asked else {}))
        stream = await (await gateway.stream(body)).rest()
    expected = {**asked, "id": "container_7"} if asked else "container_7"
    assert claude.calls[0].body.get("container") == asked
    assert claude.calls[1].body["container"] == expected
    assert claude.calls[1].body["messages"][1]["content"] == [call]
    assert stream.text == "two"


async def test_pauses_are_bounded_and_the_client_may_go_on() -> None:
    turn = [message_start(), *text_block("x"), *ending("pause_turn")]
    async with ScriptedClaude(lambda _: turn) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert len(claude.calls) == MAX_PAUSES + 1
    assert stream.terminal["stop_reason"] == "pause_turn"
    assert stream.text == "x" * (MAX_PAUSES + 1)
    assert stream.terminal["usage"]["output_tokens"] == 5 * (MAX_PAUSES + 1)


async def test_the_readmes_tool_works_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Tools that run here")[2]
    module, body = section.partition("```python\n")[2].partition("```")[0], re.search(r"-d '(.*)'", section)
    assert body
    (tmp_path / "mytools.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    async with (
        Simulator(SimulatorSettings(speed=0)) as claude,
        serving(claude.url, tools=("mytools",)) as gateway,
    ):
        stream = await (await gateway.stream(json.loads(body[1]))).rest()
    (result,) = stream.of("tool_result")
    assert json.loads(result["content"]) == {"city": "Gdynia", "sky": "clear"}
    assert "Gdynia" in stream.text
    assert stream.terminal["stop_reason"] == "end_turn"


async def test_a_toolsets_member_is_not_taken_for_a_tool_of_ours() -> None:
    call = {"type": "tool_use", "id": "t0", "name": "nothing", "toolset_name": "computer", "input": {}}
    turn = [message_start(), *block(0, call), *ending("tool_use")]
    tools = [{"name": "nothing"}, {"type": "computer_toolset_20260801"}]
    async with ScriptedClaude(lambda _: turn) as claude, serving(claude.url, tools=KIT) as gateway:
        stream = await (await gateway.stream(ask("x", tools=tools))).rest()
    assert not stream.of("tool_result")
    assert stream.terminal["stop_reason"] == "tool_use"
    assert stream.of("tool_use") == [{**call, "index": 0}]
