"""A client of the gateway for tests: raw HTTP over a socket, frames split at blank lines, nothing assumed."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

DEADLINE_S = 20
"""Nothing in a test takes as long; past it, something hangs."""


@dataclass
class Answer:
    """An ordinary HTTP answer."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> dict[str, Any]:
        assert self.json["type"] == "error"
        error: dict[str, Any] = self.json["error"]
        return error


@dataclass
class Stream:
    """An event stream as it is read.

    Attributes:
        events: Parsed ``data`` lines but for [DONE].
        ids: Of the events.
        comments: Lines that begin with a colon.
        done: How many [DONE] came.
    """

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    events: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    raw: bytes = b""
    done: int = 0
    cut: bool = False
    _buffer: bytes = b""
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.headers["x-chat-id"]

    @property
    def text(self) -> str:
        return "".join(event["text"] for event in self.events if event["type"] == "text")

    @property
    def terminal(self) -> dict[str, Any]:
        return self.events[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def next(self, kind: str | None = None) -> dict[str, Any]:
        """Return the next event (of type *kind*)."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                while self._waiting:
                    event = self._waiting.pop(0)
                    if kind is None or event["type"] == kind:
                        return event
                if not await self._read():
                    raise EOFError(f"the stream ended; it held {[event['type'] for event in self.events]}")

    async def until_text(self, length: int) -> None:
        """Read until there are *length* characters of text."""
        while len(self.text) < length:
            await self.next("text")

    async def until_comment(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not self.comments and await self._read():
                pass

    async def rest(self) -> "Stream":
        """Read to the end."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._read():
                pass
        self.close()
        return self

    def close(self) -> None:
        """Cut the line."""
        self.writer.transport.abort()

    async def _read(self) -> bool:
        try:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            chunk = (await self.reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ConnectionError):
            self.cut = True
            return False
        if not size:
            return False
        self.raw += chunk
        *blocks, self._buffer = (self._buffer + chunk).split(b"\n\n")
        for each in blocks:
            self._take(each.decode().split("\n"))
        return True

    def _take(self, lines: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        self.comments += [line for line in lines if line.startswith(":")]
        if "data" not in fields:
            return
        assert not self.done, "an event after [DONE]"
        if fields["data"] == "[DONE]":
            if self.events and self.terminal["type"] in ("done", "error"):
                assert fields["id"] == self.ids[-1], "[DONE] carries the terminal event's id"
            self.done += 1
            return
        event = json.loads(fields["data"])
        self.events.append(event)
        self._waiting.append(event)
        self.ids.append(fields["id"])


class Client:
    """Talks to the gateway at *url*, one connection for each request."""

    def __init__(self, url: str) -> None:
        self.host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        self.port = int(port)

    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request and return the head of the answer, and the connection to read the rest from."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        sent = {"Host": f"{self.host}:{self.port}", "Content-Type": "application/json"} | (headers or {})
        if "Transfer-Encoding" not in sent:
            sent.setdefault("Content-Length", str(len(raw)))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + raw)
        try:
            async with asyncio.timeout(DEADLINE_S):
                top, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        except BaseException:
            writer.transport.abort()
            raise
        got = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        return int(top.split()[1]), got, reader, writer

    async def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Return the whole answer to a request."""
        status, got, reader, writer = await self.open(
            method, path, body, {"Connection": "close"} | (headers or {})
        )
        async with asyncio.timeout(DEADLINE_S):
            raw = await reader.read()
        writer.close()
        if got.get("transfer-encoding") == "chunked":
            whole = b""
            while raw:
                size, _, raw = raw.partition(b"\r\n")
                whole, raw = whole + raw[: int(size, 16)], raw[int(size, 16) + 2 :]
            raw = whole
        return Answer(status, got, raw)

    async def stream(
        self,
        body: Any = None,
        *,
        method: str = "POST",
        path: str = "/api/chat",
        headers: dict[str, str] | None = None,
    ) -> Stream:
        """Return the event stream that answers a request, its head read."""
        stream = Stream(*await self.open(method, path, body, headers))
        assert stream.status == 200, await stream.reader.read(1000)
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        return stream

    async def resume(self, chat: str, last_id: str | None = None) -> Stream:
        """Return the stream of generation *chat* from after *last_id*."""
        headers = {"Last-Event-ID": last_id} if last_id is not None else {}
        return await self.stream(method="GET", path=f"/api/chat/{chat}/stream", headers=headers)


def ask(prompt: str, /, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "model": "claude-sonnet-5-5", **fields}


def asking(*names: str, **fields: Any) -> dict[str, Any]:
    """Return a question for which Claude may call these tools, which run here."""
    return ask("x", tools=[{"name": name} for name in names], **fields)
