"""A Claude that says exactly what a test tells it to, over real HTTP: for what must be decided byte by byte.

The bundled simulator answers like Claude; this one answers like the test wants, and lets it decide when.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Ending:
    """How a connection ends before its answer does."""

    RESET = "reset"
    CLOSE = "close"
    STALL = "stall"


Step: TypeAlias = bytes | asyncio.Event | float | str
"""Bytes to write, an event to wait for, seconds to let pass (in benchmarks), or how it ends (``Ending``)."""

Steps: TypeAlias = Iterable[Any]
"""Steps, one after the other; not said more exactly, since lists of mixed literals are hard to infer."""


@dataclass
class Refusal:
    """An answer that is not a stream."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request that came."""

    path: str
    headers: dict[str, str]
    raw: bytes
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    aborted: bool = False

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.raw)
        return body

    @property
    def prompt(self) -> str:
        """What the reader asked, as JSON; what the gateway adds comes after it."""
        return json.dumps(self.body["messages"][0])


Answer: TypeAlias = Steps | Refusal
Script: TypeAlias = Callable[[Call], Answer]


def frame(event: str, **data: Any) -> bytes:
    written = json.dumps({"type": event, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event}\ndata: {written}\n\n".encode()


def message_start(*, model: str = "claude-sonnet-5-5", id_: str = "msg_1", **usage: Any) -> bytes:
    message: dict[str, Any] = {
        "id": id_,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 1, **usage},
    }
    return frame("message_start", message=message)


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    return [
        frame("content_block_start", index=index, content_block=start),
        *(frame("content_block_delta", index=index, delta=delta) for delta in deltas),
        frame("content_block_stop", index=index),
    ]


def text_delta(text: str, index: int = 0) -> bytes:
    return frame("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def text_block(*pieces: str, index: int = 0) -> list[bytes]:
    return block(
        index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces)
    )


TEXT_START = text_block()[0]
"""What stands before the deltas of a text that is the first block."""


def thinking_block(*pieces: str, index: int = 0, signature: str = "sig") -> list[bytes]:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    start = {"type": "thinking", "thinking": "", "signature": ""}
    return block(index, start, *deltas, {"type": "signature_delta", "signature": signature})


def ending(stop_reason: str = "end_turn", *, output_tokens: int = 5) -> list[bytes]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [
        frame("message_delta", delta=delta, usage={"output_tokens": output_tokens}),
        frame("message_stop"),
    ]


def saying(*pieces: str) -> list[bytes]:
    """Return the frames of a whole plain answer."""
    return [message_start(), *text_block(*pieces), *ending(output_tokens=len(pieces))]


class ScriptedClaude:
    """Answers ``POST /v1/messages`` as *script* says, call by call.

    Attributes:
        calls: What came to /v1/messages, oldest first.
        others: What came to other addresses.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._connections: set[asyncio.StreamWriter] = set()
        self.calls: list[Call] = []
        self.others: list[Call] = []
        self.connections = 0
        self.called = asyncio.Condition()
        self.url = ""

    async def __aenter__(self) -> "ScriptedClaude":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for writer in self._connections:
            writer.transport.abort()
        await self._server.wait_closed()

    async def until_called(self, times: int) -> Call:
        """Wait for the *times*-th call and return it."""
        async with self.called:
            await self.called.wait_for(lambda: len(self.calls) >= times)
        return self.calls[times - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
                line, *rest = head.split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in rest if h)}
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                call = Call(line.split()[1].partition("?")[0], headers, raw)
                if not await self._answer(call, reader, writer):
                    break
        self._connections.discard(writer)
        writer.close()

    async def _answer(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if call.path != "/v1/messages":
            self.others.append(call)
            return await self._refuse(writer, self._elsewhere(call))
        self.calls.append(call)
        async with self.called:
            self.called.notify_all()
        answer = self._script(call)
        try:
            if isinstance(answer, Refusal):
                return await self._refuse(writer, answer)
            return await self._stream(call, answer, reader, writer)
        finally:
            call.closed.set()

    def _elsewhere(self, call: Call) -> Refusal:
        if call.path.endswith("count_tokens"):
            return Refusal(200, {"input_tokens": 42})
        models = [
            {"type": "model", "id": name, "display_name": name.title(), "max_tokens": 128_000}
            for name in ("claude-sonnet-5-5", "claude-opus-5-5", "claude-unlisted-1")
        ]
        return Refusal(200, {"data": models, "has_more": False, "first_id": None, "last_id": None})

    @staticmethod
    async def _refuse(writer: asyncio.StreamWriter, refusal: Refusal) -> bool:
        raw = refusal.body if isinstance(refusal.body, bytes) else json.dumps(refusal.body).encode()
        headers = {
            "content-type": "application/json",
            "request-id": "req_claude",
            "content-length": str(len(raw)),
        } | refusal.headers
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {refusal.status} Scripted\r\n{head}\r\n".encode() + raw)
        await writer.drain()
        return True

    @staticmethod
    async def _stream(
        call: Call, steps: Steps, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_claude\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        # A client that streams sends nothing more until it is done.
        gone = asyncio.ensure_future(reader.read(1))
        try:
            for step in steps:
                if step == Ending.RESET:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
                if step == Ending.CLOSE:
                    return False
                if isinstance(step, float):
                    await asyncio.sleep(step)
                    continue
                if isinstance(step, bytes):
                    writer.write(b"%x\r\n%s\r\n" % (len(step), step))
                    await writer.drain()
                    continue
                wait = asyncio.ensure_future(
                    step.wait() if isinstance(step, asyncio.Event) else asyncio.Event().wait()
                )
                await asyncio.wait((wait, gone), return_when=asyncio.FIRST_COMPLETED)
                wait.cancel()
                if gone.done():
                    call.aborted = True
                    return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        except ConnectionError:
            call.aborted = True
            return False
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await gone
        return True


WORDS = [f"w{n} " for n in range(60)]
FULL = "".join(WORDS)


def gated(gate: asyncio.Event, words: Sequence[str] = WORDS, *, after: int = 30) -> list[Any]:
    """Return the steps of an answer that stops after so many of its words, until the gate opens."""
    frames = saying(*words)
    return [*frames[: after + 2], gate, *frames[after + 2 :]]


def always(answer: Answer) -> Script:
    return lambda _: answer


def one_after_the_other(*answers: Answer) -> Script:
    remaining = iter(answers)
    return lambda _: next(remaining)


def refusing(status: int, kind: str, text: str = "no", **headers: str) -> Refusal:
    error = {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_claude"}
    return Refusal(status, error, {name.replace("_", "-"): value for name, value in headers.items()})


def calling(*calls: tuple[str, Any], text: str = "") -> list[bytes]:
    """Return a whole turn that calls tools and then says *text*."""
    frames = [message_start()]
    for index, (name, given) in enumerate(calls):
        pieces = given if isinstance(given, str) else json.dumps(given)
        frames += call_block(index, f"t{index}", name, pieces)
    if text:
        frames += text_block(text, index=len(calls))
    return [*frames, *ending("tool_use")]


def call_block(index: int, id_: str, name: str, pieces: str) -> list[bytes]:
    halves = (pieces[:3], pieces[3:])
    deltas = [{"type": "input_json_delta", "partial_json": half} for half in ("", *halves)]
    return block(index, {"type": "tool_use", "id": id_, "name": name, "input": {}}, *deltas)
