"""The event stream to one reader.

The log's bell sends: it writes to the connection in the very callback in which Claude's bytes came, so that a delta
costs no task switch and no timer, nor a way through the layers around the application, who look at heads alone. The
head and the end go through these layers, in the same callback: their ``send`` waits for nothing unless the socket is
full. Where it is, a task of its own sends the rest, under the send deadline; meanwhile the bell does nothing, and
afterwards all that has gathered goes out at once. So a stream has one task, the request's, and that only waits for the
client to leave.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from sse_starlette import EventSourceResponse
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.protocol import sse
from app.reader import Reader
from app.web.connection import cut, writer
from app.web.step import stepped

HEAD = tuple(header for header in EventSourceResponse(iter(())).raw_headers if header[0] != b"connection")
"""What every event stream says of itself: its type, and that nothing on the way may keep or delay it. Whether the
connection is kept is for the server to say."""


class EventStream(Response):
    """The response that streams to one reader and closes it, however it ends.

    It has the head of sse-starlette's response and another way to send: that one runs four tasks for each stream and
    enters a cancel scope for each frame, which cost more than all else on a delta's way.

    Args:
        reader: Who reads.
        ping_s: Seconds between keep-alives.
        send_timeout_s: Seconds until a reader that does not read is let go.
        headers: What the answer says besides.
        at_once: Whether the answer starts at once. Otherwise it waits for the generation's first event, and what
            failed before any is raised, so that it can be an ordinary HTTP error.
        on_stuck: Called when the reader is let go.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        ping_s: float,
        send_timeout_s: float,
        headers: Mapping[str, str],
        at_once: bool,
        on_stuck: Callable[[], None],
    ) -> None:
        generation = reader.generation
        self.status_code, self.background = 200, None  # what else FastAPI looks at
        said = {**headers, "x-chat-id": generation.id, "location": f"/api/chat/{generation.id}"}
        self.raw_headers = [*HEAD, *[(name.lower().encode(), value.encode()) for name, value in said.items()]]
        self._ping_s = ping_s
        self._send_timeout_s = send_timeout_s
        self._reader = reader
        self._at_once = at_once
        self._on_stuck = on_stuck
        self._loop = asyncio.get_running_loop()
        # What goes out before what comes next. Jittered, so that a thousand readers cut at once do not return at once.
        self._ahead = sse.retry(random.randint(1000, 2000))  # noqa: S311 - no secret
        self._started = self._stopped = False
        self._failure: BaseException | None = None
        self._sending: asyncio.Task[None] | None = None
        self._next_ping: asyncio.Handle | None = None
        self._next_look: asyncio.Handle | None = None
        self._next_slice: asyncio.Handle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the end, the reader's leaving or its send deadline.

        Raises:
            Problem: the generation was refused before it had begun, and nothing has been sent.
        """
        self._scope, self._send, self._write = scope, send, writer(scope)
        try:
            async with asyncio.timeout(None) as self._stay:
                unlisten = self._reader.generation.log.listen(self._go_on)
                try:
                    self._go_on()
                    # After the last byte too, this is what the server says (ASGI, "Disconnect Receive Event").
                    while (await receive())["type"] != "http.disconnect":
                        pass
                finally:
                    unlisten()
        except TimeoutError:
            if not self._stopped:
                raise
        finally:
            self._stopped = True
            self._reader.close(unsent=self._sending is not None or self._failure is not None)
            for planned in (self._next_ping, self._next_look, self._next_slice, self._sending):
                if planned:
                    planned.cancel()
        if self._failure:
            raise self._failure

    # What the bell does: nothing here may wait, nor raise into the producer

    def _go_on(self) -> None:
        """Send what there is, unless a task is at it."""
        if self._stopped or self._sending or self._next_slice:
            return
        try:
            if self._started and (frame := self._reader.newest()):
                if not self._write(frame):
                    self._has_sent(_body(frame))
            elif self._started or self._start():
                self._send_slice()
        except Exception as error:  # noqa: BLE001 - the request's task raises it
            self._stop(error)

    def _has_sent(self, message: Message) -> bool:
        """Send *message*; False if that has to wait, and a task sees to it."""
        rest = stepped(self._send(message))
        if rest:
            self._sending = self._loop.create_task(self._see_to(rest))
        return not rest

    def _start(self) -> bool:
        """Begin the answer; False if it is too early, or its head has to wait."""
        generation = self._reader.generation
        if not self._at_once:
            if not generation.began:
                return False
            if generation.refusal:
                raise generation.refusal
        self._started = True
        self._next_ping = self._loop.call_later(self._ping_s, self._keep_alive)
        return self._has_sent(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )

    def _send_slice(self) -> None:
        """Send what comes next."""
        reader = self._reader
        if reader.over:
            return
        data = reader.take()
        if self._ahead:
            data, self._ahead = self._ahead + data, b""
        if data and (reader.over or not self._write(data)):
            self._has_sent(_body(data, more=not reader.over))
        if reader.behind and not self._sending:
            # Whoever has a lot to catch up with lets others have their turn between the slices.
            self._next_slice = self._loop.call_soon(self._send_next_slice)
        if reader.due is not None and self._next_look is None:
            self._next_look = self._loop.call_at(reader.due, self._look_again)

    def _send_next_slice(self) -> None:
        self._next_slice = None
        self._go_on()

    def _look_again(self) -> None:
        self._next_look = None
        self._go_on()

    def _keep_alive(self) -> None:
        self._next_ping = self._loop.call_later(self._ping_s, self._keep_alive)
        if not self._sending:
            self._ahead = sse.KEEP_ALIVE
            self._go_on()

    # What cannot be sent at once

    async def _see_to(self, rest: Awaitable[None]) -> None:
        """Wait until what ``send`` has begun to send is sent, then go on with all that has gathered."""
        deadline = asyncio.timeout(self._send_timeout_s)
        try:
            async with deadline:
                await rest
        except TimeoutError as error:
            if deadline.expired():
                self._on_stuck()
                await cut(self._scope)  # its socket is full: closing in good order would wait for it
            self._stop(None if deadline.expired() else error)
        except Exception as error:  # noqa: BLE001 - the request's task raises it
            self._stop(error)
        else:
            self._sending = None
            self._go_on()

    def _stop(self, failure: BaseException | None) -> None:
        """Wake the request's task, which waits for the client to leave."""
        if not self._stopped:
            self._stopped = True
            self._failure = failure
            self._stay.reschedule(self._loop.time())


def _body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
