"""What is wrong with a request is said in the contract's shape, names the field, and nothing goes upstream."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude

IMAGE = {"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(claude: ScriptedClaude) -> AsyncIterator[Gateway]:
    """A gateway that takes 100,000 bytes."""
    async with serving(claude.url, max_body_bytes=100_000) as gateway:
        yield gateway


BODIES: dict[str, tuple[Any, str]] = {
    "broken JSON": (b'{"messages": [', "JSON"),
    "an empty body": (b"", "JSON"),
    "not UTF-8": (b'{"prompt": "\xff\xfe"}', "UTF-8"),
    "a lone surrogate": (b'{"prompt": "\\ud800"}', "JSON"),
    "NaN": (b'{"prompt": "x", "max_tokens": NaN}', "JSON"),
    "nesting of 100,000": (b'{"messages":' + b"[" * 40_000 + b"]" * 40_000 + b"}", "JSON"),
    "nesting of 600": (b'{"prompt":"x","metadata":' + b'{"a":' * 600 + b"1" + b"}" * 600 + b"}", "nested"),
    "a list": ([], "object"),
    "a string": ("hello", "object"),
    "nothing asked": ({}, "messages"),
    "both messages and prompt": (ask("x", prompt="y"), "messages"),
    "empty messages": ({"messages": []}, "messages"),
    "an empty prompt": ({"prompt": ""}, "prompt"),
    "a prompt that is no text": ({"prompt": 3}, "prompt"),
    "messages that are no list": ({"messages": "x"}, "messages"),
    "a message that is no object": ({"messages": ["x"]}, "messages.0"),
    "a bad role": ({"messages": [{"role": "god", "content": "x"}]}, "messages.0.role"),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content"),
    "content of the wrong type": ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
    "a block without a type": (
        {"messages": [{"role": "user", "content": [{}]}]},
        "messages.0.content.0.type",
    ),
    "an unknown model": (ask("x", model="gpt-9"), "model"),
    "an unknown field": (ask("x", mcp_servers=[]), "mcp_servers"),
    "a sampling parameter": (ask("x", temperature=1), "temperature"),
    "negative max_tokens": (ask("x", max_tokens=-1), "max_tokens"),
    "huge max_tokens": (ask("x", max_tokens=10**9), "max_tokens"),
    "max_tokens beyond an integer": (b'{"prompt":"x","max_tokens":1e99}', "max_tokens"),
    "max_tokens of the wrong type": (ask("x", max_tokens="9"), "max_tokens"),
    "stream of the wrong type": (ask("x", stream="yes"), "stream"),
    "a tool that is not registered": (ask("x", tools=[{"name": "rm"}]), "tools.0"),
    "a tool whose name is no name": (ask("x", tools=[{"name": ["rm"]}]), "tools.0"),
    "a tool without a name": (ask("x", tools=[{}]), "tools.0"),
    "a tool that is no object": (ask("x", tools=["rm"]), "tools.0"),
    "tools that are no list": (ask("x", tools={"name": "rm"}), "tools"),
    "an image by URL": (
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        "URL",
    ),
    "an image by URL in a tool's result": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [IMAGE]}]}]},
        "URL",
    ),
    "a document by URL": (
        {"messages": [{"role": "user", "content": [{**IMAGE, "type": "document"}]}]},
        "URL",
    ),
    "an image by URL within a document": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "document", "source": {"type": "content", "content": [IMAGE]}}],
                }
            ]
        },
        "URL",
    ),
    "an unknown event type": (ask("x", events=["smell"]), "events"),
    "a bad buffer": (ask("x", buffer="page"), "buffer"),
    "a buffer of no time": (ask("x", buffer={"every_ms": 0}), "buffer"),
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/count_tokens"])
async def test_a_bad_body_is_a_400_that_names_the_field(
    what: str, path: str, small: Gateway, claude: ScriptedClaude, caplog: pytest.LogCaptureFixture
) -> None:
    body, needle = BODIES[what]
    answer = await small.request("POST", path, body)
    assert answer.status == 400, answer.raw
    assert answer.error["type"] == "invalid_request_error"
    assert needle in answer.error["message"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert not claude.calls
    assert not claude.others
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": 1}, "prompt: must be a string."),
        ({"messages": ["x"]}, "messages.0: must be an object."),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: must be a string or a list."),
        (
            {"messages": [{"role": "god", "content": "x"}]},
            "messages.0.role: must be 'user', 'assistant' or 'system'.",
        ),
        (ask("x", tool_choice="auto"), "tool_choice: must be an object."),
        (ask("x", max_tokens=1.5), "max_tokens: must be a whole number."),
        (ask("x", stream="no"), "stream: must be true or false."),
        (ask("x", buffer="word"), "buffer: must be 'sentence' or an object."),
        (ask("x", tools=[{}]), "tools.0: must have an input_schema, a type, or the name of a tool that"),
    ],
    ids=str,
)
async def test_a_wrong_kind_is_told_in_jsons_words(body: Any, message: str, small: Gateway) -> None:
    answer = await small.request("POST", "/api/chat", body)
    assert answer.error["message"].startswith(message)


async def test_a_long_field_name_is_shown_short_and_printable(small: Gateway) -> None:
    answer = await small.request("POST", "/api/chat", {"prompt": "x", "\x1b[31m" + "a" * 5000: 1})
    assert answer.status == 400
    assert "\x1b" not in answer.error["message"]
    assert len(answer.error["message"]) < 200


async def test_a_body_over_the_limit_is_a_413_before_it_is_read(
    small: Gateway, claude: ScriptedClaude
) -> None:
    answer = await small.request("POST", "/api/chat", b"", {"Content-Length": "10000000000"})
    assert answer.status == 413
    assert answer.error["type"] == "request_too_large"
    assert "100,000" in answer.error["message"]
    assert answer.headers["connection"] == "close"
    assert not claude.calls


async def test_a_body_over_the_limit_without_a_length_is_a_413(
    small: Gateway, claude: ScriptedClaude
) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    headers = {"Transfer-Encoding": "chunked"}
    answer = await small.request("POST", "/api/chat", chunk * 10 + b"0\r\n\r\n", headers)
    assert answer.status == 413
    assert not claude.calls


async def test_a_sender_of_too_much_gets_to_see_the_refusal(small: Gateway) -> None:
    answer = await small.request("POST", "/api/chat", b"x" * 3_000_000)
    assert answer.status == 413


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_that_is_not_said_to_be_json_is_a_415(
    kind: str, small: Gateway, claude: ScriptedClaude
) -> None:
    answer = await small.request("POST", "/api/chat", b'{"prompt":"x"}', {"Content-Type": kind})
    assert answer.status == 415
    assert answer.error["type"] == "invalid_request_error"
    assert not claude.calls


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/chat", "DELETE, POST"),
        ("PUT", "/api/chat", "DELETE, POST"),
        ("POST", "/api/models", "GET, HEAD"),
        ("PUT", "/static/js/main.js", "GET, HEAD"),
        ("OPTIONS", "/static/nope.js", "GET, HEAD"),
        ("TRACE", "/api/chat", "DELETE, POST"),
        ("PUT", "/api/chat/g_1/stream", "GET"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_the_right_ones(
    method: str, path: str, allowed: str, small: Gateway
) -> None:
    answer = await small.request(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    assert answer.error["type"] == "invalid_request_error"
    assert allowed in answer.error["message"]


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/api/models", "/api/config", "/api/openapi.json"]
)
async def test_a_head_is_answered_as_a_get_without_the_body(path: str, small: Gateway) -> None:
    got, head = [await small.request(method, path) for method in ("GET", "HEAD")]
    assert (head.status, head.raw) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/api",
        "/static/nope.js",
        "/static/",
        "/static/../app/__init__.py",
        "/static/..%2fapp%2f__init__.py",
        "/static/%2e%2e/pyproject.toml",
        "/static/....//pyproject.toml",
        "/static//etc/passwd",
        "/static/%00",
        "/static/js\\..\\..\\pyproject.toml",
        "/../pyproject.toml",
        "/.env",
        "/app/settings.py",
    ],
)
async def test_nothing_outside_the_pages_files_can_be_fetched(path: str, small: Gateway) -> None:
    answer = await small.request("GET", path)
    assert answer.status == 404, answer.raw
    assert answer.error["type"] == "not_found_error"
    assert answer.json["request_id"]


async def test_a_compressed_body_is_a_415_that_says_so(small: Gateway, claude: ScriptedClaude) -> None:
    packed = gzip.compress(b'{"prompt":"x"}')
    answer = await small.request("POST", "/api/chat", packed, {"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert "Content-Encoding" in answer.error["message"]
    assert not claude.calls
    plain = await small.request("POST", "/api/chat", b"[]", {"Content-Encoding": "identity"})
    assert plain.status == 400  # read, and found to be no question


TWICE = "a\r\nIdempotency-Key: b"
"""Two keys may lead to two answers, and one would be billed for nothing."""


@pytest.mark.parametrize("key", ["", "a" * 201, "naïve", "a\tb", TWICE])
async def test_a_malformed_idempotency_key_is_a_400(key: str, small: Gateway, claude: ScriptedClaude) -> None:
    answer = await small.request("POST", "/api/chat", ask("x"), {"Idempotency-Key": key})
    assert answer.status == 400
    assert "Idempotency-Key" in answer.error["message"]
    assert not claude.calls


async def test_cancelling_by_key_needs_a_key(small: Gateway) -> None:
    assert (await small.request("DELETE", "/api/chat", headers={"Idempotency-Key": TWICE})).status == 400
    answer = await small.request("DELETE", "/api/chat")
    assert answer.status == 400
    assert "Idempotency-Key" in answer.error["message"]
