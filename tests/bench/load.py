"""The load generator: sends requests, keeps every read with its time, looks at nothing before the trial is over.

A reader costs one system call, one clock reading and one append per read, so that the rig stays cheaper than what
it measures; ``reading`` does the rest afterwards. Every request has a connection of its own, as a browser's first
request has.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

END = b"\r\n0\r\n\r\n"
"""What a chunked body ends with. A false hit would cut an answer, which its hash would tell."""

Address = tuple[str, int]


class Reader(asyncio.Protocol):
    """One request, and all that was read in answer to it.

    Attributes:
        sent_at: When the request was written.
        reads: The time of each read and what it held.
        begun: Done with the first read.
        over: Done when the answer or the connection has ended.
        left_at: When this side closed the connection.
    """

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._request = request
        self._chunked = True
        self.sent_at = 0.0
        self.left_at = 0.0
        self.reads: list[tuple[float, bytes]] = []
        self.begun: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast("asyncio.Transport", transport)
        self.sent_at = time.monotonic()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        reads = self.reads
        reads.append((time.monotonic(), data))
        if len(reads) == 1:
            self.begun.set_result(None)
            self._chunked = b"\r\ntransfer-encoding: chunked\r\n" in data.lower()
        if data.endswith(END) or len(data) < len(END) or not self._chunked:
            self._look_closer()

    def _look_closer(self) -> None:
        """Close if this is the end."""
        whole = b"".join(data for _, data in self.reads[-len(END) :]).endswith(END)
        if whole or (not self._chunked and self._has_all()):
            self._transport.close()

    def _has_all(self) -> bool:
        head, _, body = b"".join(data for _, data in self.reads).partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0].strip()
        return length.isdigit() and len(body) >= int(length)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for future in (self.begun, self.over):
            if not future.done():
                future.set_result(None)

    def leave(self) -> None:
        """Close the connection, whatever is still to come."""
        self.left_at = time.monotonic()
        self._transport.abort()


@dataclass(frozen=True, slots=True)
class Start:
    """A request, and how many seconds after the trial's beginning it is sent."""

    request: bytes
    after_s: float = 0.0


async def open_readers(address: Address, starts: Sequence[Start]) -> list[Reader]:
    """Send all requests at their times and return their readers once all have been sent."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def begin(start: Start) -> Reader:
        await asyncio.sleep(began + start.after_s - loop.time())
        _, reader = await loop.create_connection(lambda: Reader(start.request), *address)
        return reader

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(begin(start)) for start in starts]
    return [task.result() for task in tasks]


async def finish(readers: Sequence[Reader], timeout_s: float) -> None:
    """Wait until all have ended; those that have not after *timeout_s* are closed and will count as failed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(asyncio.shield(reader.over) for reader in readers))
    for reader in readers:
        if not reader.over.done():
            reader.leave()
            await reader.over


async def play(address: Address, starts: Sequence[Start], timeout_s: float) -> list[Reader]:
    """Send all requests at their times; return what came when all answers have ended."""
    readers = await open_readers(address, starts)
    await finish(readers, timeout_s)
    return readers


async def one_by_one(address: Address, requests: Sequence[bytes], timeout_s: float) -> list[Reader]:
    """Send each request when the answer to the one before has ended."""
    readers: list[Reader] = []
    for request in requests:
        readers += await play(address, [Start(request)], timeout_s)
    return readers


async def fetch(address: Address, path: str) -> bytes:
    """Return the body of a GET."""
    [reader] = await play(address, [Start(get(path, address))], 5)
    return b"".join(data for _, data in reader.reads).partition(b"\r\n\r\n")[2]


def get(path: str, address: Address, headers: str = "") -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\n{headers}\r\n".encode()


def post(path: str, address: Address, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a POST request with a JSON body."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nContent-Type: application/json\r\n"
        f"anthropic-version: 2023-06-01\r\nx-api-key: x\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
