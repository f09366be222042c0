"""What a browser sends goes up to Claude as it is and in the order it came, so that prompts stay cached."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.running import KEY, Gateway, serving
from tests.scripted import ScriptedClaude, block, ending, message_start, saying

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD: dict[str, Any] = {
    "zulu": "Zażółć gęślą jaźń 🌍 \u2028 漢字 \x7f / </script>",
    "alpha": [0.1, 1e22, 1e-7, -0.0, 5e-324, 2**63, 10**30, -(2**70), True, None],
    "mike": {"z": 1, "a": {"y": [], "b": {}}},
}
"""Key order that is nobody's alphabet, and numbers that encoders like to write in other ways."""

TOOL = {
    "name": "file_report",
    "input_schema": {"type": "object", "properties": {"z": {"type": "number"}, "a": {"type": "string"}}},
    "description": "Zażółć",
}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "file_report", "input": ODD}
THINKING = {"type": "thinking", "thinking": "Hm… 🤔", "signature": "EqQBCgIYAhIM+/=="}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude) -> AsyncIterator[Gateway]:
    async with serving(claude.url, system_prompt="Be brief. Żadnych dygresji.") as gateway:
        yield gateway


async def sent(body: dict[str, Any], gateway: Gateway, claude: ScriptedClaude) -> bytes:
    """Return the bytes that go up for *body*."""
    answer = await gateway.request(
        "POST", "/api/chat", json.dumps({**body, "stream": False}, ensure_ascii=False).encode()
    )
    assert answer.status == 200, answer.raw
    return claude.calls[-1].raw


def up_to_its_last_message(raw: bytes) -> bytes:
    """Return the body without the end of its list of messages, which come last but for what has no brackets."""
    return raw[: raw.rindex(b"]")]


def conversation(*more: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "claude-opus-5-5",
        "max_tokens": 4000,
        "tools": [TOOL],
        "system": [{"type": "text", "text": "Mów po polsku.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "Zgłoś to."}, *more],
    }


async def test_values_and_their_order_are_those_that_came(gateway: Gateway, claude: ScriptedClaude) -> None:
    body = conversation(
        {"role": "assistant", "content": [THINKING, CALL]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]},
    )
    raw = await sent(body, gateway, claude)
    went = json.loads(raw)
    for name in ("model", "max_tokens", "tools", "messages"):
        assert json.dumps(went[name]) == json.dumps(body[name])
    assert list(went)[: len(body)] == list(body)
    assert "Zażółć gęślą jaźń 🌍".encode() in raw
    assert b"1000000000000000000000000000000" in raw


@pytest.mark.parametrize(
    "newest",
    [
        {"role": "user", "content": "Dalej."},
        {"role": "user", "content": [{"type": "text", "text": "10^30 = " + "1" + "0" * 30}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_2", "name": "file_report", "input": {"n": 10**40}}],
        },
    ],
    ids=["text", "a long number", "an integer above 64 bits"],
)
async def test_the_bytes_of_what_was_said_before_are_the_same_in_the_next_request(
    newest: dict[str, Any], gateway: Gateway, claude: ScriptedClaude
) -> None:
    plain = [{"role": "assistant", "content": [THINKING, {"type": "text", "text": "Cześć 🌍, 1e22"}]}]
    before = await sent(conversation(*plain), gateway, claude)
    after = await sent(conversation(*plain, newest), gateway, claude)
    assert after.startswith(up_to_its_last_message(before))


async def test_the_bytes_of_a_turn_are_the_same_after_its_tools_have_run_and_when_a_client_goes_on() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
    given = {"type": "input_json_delta", "partial_json": '{"a": 100000000000000000000000000001, "b": 1}'}
    turns = iter(
        [[message_start(), *block(0, call, given), *ending("tool_use")], saying("Zażółć"), saying("x")]
    )
    async with (
        ScriptedClaude(lambda _: next(turns)) as claude,
        serving(claude.url, tools=("tests.kit",)) as tooled,
    ):
        body = {**conversation(), "tools": [{"name": "add"}]}
        answer = await tooled.request("POST", "/api/chat", {**body, "stream": False})
        body["messages"] += [*answer.json["turns"], {"role": "user", "content": "Dalej."}]
        await tooled.request("POST", "/api/chat", {**body, "stream": False})
    first, second, third = (call.raw for call in claude.calls)
    assert second.startswith(up_to_its_last_message(first))
    assert third.startswith(up_to_its_last_message(second))
    assert b"100000000000000000000000000001" in third


# Images and documents

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()

SOURCES: dict[str, dict[str, Any]] = {
    "an image in base64": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
    },
    "a Files image": {
        "type": "image",
        "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"},
    },
    "a PDF in base64": {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
        "title": "Żółw",
        "citations": {"enabled": True},
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    },
    "a Files document": {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "context": "x"},
    "a text document": {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "Zażółć"},
    },
    "a document of blocks": {
        "type": "document",
        "source": {"type": "content", "content": [{"type": "text", "text": "one"}]},
    },
    "a search result": {
        "type": "search_result",
        "source": "https://example.com",
        "title": "t",
        "content": [{"type": "text", "text": "x"}],
    },
    "a file for the container": {"type": "container_upload", "file_id": "file_2"},
    "what nobody knows yet": {"type": "hologram", "beam": {"z": 1, "a": 2}},
}


@pytest.mark.parametrize("what", SOURCES)
async def test_attachments_go_up_as_they_are(what: str, gateway: Gateway, claude: ScriptedClaude) -> None:
    content = [SOURCES[what], {"type": "text", "text": "What is it?"}]
    body = {"messages": [{"role": "user", "content": content}]}
    went = json.loads(await sent(body, gateway, claude))["messages"]
    assert json.dumps(went) == json.dumps(body["messages"])


async def test_sources_by_url_go_up_where_the_operator_allows_them(claude: ScriptedClaude) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    body = {"messages": [{"role": "user", "content": [image]}]}
    async with serving(claude.url, allow_url_sources=True) as open_gateway:
        went = json.loads(await sent(body, open_gateway, claude))
    assert went["messages"] == body["messages"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
        {"thinking": {"type": "between_tools"}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}, "metadata": {"user_id": "u"}},
        {"tools": [{"type": "web_search_20260318", "name": "web_search", "max_uses": 3}]},
        {"tools": [{"type": "computer_toolset_20260801", "configs": {"click": {}}}]},
        {"stop_sequences": ["\n\nKoniec"]},
    ],
    ids=str,
)
async def test_parameters_in_todays_forms_go_up_as_they_are(
    parameters: dict[str, Any], gateway: Gateway, claude: ScriptedClaude
) -> None:
    went = json.loads(await sent({"prompt": "x", **parameters}, gateway, claude))
    assert {name: went[name] for name in parameters} == parameters


async def test_a_question_is_asked_with_the_headers_of_claudes_sdk(
    gateway: Gateway, claude: ScriptedClaude
) -> None:
    await sent({"prompt": "x"}, gateway, claude)
    await gateway.request("POST", "/api/chat/count_tokens", {"prompt": "x"})
    question, of_the_sdk = claude.calls[-1].headers, claude.others[-1].headers
    assert KEY in question["authorization"]
    assert question["accept-encoding"] == "identity"
    differ = {name for name in of_the_sdk if question.get(name) != of_the_sdk[name]}
    # How it waits and tries again, which is the gateway's business; the last is aiohttp's own.
    assert differ <= {
        "content-length",
        "accept-encoding",
        "x-stainless-timeout",
        "x-stainless-retry-count",
        "connection",
    }
    assert "anthropic-version" in question
    assert question.keys() <= of_the_sdk.keys()
