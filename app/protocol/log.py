"""The log of one generation: append-only, numbered from 1, bounded, and a bell that rings when it grew.

Producer and readers are joined by nothing else. A reader is a cursor: it asks for what comes ``after`` it,
and listens to the bell before it looks, so no ring is missed. Live and replay are the same read. A log kept
elsewhere (Redis) has the same verbs: append, add, slice, after, listen, ended.

What is kept of a delta is its frame, the bytes that readers get; it is read again where somebody wants the event.
So it is with a large block. Other events, which are few, are kept besides.

What came together is appended together: neighbouring deltas of one block become one event, and the bell rings
once. So what a delta costs falls with how many come at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.protocol import sse
from app.protocol.cursor import EPOCH, BadCursor, Cursor
from app.protocol.deltas import Writer, join, joins
from app.protocol.encoding import DONE, read_block, render
from app.protocol.events import Block, Delta, Done, Error, Event, Terminal, Text, Thinking

OVERHEAD_BYTES = 64
"""What a delta costs beside its frame: an object's head, its places in lists that grow (measured)."""

EVENT_BYTES = 240
"""What any other event costs besides: its object, and what small ones hold (measured)."""

SLICE_BYTES = 64 * 1024
"""What is sent to a reader at once. More would wait in its connection's buffer, however slowly it reads, and a
reader that is let go in the middle of it would get it all again."""

JOINED_BYTES = 16 * 1024
"""What one event may carry of neighbouring deltas: a slow reader's cursor moves with each event."""

Bell = Callable[[], None]


class LogFull(Exception):
    """An event would make the log larger than it may be."""


class LogEnded(Exception):
    """An event came after the terminal one."""


@dataclass(slots=True)
class Account:
    """What logs that share it hold together, in bytes; whoever forgets one takes off what it held."""

    bytes: int = 0


