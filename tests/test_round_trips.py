"""What came out of an answer with tools goes back in: a Claude that checks, the bundled simulator, takes it or says why not."""

import asyncio
from typing import Any

import pytest

from app.simulator.server import Simulator
from app.simulator.settings import SimulatorSettings
from tests import kit
from tests.reading import ask, asking
from tests.running import serving

KIT = ("tests.kit",)

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a result for an unknown id": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_9"}]}]},
        "toolu_9",
    ),
    "a call without its result": (
        {
            "messages": [
                {"role": "user", "content": "x"},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t0", "name": "a", "input": {}}],
                },
                {"role": "user", "content": "y"},
            ]
        },
        "t0",
    ),
    "a schema that is no schema": (ask("x", tools=[{"name": "a", "input_schema": "none"}]), "input_schema"),
    "a schema of a text": (
        ask("x", tools=[{"name": "a", "input_schema": {"type": "string"}}]),
        "input_schema",
    ),
    "a tool of no known type": (ask("x", tools=[{"name": "a", "type": "teleport_2027"}]), "teleport_2027"),
    "two tools of one name": (
        ask("x", tools=[{"name": "add"}, {"name": "add", "input_schema": {"type": "object"}}]),
        "unique",
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_with_tools_is_a_400_in_claudes_words(what: str) -> None:
    body, says = WRONG[what]
    async with Simulator(SimulatorSettings(speed=0)) as claude, serving(claude.url, tools=KIT) as gateway:
        answer = await gateway.request("POST", "/api/chat", body)
        well = await gateway.request("POST", "/api/chat", ask("Hello", stream=False))
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert says in answer.error["message"]
    assert well.json["stop_reason"] == "end_turn"


async def test_an_answer_with_everything_in_it_goes_round_with_a_claude_that_checks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Thinking, redacted thinking, a paused server tool, ours side by side, three rounds: Claude takes all of it back."""
    prompt = "[[tools add,nothing rounds=3]] [[redacted]] [[mcp]] [[unknown-block]] [[compaction]] Go."
    thinking = {"type": "adaptive", "display": "summarized"}
    async with Simulator(SimulatorSettings(speed=0)) as claude, serving(claude.url, tools=KIT) as gateway:
        body = asking("add", "nothing", model="claude-opus-5-5", thinking=thinking)
        body["messages"][0]["content"] = prompt
        stream = await (await gateway.stream(body)).rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
        goes_on = [*body["messages"], *snapshot["turns"], {"role": "user", "content": "And now?"}]
        again = await (await gateway.stream({**body, "messages": goes_on})).rest()
    assert stream.terminal["stop_reason"] == again.terminal["stop_reason"] == "end_turn"
    assert len(stream.of("tool_result")) == 6
    assert [turn["role"] for turn in snapshot["turns"]] == ["assistant", "user"] * 3 + ["assistant"]
    assert {event["kind"] for event in stream.of("block_start")} == {
        "thinking",
        "redacted_thinking",
        "mcp_tool_use",
        "mcp_tool_result",
        "hologram",
        "compaction",
        "tool_use",
        "text",
    }
    assert not stream.of("unknown")


@pytest.mark.parametrize(("how", "tool_timeout"), [("cancelled", 30), ("failed", 0.05)])
async def test_what_was_cut_off_while_a_tool_ran_can_be_gone_on_with(how: str, tool_timeout: float) -> None:
    kit.GATES["never"] = asyncio.Event()
    kit.STARTED.clear()
    prompt = "[[tools wait_for]] " + ("" if how == "cancelled" else "[[reset after=40]] ") + "Wait for it."
    async with (
        Simulator(SimulatorSettings(speed=0)) as claude,
        serving(claude.url, tools=KIT, on_break="error", tool_timeout=tool_timeout) as gateway,
    ):
        body = {**asking("wait_for"), "messages": [{"role": "user", "content": prompt}]}
        stream = await gateway.stream(body)
        await stream.next("tool_use")
        if how == "cancelled":
            await gateway.request("DELETE", f"/api/chat/{stream.id}")
        await stream.rest()
        snapshot = (await gateway.request("GET", f"/api/chat/{stream.id}")).json
        goes_on = [*body["messages"], *snapshot["turns"], {"role": "user", "content": "Never mind."}]
        again = await (await gateway.stream({**body, "messages": goes_on})).rest()
    assert snapshot["state"] == how
    assert again.terminal["stop_reason"] == "end_turn"


async def test_a_client_answers_its_own_calls_beside_ours_and_goes_on() -> None:
    theirs = {"name": "theirs", "input_schema": {"type": "object"}}
    async with Simulator(SimulatorSettings(speed=0)) as claude, serving(claude.url, tools=KIT) as gateway:
        body = ask("[[tools nothing,theirs]] Go.", tools=[{"name": "nothing"}, theirs])
        stream = await (await gateway.stream(body)).rest()
        assistant, results = (await gateway.request("GET", f"/api/chat/{stream.id}")).json["turns"]
        (call,) = (event for event in stream.of("tool_use") if event["name"] == "theirs")
        results["content"].append({"type": "tool_result", "tool_use_id": call["id"], "content": "done"})
        body["messages"] += [assistant, results]
        again = await (await gateway.stream(body)).rest()
    assert stream.terminal["stop_reason"] == "tool_use"
    assert again.terminal["stop_reason"] == "end_turn"
