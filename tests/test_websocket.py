"""The same events over a WebSocket."""

import asyncio
import contextlib
import json
import socket as socketlib
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.limits.rates import MISSES
from app.protocol import jsontext
from app.web import upgraded, websocket
from tests.patient import until
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


async def test_what_a_socket_asks_is_checked_as_a_body_is_and_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_as: list[bytes] = []
    parse = jsontext.parse_strictly

    def reading(data: bytes) -> Any:
        read_as.append(data)
        return parse(data)

    monkeypatch.setattr(jsontext, "parse_strictly", reading)
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        async with at(gateway) as socket:
            await socket.send('{"request": {"prompt": "x", "max_tokens": 5, "max_tokens": 6}}')
            (event,), _ = await read(socket)
        async with at(gateway) as socket:
            await socket.send(asked := '{"request": {"prompt": "x"}}')
            events, _ = await read(socket)
    assert event["error"]["message"] == "max_tokens: this field is there twice."
    assert events[-1]["type"] == "done"
    assert read_as[1:] == [asked.encode()]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("{", "invalid_request_error"),
        ("[]", "invalid_request_error"),
        ('{"request": {"model": "gpt-9", "prompt": "x"}}', "invalid_request_error"),
        ('{"resume": {"id": "g_nope"}}', "not_found_error"),
        ('{"cancel": true}', "invalid_request_error"),
        (b'{"request": {"prompt": "x"}}', "invalid_request_error"),
    ],
)
async def test_what_is_wrong_is_an_error_event_and_the_end(message: str | bytes, status: str) -> None:
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
        limiter = gateway.parts.limiter
        for _ in range(MISSES.rate.amount - 1):
            await limiter.count(MISSES, "127.0.0.1")
        said = []
        for _ in range(2):
            async with at(gateway) as socket:
                await socket.send(json.dumps({"resume": {"id": "g_nope", "after": ""}}))
                events, _ids = await read(socket)
                said.append(events[0]["error"])
    assert [error["type"] for error in said] == ["not_found_error", "rate_limit_error"]
    assert said[1]["retry_after_s"] > 0  # as Retry-After tells over HTTP


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
        await socket.send(b'{"cancel": true}')
        gate.set()
        events, _ = await read(socket)
    assert events[-1]["stop_reason"] == "end_turn"


async def test_after_the_first_message_only_short_ones_may_come() -> None:
    async with (
        ScriptedClaude(lambda _: [*saying("a")[:1], asyncio.Event()]) as claude,
        serving(claude.url) as gateway,
        at(gateway) as socket,
    ):
        await socket.send(json.dumps({"request": ask("x")}))
        await claude.until_called(1)
        await socket.send(json.dumps(["x" * 2000]))
        await socket.wait_closed()
    assert socket.close_code == 1009


async def test_a_first_message_takes_its_room_while_it_comes_and_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upgraded, "LINGER_S", 0.05)
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url, max_log_bytes=1_000_000) as gateway,
        at(gateway) as socket,
    ):
        never_whole = (piece for piece in ["x" * 100_000] * 5)
        with contextlib.suppress(ConnectionClosed):
            await socket.send(never_whole)
        events, _ = await read(socket)
        assert gateway.hub._rules.account.bytes == 0
    assert [event["error"]["type"] for event in events] == ["api_error"]
    assert "GATEWAY_MAX_LOG_BYTES" in events[0]["error"]["message"]


async def test_who_leaves_in_the_middle_of_a_message_leaves_nothing_of_it() -> None:
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url) as gateway,
        raw_socket(gateway) as (reader, writer),
    ):
        writer.write(frame(0x1, b"x" * 100, last=False) + frame(0x9, b"sync") + frame(0x0, b"x" * 100)[:50])
        await reader.readuntil(b"sync")
        (server,) = [
            each for each in gateway.server.server_state.connections if isinstance(each, upgraded.WebSocket)
        ]
        tasks = set(gateway.server.server_state.tasks)
        writer.close()
        await asyncio.wait(tasks)
        assert (server.frames, bytes(server.conn.reader.buffer)) == ([], b"")


async def test_who_does_not_say_what_it_wants_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "PATIENCE_S", 0.05)
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url) as gateway,
        at(gateway) as socket,
    ):
        events, _ = await read(socket)
    assert "first" in events[0]["error"]["message"]


async def test_pongs_that_nobody_reads_do_not_pile_up() -> None:
    async with (
        ScriptedClaude(lambda _: [*saying("a")[:1], asyncio.Event()]) as claude,
        serving(claude.url) as gateway,
        raw_socket(gateway) as (_, writer),
    ):
        writer.write(frame(0x1, json.dumps({"request": ask("x")}).encode()))
        await claude.until_called(1)
        (server,) = [
            each for each in gateway.server.server_state.connections if isinstance(each, upgraded.WebSocket)
        ]
        writer.write(frame(0x9, b"x" * 125) * 10_000 + frame(0x1, b'{"cancel": true}'))
        await claude.calls[0].closed.wait()  # all pings before it have been answered, or not
        assert server.transport.get_write_buffer_size() < 500_000  # what one read and the transport may hold


async def test_fragments_that_say_nothing_are_not_kept() -> None:
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url) as gateway,
        raw_socket(gateway) as (reader, writer),
    ):
        first, rest = json.dumps({"request": ask("x")}).encode().split(b" ", 1)
        writer.write(frame(0x1, first, last=False) + frame(0x0, b"", last=False) * 90 + frame(0x9, b"sync"))
        await reader.readuntil(b"sync")
        (server,) = [
            each for each in gateway.server.server_state.connections if isinstance(each, upgraded.WebSocket)
        ]
        assert len(server.frames) == 1
        writer.write(frame(0x0, rest, last=False) + frame(0x0, b""))
        await reader.readuntil(b"[DONE]")
    assert claude.calls


async def test_frames_that_only_take_time_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    handled = 0
    handle = upgraded.WebSocket.handle_ping

    def count(socket: upgraded.WebSocket) -> None:
        nonlocal handled
        handled += 1
        handle(socket)

    monkeypatch.setattr(upgraded.WebSocket, "handle_ping", count)
    async with (
        ScriptedClaude(lambda _: saying("a")) as claude,
        serving(claude.url) as gateway,
        raw_socket(gateway) as (reader, writer),
    ):
        writer.write(frame(0x9, b"") * 100_000)
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
        await until(
            lambda: (
                not any(
                    isinstance(each, upgraded.WebSocket) for each in gateway.server.server_state.connections
                )
            )
        )
    assert 0 < handled < 2_000


@contextlib.asynccontextmanager
async def raw_socket(gateway: Gateway) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open one whose frames a test makes itself, and which hardly takes what it does not read."""
    narrow = socketlib.socket()
    narrow.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_RCVBUF, 4096)
    narrow.connect((gateway.host, gateway.port))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4096)
    head = (
        f"GET /api/chat/ws HTTP/1.1\r\nHost: {gateway.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    writer.write(head.encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    """Return a client's frame of fewer than 126 bytes, masked with zeros (RFC 6455, §5.2)."""
    assert len(data) < 126
    return bytes([0x80 * last | kind, 0x80 | len(data), 0, 0, 0, 0]) + data