class Log:
    """What one generation has said.

    Args:
        max_bytes: Bound for frames and what they cost beside.
        account: Where they are counted besides.

    Attributes:
        frames: What has been said, an event after the other, as readers get it.
        bytes: How much of that is used.
        terminal: The terminal event, once there is one.
    """

    def __init__(self, max_bytes: int, account: Account | None = None) -> None:
        self.frames: list[bytes] = []
        # The event of each frame. Of a delta, which its frame tells just as well, only what reads it there; of a large
        # block None.
        self._events: list[Event | Writer | None] = []
        self._writer = Writer(Text, 0, EPOCH)
        self._bells: list[Bell] = []
        self._max = max_bytes
        self._account = account or Account()
        self.bytes = 0
        self.terminal: Done | Error | None = None

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def ended(self) -> bool:
        """Whether there will never be more."""
        return self.terminal is not None

    def append(self, *events: Event) -> None:
        """Number *events*, keep them and ring once.

        Raises:
            LogFull: one does not fit; those before it are kept. A terminal event always fits.
            LogEnded: there is a terminal event before it.
        """
        try:
            for event in events if len(events) == 1 else _joined(events):
                self._keep(event)
        finally:
            for bell in self._bells:
                bell()

    def add(self, kind: type[Delta], index: int, piece: str) -> None:
        """Append one more delta, which says no more than its *piece*: as ``append`` does, and sooner.

        Raises:
            LogFull: it does not fit.
            LogEnded: there is a terminal event before it.
        """
        writer = self._writer
        if writer.kind is not kind or writer.index != index or self.terminal:
            self.append(kind(piece, index))
            return
        frame = writer.frame(len(self.frames) + 1, piece)
        size = len(frame) + OVERHEAD_BYTES
        if self.bytes + size > self._max:
            raise LogFull(self._too_full(size))
        self.frames.append(frame)
        self._events.append(writer)
        self.bytes += size
        self._account.bytes += size
        for bell in self._bells:
            bell()

    def _too_full(self, size: int) -> str:
        return f"the log would have {self.bytes + size:,} bytes, limit {self._max:,}"

    def _keep(self, event: Event) -> None:
        if self.terminal:
            msg = f"{event.type} after the terminal event"
            raise LogEnded(msg)
        number = len(self.frames) + 1
        kept: Event | Writer | None
        if isinstance(event, Delta) and (type(event) is not Thinking or event.estimated_tokens is None):
            kept = self._writer
            if kept.kind is not type(event) or kept.index != event.index:
                kept = self._writer = Writer(type(event), event.index, EPOCH)
            frame = kept.frame(number, event.piece)
            size = len(frame) + OVERHEAD_BYTES
        else:
            frame = sse.encode(render(event), str(Cursor(number)))
            kept = None if isinstance(event, Block) and event.written else event
            size = len(frame) + OVERHEAD_BYTES + EVENT_BYTES
            if isinstance(event, Terminal):
                self.terminal = event
                frame += sse.encode(DONE, str(Cursor(number)))
        if self.bytes + size > self._max and not self.terminal:
            raise LogFull(self._too_full(size))
        self.frames.append(frame)
        self._events.append(kept)
        self.bytes += size
        self._account.bytes += size

    def after(self, number: int, most_bytes: int | None = None) -> list[Event]:
        """Return the events after the first *number*, oldest first; where *most_bytes* are given no more, but one."""
        end = len(self.frames) if most_bytes is None else self._until(number, most_bytes)
        return [self._read(at) for at in range(number, end)]

    def __iter__(self) -> Iterator[Event]:
        """Yield all events, neighbouring deltas of one block as one."""
        for at, end, writer in self._runs(0, len(self.frames), self.bytes):
            yield writer.read(self.frames[at:end]) if writer else self._read(at)

    def slice(self, number: int) -> tuple[bytes, int, bool]:
        """Return what comes after the first *number* events as bytes, as much as may be sent at once.

        And the number of its last event, and whether there is more. Neighbouring deltas of one block are joined under
        the last one's id.
        """
        frames = self.frames
        last = self._until(number, SLICE_BYTES)
        out: list[bytes] = []
        for at, end, writer in self._runs(number, last, JOINED_BYTES):
            out.append(writer.join(end, frames[at:end]) if writer and end > at + 1 else frames[at])
        return b"".join(out), last, last < len(frames)

    def _until(self, number: int, most_bytes: int) -> int:
        """Return up to which event a reader gets that has *number*: the first *most_bytes* after it, at least one event."""
        frames = self.frames
        if self.bytes <= most_bytes:
            return len(frames)
        size, end = 0, number
        while end < len(frames) and (size := size + len(frames[end])) <= most_bytes:
            end += 1
        return min(max(end, number + 1), len(frames))

    def _runs(self, at: int, last: int, most_bytes: int) -> Iterator[tuple[int, int, Writer | None]]:
        """Yield the events from *at* to *last* in runs that can be sent as one: begin, end, their writer if they are deltas."""
        frames, events = self.frames, self._events
        while at < last:
            event, end, size = events[at], at + 1, len(frames[at])
            writer = event if isinstance(event, Writer) else None
            while writer and end < last and size < most_bytes and events[end] is writer:
                size += len(frames[end])
                end += 1
            yield at, end, writer
            at = end

    def _read(self, at: int) -> Event:
        event, frame = self._events[at], self.frames[at]
        return event.read([frame]) if isinstance(event, Writer) else event or read_block(frame)

    def check(self, cursor: Cursor) -> None:
        """Insist that *cursor* is a place in this log.

        Raises:
            BadCursor: the log has never been that long.
        """
        within = not cursor.offset or (
            cursor.number < len(self.frames)
            and isinstance(text := self._read(cursor.number), Text)
            and cursor.offset < len(text.piece)
        )
        if cursor.number > len(self.frames) or not within:
            msg = "the cursor lies behind the end of this generation"
            raise BadCursor(msg)

    def listen(self, bell: Bell) -> Callable[[], None]:
        """Call *bell* after every append, until the function that is returned is called.

        A bell must not raise, append, listen or stop listening.
        """
        self._bells.append(bell)
        return lambda: self._bells.remove(bell)


def _joined(events: Sequence[Event]) -> Iterator[Event]:
    """Yield *events*, neighbouring deltas of one block as one."""
    run: list[Event] = []
    size = 0
    for event in events:
        if run and (size >= JOINED_BYTES or not joins(run[-1], event)):
            yield run[0] if len(run) == 1 else join(run)
            run, size = [], 0
        run.append(event)
        size += len(event.piece) if isinstance(event, Delta) else 0
    if run:
        yield run[0] if len(run) == 1 else join(run)
