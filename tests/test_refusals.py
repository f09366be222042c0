"""What Claude refuses, and how a stream breaks that is not to go on: whose fault it is, told once, to whom it concerns."""

import hashlib
from typing import Any

import pytest

from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import Ending, Refusal, ScriptedClaude, frame, message_start, refusing, saying

# What Claude refuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_claudes_refusal_reaches_the_client_as_it_is(status: int, kind: str) -> None:
    script = refusing(status, kind, "max_tokens: too large")
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url, retries=0) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == status
    assert answer.error == {"type": kind, "message": "max_tokens: too large"}
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


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal(600, {}), 502),
        (Refusal(999, b"", {"content-type": "text/plain"}), 502),
        (Refusal(304, b""), 502),
        (Refusal(302, b"", {"location": "file:///etc/passwd"}), 502),
        (Refusal(400, {"error": {"type": "x", "message": {"a": 1}, "details": "x"}}), 400),
        (Refusal(429, {"error": {"message": "slow", "details": {"error_code": ["x"]}}}), 429),
        (Refusal(400, {"error": "x"}), 400),
        (Refusal(400, []), 400),
    ],
    ids=str,
)
async def test_a_refusal_that_is_none_of_claudes_is_told_in_claudes_shape(
    refusal: Refusal, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedClaude(lambda _: refusal) as claude, serving(claude.url, retries=0) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("hi"))
    assert answer.status == status
    assert answer.error["message"]
    assert "failed with" not in caplog.text


@pytest.mark.parametrize("body", [b"no JSON", b"\xff", b"[]", b'{"input_tokens": "5", "data": 3}'])
async def test_a_short_answer_that_is_none_of_claudes_is_told_or_done_without(
    body: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        monkeypatch.setattr(claude, "_elsewhere", lambda _: Refusal(200, body))
        count = await gateway.request("POST", "/api/chat/count_tokens", ask("hi"))
        models = await gateway.request("GET", "/api/models")
    assert (count.status, count.error["type"]) == (502, "api_error")
    assert models.json["data"][0]["id"] == "claude-opus-5-5"
    assert "failed with" not in caplog.text


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
