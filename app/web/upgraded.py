"""uvicorn's WebSocket, which a connection becomes whose client asks for one: bounded, and quiet in the log."""

from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.web.connection import INCOMING, LINGER_S, Take

SLICE_BYTES = 4096
"""What is parsed before frames are counted."""

FRAME_BYTES = 128
"""What a frame has on average, at least: parsing one takes 25 µs (measured), and a read may have forty thousand."""

SMALL_FRAMES = 100
"""So many more a read may have: pings, pongs, a cancellation."""


class WebSocket(WebSocketsSansIOProtocol):
    """One connection.

    That it was refused counts as answered, which uvicorn forgets, and calls an error. And whatever the level of logs:
    its headers and its frames, cookies and text, stand in none. What a client sends and does not read takes no memory
    that nobody counts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn.debug = False
        self._take: Take | None = None
        self._deaf = False
        self._frames_left = 0

    def handle_connect(self, event: Any) -> None:
        """Begin it."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            # By a weak reference: a scope that holds what holds the scope would wait for the garbage collector.
            self.scope["extensions"][INCOMING] = {"bound": partial(_bound, ref(self))}

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless it is frames by the thousand that only take time."""
        if self._take and not self._deaf and not self._take(len(data)):
            self._deaf, self.close_timeout = True, LINGER_S
            self.conn.reader.discard()
        self._frames_left = SMALL_FRAMES
        for at in range(0, len(data), SLICE_BYTES):
            if self._deaf:
                return
            self._frames_left += SLICE_BYTES // FRAME_BYTES
            super().data_received(data[at : at + SLICE_BYTES])

    def handle_events(self) -> None:
        """Handle the frames of a slice, and cut whoever sends too many."""
        self._frames_left -= len(self.conn.events)
        super().handle_events()
        if self._frames_left < 0:
            self._deaf = True
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what came of a message that will not be whole; the protocol and its parser hold each other."""
        super().connection_lost(exc)
        self.conn.reader.discard()
        self.frames.clear()

    def bound(self, take: Take | None, largest: int) -> None:
        """See ``Bound``."""
        self._take, self.conn.max_message_size = take, largest

    def handle_cont(self, event: Any) -> None:
        """Take a fragment. An empty one says nothing, and has no size that would bound their number."""
        if event.data or event.fin:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer, unless the answers before are not read: of many pings the last counts (RFC 6455, §5.5.3)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # thrown away

    async def send(self, message: Any) -> None:
        """Send *message*."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


def _bound(socket: "ref[WebSocket]", take: Take | None, largest: int) -> None:
    if (protocol := socket()) is not None:
        protocol.bound(take, largest)
