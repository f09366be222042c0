"""One TCP connection: h11 reads the requests, this plays the steps of the responses.

A client that leaves is noticed at once, whether it sends a FIN or a RST, and the response is given up: that is
how a client cancels at Claude.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

import h11

from app.simulator.records import RequestRecord
from app.simulator.steps import Close, End, Hang, Head, Reset, Send, Step, Steps, Wait

JOIN_BYTES = 16 * 1024
"""Without pauses, events are joined up to this size: one write each would measure the kernel."""
MAX_UNREAD_BYTES = 64 * 1024
"""What a client may send while its response runs (pipelining) before it is cut off."""

LINGER_S = 2.0
"""How long the rest of a refused request is read and thrown away before the connection is closed."""


class BadRequest(Exception):
    """The bytes are no HTTP; carries the status h11 suggests."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


Respond = Callable[[RequestRecord], Steps]


class Connection(asyncio.Protocol):
    """Serves the requests of one client one after the other.

    Args:
        respond: Gives the steps of the response to a request; called when its body is complete.
        refuse: Gives the steps for what is no HTTP, or too large; takes the status.
        finished: Called with each record when its response is over.
        connections: Where it keeps itself while it is open.
        max_body_bytes: Larger bodies are refused with 413.
    """

    def __init__(
        self,
        respond: Respond,
        refuse: Callable[[int], Steps],
        finished: Callable[[RequestRecord], None],
        connections: "set[Connection]",
        *,
        max_body_bytes: int,
    ) -> None:
        self._respond = respond
        self._refuse = refuse
        self._finished = finished
        self._connections = connections
        self._max_body_bytes = max_body_bytes
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_UNREAD_BYTES)
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._unread_bytes = 0
        self._responding = False
        self._refusing = False
        self._gone = False
        self._pending = bytearray()

    # What the transport reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving."""
        self._transport = cast("asyncio.Transport", transport)
        self._socket = cast("socket.socket | None", transport.get_extra_info("socket"))
        if self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        """Hand *data* to the parser; a client that floods a running response is cut off."""
        if self._refusing:
            return
        if self._responding:
            self._unread_bytes += len(data)
            if self._unread_bytes > MAX_UNREAD_BYTES:
                self._transport.abort()
                return
        self._http.receive_data(data)
        self._arrived.set()

    def eof_received(self) -> bool:
        """Take a FIN as leaving, as Claude's front does; half-closed clients are not served."""
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop whatever runs for this client."""
        self._leave()
        self._connections.discard(self)

    def pause_writing(self) -> None:
        """Wait with further writes: the client reads slower than we speak."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on writing."""
        self._writable.set()

    def _leave(self) -> None:
        self._gone = True
        self._task.cancel()

    async def stop(self) -> None:
        """Drop the connection, whatever it does, and wait until its task has ended."""
        self._task.cancel()
        self._transport.abort()
        await asyncio.wait([self._task])

    # Requests in, responses out

    async def _serve(self) -> None:
        try:
            while not self._gone:
                await self._serve_one()
                if self._transport.is_closing() or self._http.our_state is not h11.DONE:
                    break
                if self._http.their_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
                self._unread_bytes = 0
        except BadRequest as error:
            if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                self._refusing = True
                await self._play(self._refuse(error.status), None)
                # Closing with unread bytes would send a RST, and the client might never see why.
                await asyncio.sleep(LINGER_S)
        except (ConnectionError, h11.LocalProtocolError):
            self._gone = True
        finally:
            self._transport.close()

    async def _serve_one(self) -> None:
        record = await self._request()
        if record is None:
            return
        self._responding = True
        complete = False
        try:
            complete = await self._play(self._respond(record), record)
        finally:
            self._responding = False
            record.end(asyncio.get_running_loop().time(), aborted=self._gone and not complete)
            self._finished(record)

    async def _request(self) -> RequestRecord | None:
        """Read one whole request; ``None`` when the client closed before it."""
        request = await self._next_event()
        if not isinstance(request, h11.Request):
            return None
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > self._max_body_bytes:
                raise BadRequest(413)
        if not isinstance(event, h11.EndOfMessage):
            return None
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        return RequestRecord(
            method=request.method.decode(),
            path=path,
            query=query,
            headers={name.decode("ascii"): value.decode("latin-1") for name, value in request.headers},
            body=bytes(body),
            started=asyncio.get_running_loop().time(),
        )

    async def _next_event(self) -> object:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise BadRequest(error.error_status_hint) from error
            if event is not h11.NEED_DATA:
                if isinstance(event, h11.Request) and self._declares_too_much(event):
                    raise BadRequest(413)
                return event
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
                self._flush()
            self._arrived.clear()
            await self._arrived.wait()

    def _declares_too_much(self, request: h11.Request) -> bool:
        lengths = [value for name, value in request.headers if name == b"content-length"]
        return any(int(length) > self._max_body_bytes for length in lengths)

    async def _play(self, steps: Steps, record: RequestRecord | None) -> bool:
        """Play *steps*; return whether the response came to its proper end."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        joined = False
        for step in steps:
            if isinstance(step, Wait):
                due += step.seconds
                self._flush()
                if (delay := due - loop.time()) > 0:
                    await asyncio.sleep(delay)
                continue
            self._perform(step, record)
            match step:
                case Send() if not joined or len(self._pending) >= JOIN_BYTES:
                    self._flush()
                    await self._writable.wait()
                    # The loop's turn: other streams, and the news that the client left.
                    await asyncio.sleep(0)
                case Head():
                    joined = step.joined
                    self._flush()
                case End():
                    self._flush()
                    await self._writable.wait()
                    return True
                case Hang():
                    self._flush()
                    await loop.create_future()
                case Reset() | Close():
                    return False
                case _:
                    pass
        return False

    def _perform(self, step: Step, record: RequestRecord | None) -> None:
        match step:
            case Head(status, headers):
                self._write(h11.Response(status_code=status, headers=list(headers)))
                if record is not None:
                    record.status = status
            case Send(data):
                self._write(h11.Data(data=data))
                if record is not None:
                    record.sends += 1
            case End():
                self._write(h11.EndOfMessage())
            case Reset():
                self._flush()
                if self._socket is not None:
                    # Linger on, for 0 s: close() sends RST instead of FIN.
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.abort()
            case Close():
                self._flush()
                self._transport.close()
            case Wait() | Hang():
                pass

    def _write(self, event: h11.Event) -> None:
        self._pending += self._http.send(event) or b""

    def _flush(self) -> None:
        if self._pending:
            self._transport.write(bytes(self._pending))
            self._pending.clear()
