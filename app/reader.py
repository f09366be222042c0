"""One reader: a generation's log, a cursor and a view in; what is to be sent next out.

A reader is a cursor, not a queue: a slow one finds a longer slice next time, neighbouring deltas joined.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from app.generation import Generation
from app.protocol import sse
from app.protocol.cursor import START, Cursor
from app.protocol.encoding import DONE, render
from app.protocol.log import SLICE_BYTES
from app.protocol.view import PLAIN, Piece, Shaper, View


class Reader:
    """A generation seen from one connection, from its first request to its close.

    Args:
        generation: What is read.
        cursor: What the reader has seen.
        view: What it wants to see.
        on_close: Called when it leaves.

    Attributes:
        over: Whether everything has been taken, the terminal event included.
        behind: Whether more was there to be taken.
        due: When to take again, even if nothing new has come (the loop's time); None for not before.
    """

    def __init__(
        self,
        generation: Generation,
        cursor: Cursor = START,
        view: View = PLAIN,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.generation = generation
        self.over = False
        self.behind = True
        self.due: float | None = None
        self._log = generation.log
        self._frames = generation.log.frames
        self._number = cursor.number
        self._shaper = Shaper(view, cursor)
        self._plain = view == PLAIN and not cursor.offset
        self._every_s = (view.every_ms or 0) / 1000
        self._quiet_until = 0.0
        self._on_close = on_close
        self._closed = False
        generation.join()

    def newest(self) -> bytes | None:
        """Return the newest frame if it is all that this reader lacks and goes out as it is.

        None otherwise: then it is ``take`` that has what comes next, if anything.
        """
        number = self._number
        if not self._plain or number + 1 != len(self._frames) or self._log.terminal:
            return None
        self._number = number + 1
        return self._frames[number]

    def take(self) -> bytes:
        """Return the frames of what comes after the cursor, at most a slice.

        Empty if nothing has come yet, or nothing that this reader wants to see.
        """
        if self._plain:
            log = self._log
            data, self._number, self.behind = log.slice(self._number)
            self.over = log.terminal is not None and not self.behind
            return data
        data = b"".join(sse.encode(render(event), str(cursor)) for cursor, event in self._look())
        if self.over:
            data += sse.encode(DONE, str(Cursor(self._number)))
        return data

    async def pieces(self) -> AsyncIterator[list[Piece]]:
        """Yield what comes after the cursor as events, each with the cursor of who has seen it, to the terminal one."""
        grown = asyncio.Event()
        unlisten = self._log.listen(grown.set)
        try:
            while True:
                grown.clear()  # before looking, so that no ring is missed
                if pieces := self._look():
                    yield pieces
                if self.over:
                    return
                if self.behind:
                    await asyncio.sleep(0)
                elif not pieces:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(self.due):
                            await grown.wait()
        finally:
            unlisten()

    def _look(self) -> list[Piece]:
        """Return what there is to be seen in the next slice, which may be nothing."""
        shaper = self._shaper
        now = asyncio.get_running_loop().time()
        pieces: list[Piece] = []
        if events := self._log.after(self._number, SLICE_BYTES):
            self._number += len(events)
            pieces = shaper.feed(events)
        if shaper.holding and self._every_s and now >= self._quiet_until:
            pieces += shaper.flush()
        if pieces:
            self._quiet_until = now + self._every_s
        self.due = self._quiet_until if self._every_s and shaper.holding else None
        self.behind = self._number < len(self._log)
        self.over = self._log.terminal is not None and not self.behind
        return pieces

    async def ended(self) -> None:
        """Wait for the terminal event."""
        log = self._log
        ended = asyncio.Event()
        unlisten = log.listen(lambda: ended.set() if log.ended else None)
        try:
            if not log.ended:
                await ended.wait()
            self.over = True
        finally:
            unlisten()

    def close(self, *, unsent: bool = False) -> None:
        """Leave. Closing twice does nothing.

        Args:
            unsent: What was taken last has not been sent.
        """
        if not self._closed:
            self._closed = True
            self._on_close()
            self.generation.leave(saw_end=self.over and not unsent)
