"""What Claude refuses with a 400, the simulator refuses, and says where; what Claude takes, it takes."""

from copy import deepcopy
from typing import Any

import pytest

from app.simulator.errors import ClaudeError
from app.simulator.rules import check
from app.simulator.signatures import REDACTED, sign
from tests.simulator.kit import CLOCK, PLAIN, PREFILLED, WEATHER, Talk, assistant, body, user

THINKER = "claude-opus-5-5"
PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}
SIGNED = {"type": "thinking", "thinking": "", "signature": sign("", b"1")}
HIDDEN = {"type": "redacted_thinking", "data": sign(REDACTED, b"1")}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_time", "input": {}}
OTHER = {**CALL, "id": "toolu_2"}
GIVEN = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def said(*content: Any) -> list[Any]:
    return [user(list(content))]


def loop(*answer: Any) -> list[Any]:
    """Return a conversation in which a tool has been called, and what came then."""
    return [user("What time is it?"), assistant([CALL]), user(list(answer))]


TAKEN: dict[str, dict[str, Any]] = {
    "text": body("Hello"),
    "images and documents": body(
        said(
            {"type": "image", "source": PIXEL},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "document", "source": PDF, "title": "t", "citations": {"enabled": True}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
            {"type": "document", "source": {"type": "content", "content": "x"}},
            {
                "type": "search_result",
                "source": "s",
                "title": "t",
                "content": [{"type": "text", "text": "x"}],
            },
            {"type": "container_upload", "file_id": "file_2"},
        )
    ),
    "thinking that comes back": body([user("x"), assistant([SIGNED, HIDDEN, CALL]), user([GIVEN])]),
    "a tool's result and then text": body(loop(GIVEN, {"type": "text", "text": "and?"})),
    "a tool's result in blocks": body(
        loop({**GIVEN, "content": [{"type": "text", "text": "x"}, {"type": "image", "source": PIXEL}]})
    ),
    "a failed tool": body(loop({**GIVEN, "is_error": True})),
    "a system message on the way": body([user("x"), {"role": "system", "content": "be brief"}]),
    "a paused turn": body([user("x"), assistant([SEARCH, FOUND])]),
    "what it said of the unknown kind": body(
        [user("x"), assistant([{"type": "hologram"}, {"type": "text", "text": "y"}]), user("z")]
    ),
    "Claude's own tools": body(
        "x",
        tools=[
            {"type": "web_search_20260318", "name": "web_search"},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "computer_toolset_20260801"},
            WEATHER,
        ],
    ),
    "a forced call": body("x", tools=[WEATHER], tool_choice={"type": "any"}),
    "effort and a schema": body(
        "x", output_config={"effort": "xhigh", "format": {"type": "json_schema", "schema": {}}}
    ),
    "thinking by budget": body("x", model=PREFILLED, thinking={"type": "enabled", "budget_tokens": 1024}),
    "no thinking where it may be off": body("x", thinking={"type": "disabled"}),
    "a prefill": body([user("x"), assistant("y")], model=PREFILLED),
    "marks for the cache": body(
        said({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        cache_control={"type": "ephemeral"},
    ),
    "warming the cache": body("x") | {"max_tokens": 0},
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_claude_takes_is_taken(what: str) -> None:
    check(TAKEN[what])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # parameters
    "an effort that there is not": (body("x", output_config={"effort": "extreme"}), "output_config.effort"),
    "effort where there is none": (
        body("x", model=PREFILLED, output_config={"effort": "low"}),
        "does not support the effort",
    ),
    "a format that there is not": (body("x", output_config={"format": {"type": "xml"}}), "format.type"),
    "a format without a schema": (body("x", output_config={"format": {"type": "json_schema"}}), "schema"),
    "the output's unknown side": (body("x", output_config={"verbosity": 1}), "output_config.verbosity"),
    "a beta's field without its header": (body("x") | {"mcp_servers": []}, "mcp_servers"),
    "a tier that there is not": (body("x", service_tier="gold"), "service_tier"),
    "a speed that there is not": (body("x", speed="ludicrous"), "speed"),
    "a wrong type": (body("x", stop_sequences="."), "stop_sequences"),
    "an empty stop sequence": (body("x", stop_sequences=[" "]), "stop_sequences"),
    "too many tokens": (body("x") | {"max_tokens": 128_001}, "max_tokens"),
    "fewer than no tokens": (body("x") | {"max_tokens": -1}, "max_tokens"),
    "no max_tokens": ({k: v for k, v in body("x").items() if k != "max_tokens"}, "max_tokens"),
    "an unknown model": (body("x", model="gpt-9"), "gpt-9"),
    "five marks for the cache": (
        body(said(*[{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5)),
        "Found 5",
    ),
    "a mark of an unknown lifetime": (body("x", cache_control={"type": "ephemeral", "ttl": "1d"}), "ttl"),
    # thinking
    "thinking by budget on later models": (
        body("x", thinking={"type": "enabled", "budget_tokens": 2000}),
        "adaptive",
    ),
    "a small budget": (body("x", model=PREFILLED, thinking={"type": "enabled", "budget_tokens": 9}), "1024"),
    "a budget beyond max_tokens": (
        body("x", model=PREFILLED, thinking={"type": "enabled", "budget_tokens": 4096}),
        "greater than",
    ),
    "no thinking where it is always on": (
        body("x", model=THINKER, thinking={"type": "disabled"}),
        "disabled",
    ),
    "no thinking at great effort": (
        body(
            "x",
            model="claude-opus-5",
            thinking={"type": "disabled"},
            output_config={"effort": "max"},
        ),
        "effort max",
    ),
    "adaptive thinking on early models": (
        body("x", model=PREFILLED, thinking={"type": "adaptive"}),
        "adaptive",
    ),
    "thinking of no kind": (body("x", thinking={"type": "deep"}), "deep"),
    # tools
    "a tool without a schema": (body("x", tools=[{"name": "a"}]), "input_schema"),
    "a schema that is none": (body("x", tools=[{"name": "a", "input_schema": {"type": "string"}}]), "object"),
    "a schema that is no object": (body("x", tools=[{"name": "a", "input_schema": "x"}]), "object"),
    "a tool's name that is none": (
        body("x", tools=[{"name": "a b", "input_schema": {"type": "object"}}]),
        "pattern",
    ),
    "a tool of no known type": (body("x", tools=[{"type": "teleport_20270101", "name": "t"}]), "teleport"),
    "two tools of one name": (body("x", tools=[CLOCK, CLOCK]), "unique"),
    "a choice without tools": (body("x", tool_choice={"type": "auto"}), "tool_choice"),
    "a choice of no kind": (body("x", tools=[CLOCK], tool_choice={"type": "maybe"}), "maybe"),
    "a choice that is not there": (
        body("x", tools=[CLOCK], tool_choice={"type": "tool", "name": "get_weather"}),
        "not found",
    ),
    "a forced call on later models": (
        body("x", model=THINKER, tools=[CLOCK], tool_choice={"type": "any"}),
        "forced",
    ),
    # messages
    "no messages": (body([]), "at least one"),
    "a role that there is not": (body([{"role": "god", "content": "x"}]), "messages.0.role"),
    "no content": (body([{"role": "user"}]), "messages.0.content"),
    "empty content": (body([user("")]), "non-empty"),
    "content that is a number": (body([user(3)]), "messages.0.content"),
    "a block without a type": (body([user([{}])]), "messages.0.content.0.type"),
    "a block of no known type": (body(said({"type": "smell"})), "smell"),
    "a block where it does not belong": (body(said(SIGNED)), "not permitted in user messages"),
    "a document from the assistant": (
        body([user("x"), assistant([{"type": "document", "source": PDF}]), user("y")]),
        "not permitted in assistant messages",
    ),
    "text of blanks": (body(said({"type": "text", "text": "  "})), "non-whitespace"),
    "cited text from the user": (
        body(said({"type": "text", "text": "x", "citations": [{"type": "char_location"}]})),
        "citations",
    ),
    "the assistant first": (body([assistant("x"), user("y")]), "first message"),
    "a prefill": (body([user("x"), assistant("y")]), "prefill"),
    "a prefill that ends in a blank": (body([user("x"), assistant("y ")], model=PREFILLED), "trailing"),
    "a prefill while it thinks": (
        body(
            [user("x"), assistant("y")], model=PREFILLED, thinking={"type": "enabled", "budget_tokens": 1024}
        ),
        "thinking is enabled",
    ),
    # sources
    "a source of no kind": (body(said({"type": "image", "source": {"type": "ftp"}})), "image.source.type"),
    "a text for an image": (body(said({"type": "image", "source": {"type": "text", "data": "x"}})), "source"),
    "a source without its data": (
        body(said({"type": "document", "source": {"type": "file"}})),
        "file_id: Field required",
    ),
    "an image of another type": (
        body(said({"type": "image", "source": {**PIXEL, "media_type": "image/bmp"}})),
        "media_type",
    ),
    "what is no base64": (body(said({"type": "image", "source": {**PIXEL, "data": "%%%"}})), "base64"),
    # thinking that comes back
    "thinking without its signature": (
        body([user("x"), assistant([{"type": "thinking", "thinking": ""}]), user("y")]),
        "signature: Field required",
    ),
    "thinking that was changed": (
        body([user("x"), assistant([{**SIGNED, "thinking": "!"}]), user("y")]),
        "Invalid `signature`",
    ),
    "redacted thinking that was made up": (
        body([user("x"), assistant([{**HIDDEN, "data": "ZmFrZQ=="}]), user("y")]),
        "Invalid `data`",
    ),
    "a shown signature for redacted thinking": (
        body([user("x"), assistant([{**HIDDEN, "data": SIGNED["signature"]}]), user("y")]),
        "Invalid `data`",
    ),
    "thinking with a mark for the cache": (
        body([user("x"), assistant([{**SIGNED, "cache_control": {"type": "ephemeral"}}]), user("y")]),
        "cache_control",
    ),
    # results of tools
    "no result": (body([user("x"), assistant([CALL]), user("y")]), "toolu_1"),
    "no result at the end": (body([user("x"), assistant([CALL])]), "toolu_1"),
    "one result of two": (body([user("x"), assistant([CALL, OTHER]), user([GIVEN])]), "toolu_2"),
    "a result too late": (
        body([user("x"), assistant([CALL]), assistant("well"), user([GIVEN])]),
        "immediately after",
    ),
    "text before the result": (body(loop({"type": "text", "text": "so"}, GIVEN)), "immediately after"),
    "a result that nobody asked for": (body(loop(GIVEN, {**GIVEN, "tool_use_id": "toolu_9"})), "toolu_9"),
    "a result without a call": (body(said(GIVEN)), "unexpected"),
    "two results of one call": (body(loop(GIVEN, GIVEN)), "single result"),
    "a result from the assistant": (body([user("x"), assistant([GIVEN]), user("y")]), "not permitted"),
    "one id twice": (body([user("x"), assistant([CALL, CALL]), user([GIVEN])]), "unique"),
    "one id in two turns": (
        body([*loop(GIVEN), assistant([CALL]), user([GIVEN])]),
        "unique",
    ),
    "a result of odd blocks": (
        body(loop({**GIVEN, "content": [{"type": "river", "name": "Wisła"}]})),
        "river",
    ),
    "a result with an empty text": (
        body(loop({**GIVEN, "content": [{"type": "text", "text": ""}]})),
        "non-whitespace",
    ),
    "an error with an image": (
        body(loop({**GIVEN, "is_error": True, "content": [{"type": "image", "source": PIXEL}]})),
        "text alone",
    ),
    "a call whose input is none": (
        body([user("x"), assistant([{**CALL, "input": None}]), user([GIVEN])]),
        "dictionary",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_claude_refuses_is_refused(what: str) -> None:
    asked, says = REFUSED[what]
    with pytest.raises(ClaudeError) as refused:
        check(asked)
    assert says in refused.value.message
    assert refused.value.status == (404 if what == "an unknown model" else 400)


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_sampling_is_no_longer_claudes(name: str) -> None:
    with pytest.raises(ClaudeError, match=name):
        check(body("x") | {name: 1})


def test_with_a_beta_header_there_is_more() -> None:
    asked = body("x", tools=[{"type": "mcp_toolset", "mcp_server_name": "a"}]) | {"mcp_servers": []}
    check(asked, beta=True)
    with pytest.raises(ClaudeError):
        check(asked)


def test_checking_leaves_the_request_as_it_was() -> None:
    asked = deepcopy(TAKEN["images and documents"])
    check(asked)
    assert asked == TAKEN["images and documents"]


async def test_a_shape_that_no_rule_names_is_a_400_too(talk: Talk) -> None:
    said = await talk.refused("x", extra_body={"messages": [{"role": "user", "content": ["x"]}]})
    assert "messages.0.content.0" in said
    assert PLAIN not in said
