"""What the simulated Claude says: tools of both kinds, citations, thinking, usage, and why it stops."""

from typing import Any

import anthropic
import orjson
import pytest

from tests.simulator.kit import (
    CLOCK,
    PLAIN,
    WEATHER,
    Talk,
    back,
    kinds,
    results,
    talking,
    text,
    user,
)

RIVERS = "Tell me about rivers."
DOCUMENT = {
    "type": "document",
    "title": "On rivers",
    "source": {"type": "text", "media_type": "text/plain", "data": "Rivers move. They always did."},
    "citations": {"enabled": True},
}


def server_tool(name: str, **more: Any) -> dict[str, Any]:
    versions = {"web_search": "20260318", "web_fetch": "20260318", "code_execution": "20260521"}
    return {"type": f"{name}_{versions[name]}", "name": name, **more}


async def both(talk: Talk, prompt: Any, **more: Any) -> Any:
    """Return the streamed message, which must be the one that comes whole but for its ids."""
    streamed, whole = await talk.streamed(prompt, **more), await talk.whole(prompt, **more)
    assert kinds(streamed) == kinds(whole)
    assert text(streamed) == text(whole)
    assert (streamed.stop_reason, streamed.stop_sequence) == (whole.stop_reason, whole.stop_sequence)
    return streamed


async def test_another_seed_gives_another_answer_and_the_same_the_same() -> None:
    said = []
    for seed in (1, 1, 2):
        async with talking(seed=seed) as talk:
            said.append(text(await talk.whole("[[long words=200]] Hello")))
    assert said[0] == said[1] != said[2]


# Tools of the client's


async def test_tools_are_called_for_as_many_rounds_as_it_is_told(talk: Talk) -> None:
    messages = [user("[[tools get_time rounds=3]] What time is it?")]
    for reason in ("tool_use", "tool_use", "tool_use", "end_turn"):
        message = await both(talk, messages, tools=[CLOCK])
        assert message.stop_reason == reason
        messages += [back(message)] if reason == "end_turn" else [back(message), results(message)]


async def test_a_fault_can_wait_for_the_turn_it_is_meant_for(talk: Talk) -> None:
    prompt = "[[tools get_time]] [[reset after=4 turn=2]] What time is it?"
    called = await talk.streamed(prompt, tools=[CLOCK])
    messages = [user(prompt), back(called), results(called)]
    _, broke = await talk.raw(messages, tools=[CLOCK])
    events, well = await talk.raw(messages, tools=[CLOCK])
    assert broke is not None
    assert (well, events[-1].type) == (None, "message_stop")


async def test_a_directive_may_hold_for_every_second_request(talk: Talk) -> None:
    prompt = f"[[redacted every=2]] {RIVERS}"
    assert [kinds(await talk.whole(prompt))[0] for _ in range(4)] == ["text", "redacted_thinking"] * 2


async def test_the_question_chooses_the_tool_and_its_schema_the_input(talk: Talk) -> None:
    message = await both(talk, "What is the weather in New York like?", tools=[WEATHER, CLOCK])
    (call,) = [each for each in message.content if each.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "New York"})
    answered = await talk.streamed(
        [user("What is the weather in New York like?"), back(message), results(message, "12 degrees")],
        tools=[WEATHER, CLOCK],
    )
    assert "12 degrees" in text(answered)


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "none"}, []),
        ({"type": "any"}, ["get_time"]),
        ({"type": "tool", "name": "get_weather"}, ["get_weather"]),
        ({"type": "auto", "disable_parallel_tool_use": True}, ["get_time"]),
    ],
)
async def test_the_choice_of_tools_is_kept_to(choice: dict[str, Any], called: list[str], talk: Talk) -> None:
    prompt = "[[tools get_time,get_weather]] x" if choice["type"] == "auto" else "Hello there"
    message = await talk.streamed(prompt, tools=[CLOCK, WEATHER], tool_choice=choice)
    assert [each.name for each in message.content if each.type == "tool_use"] == called


async def test_a_call_may_be_cut_off_by_max_tokens(talk: Talk) -> None:
    prompt = "[[tools get_weather]] x"
    events, _ = await talk.raw(prompt, tools=[WEATHER], max_tokens=10)
    partial = "".join(
        event.delta.partial_json
        for event in events
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
    )
    assert [event.delta.stop_reason for event in events if event.type == "message_delta"] == ["max_tokens"]
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(partial)


