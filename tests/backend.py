"""Stands in for a gateway where a test is about nginx alone: a backend that answers what the test says."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.nginx import Nginx

EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Request:
    """One request as it reached the backend; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Wire:
    """The backend's end of one connection, for an answer in HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = True

    async def whole(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await self._head(
            status, {**fields, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )
        await self._send(body)

    async def begin(self, *, chunked: bool = True) -> None:
        """Begin a stream, with an event for each ``event``, that ``end`` ends."""
        self._chunked = chunked
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Connection": "close"}
        await self._head(200, {**EVENT_STREAM, **framing})

    async def event(self, number: int) -> None:
        event = b"data: %d\n\n" % number
        await self._send(b"%x\r\n%b\r\n" % (len(event), event) if self._chunked else event)

    async def end(self) -> None:
        if self._chunked:
            await self._send(b"0\r\n\r\n")
        else:
            self._writer.close()

    async def raw(self, data: bytes) -> None:
        await self._send(data)

    async def read(self) -> bytes:
        return await self._reader.read(1000)

    def die(self) -> None:
        self._writer.transport.abort()

    async def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        await self._send(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode())

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


Answer = Callable[[Request, Wire], Awaitable[None]]


class Backend:
    """It answers what the test says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self.address = ("127.0.0.1", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await self._next(reader):
                self.requests.append(request)
                await self.answer(request, Wire(reader, writer))
        except ConnectionError:
            pass  # what the test wanted
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        method, target, _ = first.split(" ")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        return Request(
            method, target, headers, await reader.readexactly(int(headers.get("content-length", 0)))
        )


async def always_ok(request: Request, wire: Wire) -> None:
    await wire.whole()


@contextlib.asynccontextmanager
async def backend(answer: Answer = always_ok) -> AsyncIterator[Backend]:
    stand_in = Backend(answer)
    connected: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.add(asyncio.create_task(stand_in.serve(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    stand_in.address = server.sockets[0].getsockname()
    try:
        yield stand_in
    finally:
        server.close()
        for task in connected:
            task.cancel()
        for result in await asyncio.gather(*connected, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


@contextlib.asynccontextmanager
async def served(
    folder: Path, answer: Answer = always_ok, changes: dict[str, str] | None = None
) -> AsyncIterator[tuple[Backend, Nginx, httpx.AsyncClient]]:
    """Give a backend, nginx in front of it, and a client of both."""
    async with (
        asyncio.timeout(60),
        backend(answer) as stand_in,
        Nginx(folder, stand_in.address, changes=changes) as nginx,
        httpx.AsyncClient(base_url=nginx.url, timeout=30) as client,
    ):
        yield stand_in, nginx, client


async def exchange(nginx: Nginx, sent: bytes) -> tuple[bytes, bytes]:
    """Send bytes that no client library would, and return the head and the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    try:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head, await reader.readexactly(int(length[1]) if length else 0)
    finally:
        writer.close()


def assert_error(answer: httpx.Response, status: int, kind: str) -> None:
    """Assert that *answer* is an error in the one shape that all errors have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert set(told) == {"type", "error", "request_id"}
    assert told["type"] == "error"
    assert set(told["error"]) == {"type", "message"}
    assert told["error"]["type"] == kind
    assert told["error"]["message"].endswith(".")
    assert told["request_id"] == answer.headers["x-request-id"]
