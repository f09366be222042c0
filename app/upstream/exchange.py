"""One request to Claude and its answer, on a connection that somebody else opens and keeps.

While an answer comes, httptools reads it, and each read's bytes are pushed to whoever asked, in the callback in which
they came: no task is woken and no timer armed for a delta (measured: a third less than through a client that is
pulled from). Then the connection goes back to where it came from.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httptools
import httpx2

ENOUGH_S = 0.25
"""How long to wait for the end of a body that nobody needs any more; read to its end, a connection is kept."""

LARGE_READ_BYTES = 64 * 1024
"""After a read of so much it is everybody else's turn: while a connection has more, uvloop reads it on and on."""

MAX_HEAD_BYTES = 64 * 1024
"""Bound of an answer's head, and of all that may come before it."""

MAX_WHOLE_BYTES = 16 * 1024 * 1024
"""Bound of a body that is read at one go: an error, a list."""


class Exchange(asyncio.Protocol, httpx2.AsyncByteStream):
    """One request and its answer.

    Args:
        connection: What it happens on; given back when the answer has been read, or else closed.

    Attributes:
        status, headers: Those of the answer, once ``ask`` has returned; names in lower case.
    """

    def __init__(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._loop = loop
        self._connection = connection
        self._pool = connection.protocol  # aiohttp's, which watches the connection while it is idle
        self._transport: asyncio.Transport = connection.transport
        self._parser: Any = httptools.HttpResponseParser(self)
        self._status: asyncio.Future[int | None] = loop.create_future()
        self._read: list[bytes] = []
        self._take: Callable[[bytes], Any] | None = None
        self._over: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._head_bytes = 0
        self._to_eof = True
        self._complete = self._keeps = self._enough = self._closed = False
        self._waiting: asyncio.TimerHandle | None = None
        self._transport.set_protocol(self)

    async def ask(self, request: bytes) -> None:
        """Send *request*, head and body; return once the head of the answer is there.

        Raises:
            httpx2.RemoteProtocolError: it is not HTTP, or the connection ended before.
        """
        self._transport.write(request)
        status = await self._status
        if status is None:
            raise self._why()
        self.status = status

    def header(self, name: bytes) -> str:
        """Return the answer's header *name*, which is in lower case; empty where there is none."""
        for each, value in self.headers:
            if each == name:
                return value.decode("latin-1")
        return ""

    async def push(self, take: Callable[[bytes], Any]) -> None:
        """Call *take* with what each read brings, until the body ends or *take* says that it has enough.

        What *take* raises is raised here. After enough, the end of the body is waited for, but not for long.

        Raises:
            httpx2.ReadError: the connection ended before the body did.
            httpx2.RemoteProtocolError: what came is not HTTP.
        """
        self._take = take
        self._over = self._loop.create_future()
        self._deliver()
        try:
            await self._over
        finally:
            self._over = self._take = self._failure = None  # what they raise holds us by its trace

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in one piece."""
        body = bytearray()

        def take(data: bytes) -> None:
            nonlocal body
            body += data
            if len(body) > MAX_WHOLE_BYTES:
                msg = f"a body has more than {MAX_WHOLE_BYTES:,} bytes"
                raise httpx2.RemoteProtocolError(msg)

        await self.push(take)
        yield bytes(body)

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        if not self._closed:
            self._closed = True
            self._parser = None  # it holds us, and we it
            if self._transport.get_write_buffer_size():
                self._transport.abort()  # else the question would be kept for as long as nobody takes the rest of it
            self._connection.close()

    def _give_back(self) -> None:
        if self._closed:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent or not self._keeps or self._transport.is_closing():
            self._hang_up()
            return
        self._closed = True
        self._parser = None
        self._transport.set_protocol(self._pool)
        self._connection.release()

    # What the connection brings

    def data_received(self, data: bytes) -> None:
        """Read what came, and hand it on."""
        if self._closed:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(f"not HTTP: {type(error).__name__}"))
        if not self._status.done():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._fail(httpx2.RemoteProtocolError(f"a head has more than {MAX_HEAD_BYTES:,} bytes"))
        if self._complete:
            self._give_back()
        self._deliver()
        if len(data) >= LARGE_READ_BYTES and not self._closed:
            self._transport.pause_reading()
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self._closed:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, which is that of the body if nothing else can be."""
        self._pool.connection_lost(exc)
        if self._status.done() and self._to_eof and exc is None:
            self._complete = True
        lost = httpx2.ReadError if self._status.done() else httpx2.RemoteProtocolError
        self._fail(lost("the connection ended before the answer did"))
        self._deliver()

    def _deliver(self) -> None:
        if self._over is None or self._over.done() or self._take is None:
            return
        if self._read and not self._enough:
            data = self._read[0] if len(self._read) == 1 else b"".join(self._read)
            self._read.clear()
            try:
                self._enough = bool(self._take(data))
            except Exception as error:  # noqa: BLE001 - whoever pushes raises it
                self._end_push(error)
                return
        if self._complete or (self._enough and self._failure):
            self._end_push()
        elif self._failure:
            self._end_push(self._failure)
        elif self._enough and self._waiting is None:
            self._waiting = self._loop.call_later(ENOUGH_S, self._end_push)

    def _end_push(self, failure: Exception | None = None) -> None:
        """Let whoever pushes go on, unless that was cancelled meanwhile."""
        if self._over is None or self._over.done():
            return
        if failure:
            self._over.set_exception(failure)
        else:
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Note why there will be nothing more."""
        self._failure = error
        if not self._status.done():
            self._status.set_result(None)
        self._hang_up()

    def _why(self) -> Exception:
        """Return the failure, and keep it no longer: its trace holds us, and a circle waits for a full collection."""
        failure, self._failure = self._failure, None
        return failure or httpx2.RemoteProtocolError("no status")

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin a head; one of status 1xx is followed by another.

        Raises:
            ValueError: nothing was asked that this could answer; the parser fails with it.
        """
        if self._complete:
            raise ValueError
        self.headers = []
        self._to_eof = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; one that comes behind the body is for nobody."""
        if self._status.done():
            return
        name = name.lower()
        self.headers.append((name, value))
        if name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower()):
            self._to_eof = False

    def on_headers_complete(self) -> None:
        """Let the asker go on."""
        status = self._parser.get_status_code()
        if status >= 200 and not self._status.done():
            self._to_eof = self._to_eof and status not in (204, 304)
            self._status.set_result(status)

    def on_body(self, data: bytes) -> None:
        """Note a piece of the body."""
        if not self._enough:
            self._read.append(data)

    def on_message_complete(self) -> None:
        """Note the end of the body."""
        self._complete = self._parser.get_status_code() >= 200
        self._keeps = self._parser.should_keep_alive()  # the parser forgets it with the next byte