# Tools of Claude's own


async def test_a_page_is_fetched_and_told_of(talk: Talk) -> None:
    fetch = server_tool("web_fetch", citations={"enabled": True})
    message = await both(talk, "Fetch https://example.com/tides please", tools=[fetch])
    call, result, *said = message.content
    assert (call.type, call.name, call.input) == (
        "server_tool_use",
        "web_fetch",
        {"url": "https://example.com/tides"},
    )
    assert (result.type, result.tool_use_id) == ("web_fetch_tool_result", call.id)
    assert result.content.content.source.data.startswith("A river is a habit")
    assert message.usage.server_tool_use.web_fetch_requests == 1
    assert {block.type for block in said} == {"text"}


async def test_a_search_is_cited_and_counted(talk: Talk) -> None:
    message = await both(talk, "Search the web for rivers", tools=[server_tool("web_search")])
    cited = [block for block in message.content if block.type == "text" and block.citations]
    assert {citation.type for block in cited for citation in block.citations} == {
        "web_search_result_location"
    }
    assert message.usage.server_tool_use.web_search_requests == 1


async def test_a_search_too_many_is_an_error_in_the_result(talk: Talk) -> None:
    message = await both(talk, "Search for rivers", tools=[server_tool("web_search", max_uses=0)])
    assert message.content[1].content.error_code == "max_uses_exceeded"


async def test_code_runs_in_a_container(talk: Talk) -> None:
    message = await both(talk, "Compute something", tools=[server_tool("code_execution")])
    assert kinds(message)[:2] == ["server_tool_use", "bash_code_execution_tool_result"]
    assert message.container.id.startswith("container_")


# Citations of what the client gave


async def test_a_document_is_cited_to_the_character(talk: Talk) -> None:
    message = await both(talk, [user([DOCUMENT, {"type": "text", "text": "What does it say?"}])])
    (citation,) = [each for block in message.content for each in block.citations or ()]
    assert citation.type == "char_location"
    data = DOCUMENT["source"]["data"]  # type: ignore[index]
    assert data[citation.start_char_index : citation.end_char_index] == citation.cited_text == "Rivers move."
    assert (citation.document_index, citation.document_title) == (0, "On rivers")
    again = await talk.streamed(
        [user([DOCUMENT, {"type": "text", "text": "What does it say?"}]), back(message), user("More")]
    )
    assert again.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
            "page_location",
        ),
        ({"type": "content", "content": [{"type": "text", "text": "one"}]}, "content_block_location"),
        ({"type": "file", "file_id": "file_1"}, "page_location"),
    ],
)
async def test_each_kind_of_document_is_cited_in_its_way(
    source: dict[str, Any], kind: str, talk: Talk
) -> None:
    content = [{**DOCUMENT, "source": source}, {"type": "text", "text": "What does it say?"}]
    message = await both(talk, [user(content)])
    assert [each.type for block in message.content for each in block.citations or ()] == [kind]


async def test_what_is_not_to_be_cited_is_not(talk: Talk) -> None:
    content = [{**DOCUMENT, "citations": {"enabled": False}}, {"type": "text", "text": "What does it say?"}]
    message = await talk.streamed([user(content)])
    assert not [each for block in message.content for each in block.citations or ()]


# Usage


