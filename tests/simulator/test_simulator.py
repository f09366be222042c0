"""The simulated Claude, through Claude's own SDK over real HTTP."""

import base64
from typing import Any

import anthropic
import pytest

from app.simulator.directives import OPTIONS
from tests.simulator.kit import (
    CLOCK,
    PLAIN,
    PREFILLED,
    WEATHER,
    Talk,
    assistant,
    back,
    body,
    kinds,
    results,
    talking,
    text,
    user,
)

RIVERS = "Tell me about rivers."


async def test_the_stream_says_what_the_message_says_and_the_same_question_gets_the_same_answer(
    talk: Talk,
) -> None:
    whole, streamed, again = (
        await talk.whole(RIVERS),
        await talk.streamed(RIVERS),
        await talk.streamed(RIVERS),
    )
    assert text(whole) == text(streamed) == text(again)
    assert len(text(whole)) > 200
    assert streamed.stop_reason == "end_turn"
    assert streamed.usage.output_tokens > 50


async def test_models_are_listed_one_is_found_and_another_is_not(talk: Talk) -> None:
    listed = [model.id async for model in talk.client.models.list(limit=3)]
    assert {"claude-opus-5-5", "claude-haiku-4-5"} <= set(listed)
    assert (await talk.client.models.retrieve("claude-opus-5-5")).max_tokens == 128_000
    with pytest.raises(anthropic.NotFoundError):
        await talk.client.models.retrieve("gpt-9")


async def test_tokens_are_counted(talk: Talk) -> None:
    messages: Any = [user(RIVERS)]
    assert (await talk.client.messages.count_tokens(model=PLAIN, messages=messages)).input_tokens > 0


async def test_an_image_counts_by_what_claude_sees_and_not_by_its_bytes(talk: Talk) -> None:
    def with_file(kind: str, media_type: str, size: int) -> Any:
        data = base64.b64encode(bytes(size)).decode()
        source = {"type": "base64", "media_type": media_type, "data": data}
        return [
            {"role": "user", "content": [{"type": kind, "source": source}, {"type": "text", "text": "?"}]}
        ]

    async def count(messages: Any) -> int:
        return (await talk.client.messages.count_tokens(model=PLAIN, messages=messages)).input_tokens

    small = await count(with_file("image", "image/png", 100))
    assert 1500 < small < 2000
    assert await count(with_file("image", "image/png", 1_000_000)) == small
    assert await count(with_file("document", "application/pdf", 450_000)) < 50_000


async def test_only_the_required_key_is_let_in() -> None:
    async with talking(require_key="right") as talk:
        with pytest.raises(anthropic.AuthenticationError):
            await talk.whole(RIVERS)


async def test_a_client_that_leaves_is_noticed(talk: Talk) -> None:
    stream = await talk.client.messages.create(**body(f"[[stall after=3]] {RIVERS}"), stream=True)
    async for event in stream:
        if event.type == "content_block_start":
            break
    await stream.close()
    await talk.simulator.requests[-1].over()
    assert talk.simulator.requests[-1].aborted


async def test_connections_are_used_again(talk: Talk) -> None:
    for _ in range(3):
        await talk.streamed(RIVERS)
    assert talk.simulator.accepted_connections == 1


async def test_max_tokens_and_stop_sequences_stop_the_answer(talk: Talk) -> None:
    whole = text(await talk.whole(RIVERS))
    short = await talk.whole(RIVERS, max_tokens=10)
    stopped = await talk.whole(RIVERS, stop_sequences=[whole[40:50]])
    assert short.stop_reason == "max_tokens"
    assert whole.startswith(text(short))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", whole[40:50])


async def test_thinking_comes_first_and_goes_back_signed_but_not_changed(talk: Talk) -> None:
    first = await talk.streamed(
        RIVERS, model="claude-opus-5-5", thinking={"type": "adaptive", "display": "summarized"}
    )
    assert kinds(first) == ["thinking", "text"]
    assert first.content[0].thinking
    history = [user(RIVERS), back(first), user("And lakes?")]
    assert text(await talk.whole(history, model="claude-opus-5-5"))
    history[1]["content"][0]["thinking"] += "!"
    assert "signature" in await talk.refused(history, model="claude-opus-5-5")


async def test_tools_are_called_side_by_side_and_their_results_answered(talk: Talk) -> None:
    prompt = "[[tools get_weather,get_time]] What is it like?"
    called = await talk.streamed(prompt, tools=[WEATHER, CLOCK])
    assert called.stop_reason == "tool_use"
    assert [each.name for each in called.content if each.type == "tool_use"] == ["get_weather", "get_time"]
    answered = await talk.streamed([user(prompt), back(called), results(called)], tools=[WEATHER, CLOCK])
    assert answered.stop_reason == "end_turn"
    refused = await talk.refused([user(prompt), back(called), user("no results")], tools=[WEATHER, CLOCK])
    assert "tool_use" in refused


