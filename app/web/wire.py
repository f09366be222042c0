"""uvicorn's HTTP/1.1, with bounds on a request's head and errors in our shape.

A head must be whole in time and in bounds before anything of ours runs: uvicorn has no limit for either, and relies on
what is in front. Where nothing is, this is.
"""

import asyncio
import secrets
from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.protocol import jsontext
from app.protocol.errors import BadRequest
from app.web.connection import ABORT, LINGER_S, WRITE

HEAD_S = 10
"""How long a head may take, from the connection or from its first byte."""

MAX_HEAD_BYTES = 64 * 1024
"""As much as nginx.conf lets through."""

UNREAD_S = 60
"""How long an answer may stand still because nobody reads it. Event streams have a shorter deadline of their own."""

MAX_PIPELINED = 100
"""Requests that one connection may have under way: a packet holds thousands, and each takes some kilobytes."""


class Http1(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = self._head_is_new = False
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._refused = False
        self._answering: list[Any] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._leave()
        self._have_head()
        self._stop_watching()
        # After a reset uvicorn keeps this timer, and with it the whole connection, for as long as an idle one may live.
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._stop_watching()
        self._watch_the_end()

    def _watch(self) -> None:
        """See to it that the client reads."""
        self._stop_watching()
        unread = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(UNREAD_S, self._look, unread)

    def _watch_the_end(self) -> None:
        """See to it that a connection that is being closed is: what nobody reads would keep it open for ever."""
        if self.transport.is_closing():
            self._watch()

    def _look(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() < unread:
            self._watch()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._unread:
            self._unread.cancel()

    def on_response_complete(self) -> None:
        """Go on to the next request, or close the connection."""
        super().on_response_complete()
        self._watch_the_end()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._watch_the_end()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if self._refused:
            return
        self._head_is_new = False
        super().data_received(data)
        if self._in_head and not self._head_is_new:  # else much of this read may be the body before it
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "The request's headers are too large.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self._await_head()

    def on_headers_complete(self) -> None:
        """Begin to answer it.

        Raises:
            ValueError: it is addressed to another server, too many are before it, or no WebSocket can come of it, as in
                the middle of an answer; the parser fails with it.
        """
        self._have_head()
        under_way = self._under_way()
        if not self.url.startswith(b"/") or len(under_way) >= MAX_PIPELINED:
            raise ValueError
        if self._should_upgrade():
            names = {name for name, _ in self.headers}
            proper = self.parser.get_method() == b"GET" and names >= {
                b"sec-websocket-key",
                b"sec-websocket-version",
            }
            if under_way or not proper:
                raise ValueError
        last = self.cycle
        super().on_headers_complete()
        if self.cycle is not last:  # no upgrade
            # By a weak reference: a scope that holds what holds the scope would wait for the garbage collector.
            self.scope["extensions"][WRITE] = {"write": partial(_write, ref(self.cycle))}
            # uvicorn keeps the last only; of requests in one packet those before it may still be under way.
            self._answering = [*under_way, self.cycle]

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to its WebSocket."""
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]  # it holds us, and we it; uvicorn lets it go when a connection ends

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "The request is not valid HTTP.")

    def _await_head(self) -> None:
        if not self._in_head:
            self._in_head, self._head_is_new, self._head_bytes = True, True, 0
            self._timer = self.loop.call_later(HEAD_S, self.transport.abort)

    def _have_head(self) -> None:
        self._in_head = False
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Answer with an error that no application has seen, and close the connection."""
        self._have_head()
        self._refused = True
        whole = [each for each in self._leave() if each.response_started or not each.more_body]
        if whole or self.transport.is_closing():
            self._close()  # it would stand in the middle of an answer, or in the place of one
            return
        request_id = f"req_{secrets.token_hex(12)}"
        body = jsontext.render(BadRequest(message).body(request_id))
        head = (
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_S, self._close)

    def _close(self) -> None:
        self.transport.close()
        self._watch_the_end()

    def _leave(self) -> list[Any]:
        """Tell those who are answering that nobody will read it; return them. uvicorn tells the last one only."""
        self.pipeline.clear()
        under_way = self._under_way()
        for cycle in under_way:
            cycle.disconnected = True
            cycle.message_event.set()
        return under_way

    def _under_way(self) -> list[Any]:
        return [each for each in self._answering if not each.response_complete]


def _write(answering: "ref[RequestResponseCycle]", data: bytes) -> bool:
    """Send *data* as a chunk of the answer, as uvicorn's ``send`` does; False if only that can."""
    cycle = answering()
    if (
        cycle is None
        or cycle.flow.write_paused
        or cycle.disconnected
        or cycle.response_complete
        or not cycle.chunked_encoding
    ):
        return False
    cycle.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
    return True
