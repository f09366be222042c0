"""One reader: a generation's log and a cursor in, an event stream out.

A reader is a cursor, not a queue: a slow one finds a longer slice next time, neighbouring deltas joined. The
shell (disconnects, keep-alives, send deadline) is sse-starlette's; it is fed ready bytes.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from app.connection import cut
from app.generation import Generation
from app.protocol import sse
from app.protocol.events import DONE, render
from app.protocol.log import START, Cursor, bounded, frames
from app.protocol.view import PLAIN, Piece, Shaper, View


class Reader:
    """A generation seen from one connection, from its first request to its close.

    Args:
        generation: What is read.
        cursor: What the reader has seen.
        view: What it wants to see.
        on_close: Called when it leaves.
    """

    def __init__(
        self,
        generation: Generation,
        cursor: Cursor = START,
        view: View = PLAIN,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.generation = generation
        self._number = cursor.number
        self._shaper = Shaper(view, cursor)
        self._plain = view == PLAIN and not cursor.offset
        self._every_s = (view.every_ms or 0) / 1000
        self._grown = asyncio.Event()
        self._unlisten = generation.log.listen(self._grown.set)
        self._on_close = on_close
        self._closed = False
        self._saw_end = False
        generation.join()

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield what comes after the cursor, as it comes, to the terminal event and ``[DONE]``."""
        if not self._plain:
            async for pieces in self.pieces():
                yield b"".join(sse.encode(render(event), str(cursor)) for cursor, event in pieces)
            yield sse.encode(DONE, str(Cursor(len(self.generation.log))))
            return
        log = self.generation.log
        while True:
            self._grown.clear()  # before looking, so that no ring is missed
            entries = bounded(log.after(self._number))
            if entries:
                first = self._number + 1
                self._number += len(entries)
                yield entries[0].frame if len(entries) == 1 else frames(entries, first)
            elif log.ended:
                self._saw_end = True
                return
            else:
                await self._grown.wait()

    async def pieces(self) -> AsyncIterator[list[Piece]]:
        """Yield what comes after the cursor as events, each with the cursor of who has seen it, to the terminal one."""
        shaper = self._shaper
        log, loop = self.generation.log, asyncio.get_running_loop()
        due = 0.0
        while True:
            self._grown.clear()
            entries = bounded(log.after(self._number))
            self._number += len(entries)
            pieces = shaper.feed(entries)
            if shaper.holding and self._every_s and loop.time() >= due:
                pieces += shaper.flush()
            if pieces:
                due = loop.time() + self._every_s
                yield pieces
            elif log.ended and self._number == len(log):
                self._saw_end = True
                return
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due if shaper.holding and self._every_s else None):
                        await self._grown.wait()

    async def ended(self) -> None:
        """Wait for the terminal event."""
        while not self.generation.log.ended:
            self._grown.clear()
            await self._grown.wait()
        self._saw_end = True

    def close(self) -> None:
        """Leave. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self._on_close()
            self._unlisten()
            self.generation.leave(saw_end=self._saw_end)


class EventStream(EventSourceResponse):
    """The response that streams to one reader and closes it, however it ends.

    Args:
        reader: Who reads.
        ping_s: Seconds between keep-alives.
        send_timeout_s: Seconds until a reader that does not read is let go.
        headers: What the answer says besides.
        on_stuck: Called when the reader is let go.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        ping_s: float,
        send_timeout_s: float,
        headers: Mapping[str, str],
        on_stuck: Callable[[], None],
    ) -> None:
        generation = reader.generation
        super().__init__(
            self._body(reader),
            headers={**headers, "X-Chat-Id": generation.id, "Location": f"/api/chat/{generation.id}"},
            sep="\n",
            ping=ping_s,
            ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
            send_timeout=send_timeout_s,
        )
        self._reader = reader
        self._on_stuck = on_stuck

    @staticmethod
    async def _body(reader: Reader) -> AsyncIterator[bytes]:
        # Jittered, so that a thousand readers cut at once do not return at once.
        opening = sse.retry(random.randint(1000, 2000))  # noqa: S311 - no secret
        async for piece in reader.frames():
            yield opening + piece
            opening = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the end, the reader's leaving or its send deadline."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            self._on_stuck()
            await cut(scope)  # its socket is full: closing in good order would wait for it
        finally:
            self._reader.close()
