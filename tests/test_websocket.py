"""The same events over a WebSocket."""

import asyncio
import json
from hashlib import sha256
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from app.limits.rates import MISSES
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, ending, message_start, saying, text_block


def at(gateway: Gateway, **headers: str) -> connect:
    return connect(f"ws://{gateway.host}:{gateway.port}/api/chat/ws", additional_headers=headers)


async def read(socket: ClientConnection) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return events and ids up to [DONE]."""
    events, ids = [], []
    async for message in socket:
        frame = json.loads(message)
        if frame == "[DONE]":
            await socket.wait_closed()
            assert socket.close_code == 1000
            break
        events.append(frame["event"])
        ids.append(frame["id"])
    return events, ids


def text(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "text")


async def test_a_request_over_a_socket_gives_the_same_events_as_over_http() -> None:
    async with ScriptedClaude(lambda _: saying("a", "🌍", "\n\n")) as claude, serving(claude.url) as gateway:
        async with at(gateway) as socket:
            await socket.send(json.dumps({"request": ask("x")}))
            events, ids = await read(socket)
        stream = await (await gateway.resume(events[0]["id"])).rest()
    assert text(events) == stream.text == "a🌍\n\n"
    assert events[-1] == stream.terminal
    assert ids[-1] == stream.ids[-1]


async def test_a_socket_resumes_after_the_last_id() -> None:
    async with ScriptedClaude(lambda _: saying("a", "b", "c")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        async with at(gateway) as socket:
            await socket.send(json.dumps({"resume": {"id": stream.id, "after": "1-4"}}))
            events, ids = await read(socket)
    assert "abc".endswith(text(events))
    assert ids[0] > "1-4"
    assert events[-1]["type"] == "done"


async def test_a_socket_that_resumes_may_ask_for_a_view() -> None:
    async with (
        ScriptedClaude(lambda _: saying("One. T", "wo. Three")) as claude,
        serving(claude.url) as gateway,
    ):
        stream = await (await gateway.stream(ask("x"))).rest()
        async with at(gateway) as socket:
            view = {"buffer": "sentence", "events": ["text"]}
            await socket.send(json.dumps({"resume": {"id": stream.id, **view}}))
            events, _ = await read(socket)
        async with at(gateway) as socket:
            await socket.send(json.dumps({"resume": {"id": stream.id, "buffer": "word"}}))
            (refused,), _ = await read(socket)
    assert [event["type"] for event in events] == ["text"] * len(events)
    assert [event["text"].rstrip()[-1] for event in events[:-1]] == ["."] * (len(events) - 1)
    assert text(events) == "One. Two. Three"
    assert "buffer" in refused["error"]["message"]


async def test_cancel_ends_it() -> None:
    script = [*saying("a")[:1], *text_block("one")[:2], asyncio.Event()]
    async with (
        ScriptedClaude(lambda _: script) as claude,
        serving(claude.url) as gateway,
        at(gateway) as socket,
    ):
        await socket.send(json.dumps({"request": ask("x")}))
        while json.loads(await socket.recv())["event"]["type"] != "text":
            pass
        await socket.send(json.dumps({"cancel": True}))
        events, _ = await read(socket)
        await claude.calls[0].closed.wait()
    assert events[-1]["stop_reason"] == "cancelled"
    assert claude.calls[0].aborted


async def test_leaving_starts_the_grace() -> None:
    script = [*saying("a")[:1], *text_block("one")[:2], asyncio.Event()]
    async with ScriptedClaude(lambda _: script) as claude, serving(claude.url, orphan_grace=0) as gateway:
        async with at(gateway) as socket:
            await socket.send(json.dumps({"request": ask("x")}))
            await socket.recv()
        await claude.calls[0].closed.wait()
    assert claude.calls[0].aborted


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("{", "invalid_request_error"),
        ("[]", "invalid_request_error"),
        ('{"request": {"model": "gpt-9", "prompt": "x"}}', "invalid_request_error"),
        ('{"resume": {"id": "g_nope"}}', "not_found_error"),
        ('{"cancel": true}', "invalid_request_error"),
    ],
)
async def test_what_is_wrong_is_an_error_event_and_the_end(message: str, status: str) -> None:
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url) as gateway,
        at(gateway) as socket,
    ):
        await socket.send(message)
        events, ids = await read(socket)
    assert [event["type"] for event in events] == ["error"]
    assert events[0]["error"]["type"] == status
    assert (events[0]["usage"], events[0]["digest"]) == ({}, sha256().hexdigest())
    assert ids == [None]
    assert not claude.calls


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_a_page_of_another_site_is_refused_at_the_upgrade(origin: str) -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await at(gateway, Origin=origin).__aenter__()
        async with at(gateway, Origin=f"http://{gateway.host}:{gateway.port}"):
            pass
    assert refused.value.response.status_code == 403


async def test_guessing_ids_over_sockets_ends_in_a_429_too() -> None:
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        tally = gateway.server._app.state.gateway.tally
        for _ in range(MISSES.rate.amount - 1):
            await tally.count(MISSES, "127.0.0.1")
        said = []
        for _ in range(2):
            async with at(gateway) as socket:
                await socket.send(json.dumps({"resume": {"id": "g_nope", "after": ""}}))
                events, _ids = await read(socket)
                said.append(events[0]["error"]["type"])
    assert said == ["not_found_error", "rate_limit_error"]


async def test_nothing_but_a_cancel_cancels() -> None:
    gate = asyncio.Event()
    script = [message_start(), *text_block("a")[:2], gate, *text_block("a")[2:], *ending()]
    async with (
        ScriptedClaude(lambda _: script) as claude,
        serving(claude.url) as gateway,
        at(gateway) as socket,
    ):
        await socket.send(json.dumps({"request": ask("x")}))
        await claude.until_called(1)
        for other in (
            '{"cancel": false}',
            '"do not cancel"',
            '{"note": "cancel"}',
            "cancel",
            "[]",
            "\ud83d",
        ):
            await socket.send(other.encode("utf-8", "replace").decode())
        gate.set()
        events, _ = await read(socket)
    assert events[-1]["stop_reason"] == "end_turn"
