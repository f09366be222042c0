"""The log of one generation: append-only, numbered from 1, bounded, and a bell that rings when it grew.

Producer and readers are joined by nothing else. A reader is a cursor: it asks for what comes ``after`` it,
and listens to the bell before it looks, so no ring is missed. Live and replay are the same read. A log kept
elsewhere (Redis) has the same verbs: append, after, listen, ended.

What came together is appended together: neighbouring deltas of one block become one event, and the bell rings
once. So what a delta costs falls with how many come at a time.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from app.protocol import sse
from app.protocol.deltas import join, joins
from app.protocol.encoding import DONE, render
from app.protocol.events import Delta, Done, Error, Event, Terminal, Text

EPOCH = 1
"""Rises when another process takes a generation over. This log lives and dies with its process."""

OVERHEAD_BYTES = 240
"""What an entry costs beside its frame: the event, its strings, the objects' heads (measured)."""

SLICE_BYTES = 64 * 1024
"""What is sent to a reader at once. More would wait in its connection's buffer, however slowly it reads, and a
reader that is let go in the middle of it would get it all again."""

JOINED_BYTES = 16 * 1024
"""What one event may carry of neighbouring deltas: a slow reader's cursor moves with each event."""

CURSOR = re.compile(r"(?P<epoch>\d{1,9})-(?P<number>\d{1,15})(\.(?P<offset>\d{1,15}))?", re.ASCII)

Bell = Callable[[], None]


class LogFull(Exception):
    """An event would make the log larger than it may be."""


class LogEnded(Exception):
    """An event came after the terminal one."""


class BadCursor(ValueError):
    """A cursor that no log ever gave out, or that lies behind this log's end."""


class Entry(NamedTuple):
    """One event and its frame, encoded once for all readers."""

    event: Event
    frame: bytes


class Cursor(NamedTuple):
    """How much of a log a reader has seen.

    Attributes:
        number: Whole events.
        offset: Characters of the text event after them; more than 0 only where deltas were joined by sentence.
    """

    number: int = 0
    offset: int = 0

    def __str__(self) -> str:
        """Return the cursor's id on the wire: ``EPOCH-N``, or ``EPOCH-N.OFFSET`` within an event."""
        return f"{EPOCH}-{self.number}.{self.offset}" if self.offset else f"{EPOCH}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cursor whose id is *text*; ``0`` and the empty string are the beginning.

        Raises:
            BadCursor: this gateway gives out no such ids, or it is of another epoch.
        """
        if text in ("", "0"):
            return cls()
        said = CURSOR.fullmatch(text)
        if said is None or int(said["epoch"]) != EPOCH:
            msg = "the cursor is not one that this gateway gave out"
            raise BadCursor(msg)
        return cls(int(said["number"]), int(said["offset"] or 0))


START = Cursor()


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
        bytes: How much of that is used.
        terminal: The terminal event, once there is one.
    """

    def __init__(self, max_bytes: int, account: Account | None = None) -> None:
        self._entries: list[Entry] = []
        self._bells: list[Bell] = []
        self._max = max_bytes
        self._account = account or Account()
        self.bytes = 0
        self.terminal: Done | Error | None = None

    def __len__(self) -> int:
        return len(self._entries)

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

    def _keep(self, event: Event) -> None:
        if self.terminal:
            msg = f"{event.type} after the terminal event"
            raise LogEnded(msg)
        id_ = f"{EPOCH}-{len(self._entries) + 1}"  # as Cursor says it, without making one for each token
        frame = sse.encode(render(event), id_)
        size = len(frame) + OVERHEAD_BYTES
        if isinstance(event, Terminal):
            frame += sse.encode(DONE, id_)
            self.terminal = event
        elif self.bytes + size > self._max:
            msg = f"the log would have {self.bytes + size:,} bytes, limit {self._max:,}"
            raise LogFull(msg)
        self._entries.append(Entry(event, frame))
        self.bytes += size
        self._account.bytes += size

    def after(self, number: int) -> Sequence[Entry]:
        """Return the entries after the first *number*, oldest first."""
        return self._entries[number:]

    def slice(self, number: int) -> Sequence[Entry]:
        """Return as many of the entries after the first *number* as may be sent at once, at least one if there is any."""
        entries = self._entries
        if len(entries) - number < 2:
            return entries[number:]
        size, end = 0, number
        while end < len(entries) and (size := size + len(entries[end].frame)) <= SLICE_BYTES:
            end += 1
        return entries[number : max(end, number + 1)]

    def check(self, cursor: Cursor) -> None:
        """Insist that *cursor* is a place in this log.

        Raises:
            BadCursor: the log has never been that long.
        """
        left = self._entries[cursor.number : cursor.number + 1]
        within = not cursor.offset or (
            left and isinstance(text := left[0].event, Text) and cursor.offset < len(text.text)
        )
        if cursor.number > len(self._entries) or not within:
            msg = "the cursor lies behind the end of this generation"
            raise BadCursor(msg)

    def listen(self, bell: Bell) -> Callable[[], None]:
        """Call *bell* after every append, until the function that is returned is called.

        A bell must not raise, append, listen or stop listening.
        """
        self._bells.append(bell)
        return lambda: self._bells.remove(bell)


def frames(entries: Sequence[Entry], first_number: int) -> bytes:
    """Return *entries* as bytes, neighbouring deltas of one block joined under the last one's id.

    Args:
        entries: As ``Log.after`` gave them.
        first_number: The number of the first one.
    """
    out: list[bytes] = []
    at = 0
    while at < len(entries):
        end, size = at + 1, len(entries[at].frame)
        while end < len(entries) and size < JOINED_BYTES and joins(entries[at].event, entries[end].event):
            size += len(entries[end].frame)
            end += 1
        if end == at + 1:
            out.append(entries[at].frame)
        else:
            joined = join([entry.event for entry in entries[at:end]])
            out.append(sse.encode(render(joined), str(Cursor(first_number + end - 1))))
        at = end
    return b"".join(out)


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