async def test_a_marked_prompt_is_written_to_the_cache_once_and_then_read(talk: Talk) -> None:
    system = [{"type": "text", "text": "x" * 4000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first = (await talk.streamed(RIVERS, system=system)).usage
    second = (await talk.streamed("And lakes?", system=system)).usage
    assert first.cache_creation_input_tokens > 1000
    assert first.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens
    assert (first.cache_read_input_tokens, second.cache_creation_input_tokens) == (0, 0)
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens


async def test_a_conversation_that_goes_on_reads_all_that_was_marked_before(talk: Talk) -> None:
    mark: Any = {"type": "ephemeral"}
    first = await talk.streamed(RIVERS, cache_control=mark)
    second = await talk.streamed([user(RIVERS), back(first), user("And lakes?")], cache_control=mark)
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens > 0
    assert second.usage.cache_creation_input_tokens > 0


async def test_thinking_is_counted_whether_it_is_shown_or_not(talk: Talk) -> None:
    thought = []
    for display in ("summarized", "omitted"):
        thinking = {"type": "adaptive", "display": display}
        message = await both(talk, RIVERS, model="claude-opus-5-5", thinking=thinking)
        assert bool(message.content[0].thinking) == (display == "summarized")
        assert message.content[0].signature
        thought.append(message.usage.output_tokens_details.thinking_tokens)
        assert message.usage.output_tokens > thought[-1]
    assert thought[0] == thought[1] > 0


# Why it stops


async def test_a_refusal_may_come_half_way(talk: Talk) -> None:
    message = await both(talk, f"[[refusal cyber after=12]] {RIVERS}")
    assert message.stop_reason == "refusal"
    assert (message.stop_details.type, message.stop_details.category) == ("refusal", "cyber")
    assert message.usage.output_tokens == 12
    assert text(await talk.whole(RIVERS)).startswith(text(message))
    assert text(message)


async def test_a_refusal_at_once_has_no_content(talk: Talk) -> None:
    message = await both(talk, f"[[refusal]] {RIVERS}")
    assert (message.content, message.stop_details.category) == ([], "general_harms")


async def test_the_context_can_be_full(talk: Talk) -> None:
    message = await both(talk, f"[[context-window after=9]] {RIVERS}")
    assert (message.stop_reason, message.usage.output_tokens) == ("model_context_window_exceeded", 9)


async def test_a_structured_answer_fits_its_schema(talk: Talk) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}},
        "required": ["city", "days"],
    }
    message = await both(talk, RIVERS, output_config={"format": {"type": "json_schema", "schema": schema}})
    said = orjson.loads(text(message))
    assert isinstance(said["city"], str)
    assert all(isinstance(day, int) for day in said["days"])


ITSELF = {"$ref": "#"}
MANY = [f"p{number}" for number in range(30)]
DEEP: dict[str, Any] = {"type": "string"}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"in": DEEP}, "required": ["in"]}
ENDLESS: dict[str, dict[str, Any]] = {
    "many of itself": {"type": "object", "properties": dict.fromkeys(MANY, ITSELF), "required": MANY},
    "many items": {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
    "a long string": {"type": "string", "minLength": 10**9},
    "deep": DEEP,
}


@pytest.mark.parametrize("schema", ENDLESS)
async def test_no_schema_holds_up_everybody(schema: str, talk: Talk) -> None:
    """In demo mode anybody may send one."""
    config = {"format": {"type": "json_schema", "schema": ENDLESS[schema]}}
    answer = await talk.whole(RIVERS, output_config=config, max_tokens=1000)
    assert answer.stop_reason in ("end_turn", "max_tokens")


@pytest.mark.parametrize("directive", ["huge size=900000000", "long words=900000000"])
async def test_nobody_can_have_more_said_than_is_good_for_a_test(directive: str, talk: Talk) -> None:
    with pytest.raises(anthropic.BadRequestError, match="makes no sense"):
        await talk.whole(f"[[{directive}]] {RIVERS}")


# What is new or rare


@pytest.mark.parametrize("name", ["redacted", "compaction", "mcp", "fallback", "unknown-block"])
async def test_what_is_rare_comes_and_can_be_sent_back(name: str, talk: Talk) -> None:
    request = {"model": PLAIN, "max_tokens": 4000, "messages": [user(f"[[{name}]] {RIVERS}")]}
    message = await talk.client.beta.messages.create(**request)  # type: ignore[call-overload]
    rare = {
        "redacted": "redacted_thinking",
        "mcp": "mcp_tool_result",
        "unknown-block": "hologram",
    }
    assert rare.get(name, name) in kinds(message)
    answered = await talk.whole([user(f"[[{name}]] {RIVERS}"), back(message), user("And lakes?")])
    assert answered.stop_reason == "end_turn"


async def test_a_result_can_be_huge(talk: Talk) -> None:
    message = await both(talk, f"[[huge size=300000]] {RIVERS}")
    assert len(message.content[1].content.stdout) == 300_000