# What goes wrong


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("status 529", anthropic.APIStatusError),
        ("overloaded", anthropic.APIStatusError),
        ("error api_error", anthropic.APIStatusError),
        ("reset", anthropic.APIConnectionError),
        ("close", anthropic.APIConnectionError),
        ("reset after=8", Exception),
        ("close after=8", Exception),
        ("bad-json", Exception),
    ],
)
async def test_what_goes_wrong_goes_wrong_once_and_then_well(
    directive: str, error: type[Exception], talk: Talk
) -> None:
    prompt = f"[[{directive}]] {RIVERS}"
    _, broke = await talk.raw(prompt)
    events, well = await talk.raw(prompt)
    assert isinstance(broke, error)
    assert well is None
    assert events[-1].type == "message_stop"


async def test_times_says_how_often(talk: Talk) -> None:
    prompt = f"[[status 529 times=3]] {RIVERS}"
    broke = [(await talk.raw(prompt))[1] is not None for _ in range(4)]
    assert broke == [True, True, True, False]


async def test_without_a_stop_the_stream_ends_politely(talk: Talk) -> None:
    events, broke = await talk.raw(f"[[no-stop]] {RIVERS}")
    assert broke is None
    assert events[-1].type == "message_delta"


@pytest.mark.parametrize(
    "directive", ["dribble", "unknown-event", "unknown-block", "unknown-delta", "redacted"]
)
async def test_what_is_odd_leaves_the_text_whole(directive: str, talk: Talk) -> None:
    odd, _ = await talk.raw(f"[[{directive}]] {RIVERS}", max_tokens=30)
    deltas = [each.delta for each in odd if each.type == "content_block_delta"]
    said = "".join(delta.text for delta in deltas if delta.type == "text_delta")
    assert said == text(await talk.whole(RIVERS, max_tokens=30))


async def test_refusal_and_pause_are_reasons_to_stop(talk: Talk) -> None:
    assert (await talk.whole(f"[[refusal]] {RIVERS}")).stop_reason == "refusal"
    prompt = f"[[pause]] {RIVERS}"
    paused = await talk.whole(prompt)
    assert paused.stop_reason == "pause_turn"
    assert (await talk.whole([user(prompt), back(paused)])).stop_reason == "end_turn"


async def test_an_unknown_directive_is_refused_with_the_known_ones(talk: Talk) -> None:
    refused = await talk.refused("[[explode]] now")
    assert all(name in refused for name in OPTIONS)


async def test_double_brackets_in_the_history_are_no_directives(talk: Talk) -> None:
    assert text(await talk.whole([user("[[Kernel]]"[1:]), assistant("[[Kernel]] is a word"), user(RIVERS)]))


# Going on


async def test_asked_to_go_on_it_goes_on_exactly_where_it_broke(talk: Talk) -> None:
    whole = text(await talk.whole(RIVERS))
    for at in (10, 57, 200):
        partial = whole[:at]
        asked = (
            f"Your answer was interrupted. Its last characters were:\n\n{partial[-300:]}\n\nGo on from there."
        )
        rest = await talk.streamed([user(RIVERS), assistant(partial), user(asked)])
        assert partial + text(rest) == whole


async def test_a_prefill_is_gone_on_with_by_models_that_take_it_and_refused_by_others(talk: Talk) -> None:
    whole = text(await talk.whole(RIVERS, model=PREFILLED))
    partial = whole[:57].rstrip()
    rest = await talk.streamed([user(RIVERS), assistant(partial)], model=PREFILLED)
    assert (partial + text(rest)).split() == whole.split()
    assert "does not support assistant message prefill" in await talk.refused(
        [user(RIVERS), assistant(partial)]
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"extra_body": {"foo": 1}}, "foo: Extra inputs are not permitted"),
        ({"extra_body": {"temperature": 1}}, "temperature"),
        ({"max_tokens": 10**7}, "max_tokens"),
        ({"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, "thinking"),
        ({"model": "claude-opus-5-5", "tools": [WEATHER], "tool_choice": {"type": "any"}}, "tool"),
    ],
)
async def test_what_claude_refuses_is_refused(more: dict[str, Any], says: str, talk: Talk) -> None:
    assert says in await talk.refused(RIVERS, **more)
