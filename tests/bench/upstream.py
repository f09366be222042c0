"""A fake Claude that is cheaper than any gateway: raw asyncio, answers built once, one system call per delta.

``python -m tests.bench.upstream`` listens on a free loopback port and prints it; it ends with its standard input.
``GET /cut`` tells when connections were closed in the middle of an answer (``time.monotonic``, which all processes
of a machine share).

A delta is written straight to the socket, so that each is a system call of its own as at a real Claude: a transport
would join what is written within one turn of the loop. What the kernel does not take goes the transport's way.
"""

import asyncio
import os
import sys
import time
from typing import cast

import orjson
import uvloop

from tests.bench.answers import VARIANTS, Case, Script, script
from tests.bench.kernel import raise_file_limit

_cut: list[float] = []


class Claude(asyncio.Protocol):
    """One connection: requests one after the other, each answered by its script."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._script: Script | None = None
        self._at = 0
        self._began = 0.0
        self._step_s = 0.0
        self._handle: asyncio.Handle | None = None
        self._paused = False
        self._clogged = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        # A number of our own: the transport's may belong to another connection before it tells us that it is gone.
        self._fd = os.dup(transport.get_extra_info("socket").fileno())
        self._transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note when it was lost, if in the middle of an answer."""
        os.close(self._fd)
        if self._handle:
            self._handle.cancel()
        if self._script:
            _cut.append(time.monotonic())
            self._script = None

    def pause_writing(self) -> None:
        """The kernel's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on where a full buffer stopped the answer."""
        self._paused = False
        if self._clogged and self._script:
            self._clogged = False
            self._tick()

    def data_received(self, data: bytes) -> None:
        """Answer when a request is whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._script:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        if head.startswith(b"get /cut"):
            self._json(_cut)
        elif head.startswith(b"post /v1/messages") and (case := Case.of(body)):
            self._answer(case)
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _json(self, value: object) -> None:
        body = orjson.dumps(value)
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def _answer(self, case: Case) -> None:
        self._script = script(case)
        self._step_s = case.ms / 1000
        self._at = 0
        self._began = self._loop.time()
        self._write(self._script.head)
        self._tick()

    def _tick(self) -> None:
        """Write the delta whose time has come."""
        answer = self._script
        if answer is None:
            return
        if self._paused:
            self._clogged = True
            return
        self._write(answer.deltas[self._at])
        self._at += 1
        if self._at == len(answer.deltas):
            self._script = None
            self._write(answer.tail)
        elif self._step_s:
            self._handle = self._loop.call_at(self._began + self._at * self._step_s, self._tick)
        else:
            self._handle = self._loop.call_soon(self._tick)

    def _write(self, data: bytes) -> None:
        if self._paused:
            self._transport.write(data)
            return
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._paused = True
            self._transport.abort()
            return
        if sent < len(data):
            self._transport.write(data[sent:])


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Claude, "127.0.0.1", 0, backlog=4096)
    for variant in range(VARIANTS):
        script(Case(1, 0, variant, "tool"))  # megabytes; others are made in no time when they are asked for
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


if __name__ == "__main__":
    raise_file_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
