"""The log of one generation: append-only, numbered from 1, bounded, and a bell that rings when it grew.

Producer and readers are joined by nothing else. A reader is a cursor: it asks for what comes ``after`` it,
and listens to the bell before it looks, so no ring is missed. Live and replay are the same read. A log kept
elsewhere (Redis) has the same verbs: append, after, listen, ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.protocol import sse
from app.protocol.events import DONE, Done, Error, Event, join, joins, render

EPOCH = 1
"""Rises when another process takes a generation over. This log lives and dies with its process."""

OVERHEAD_BYTES = 200
"""What an entry costs beside its frame: the event, its strings, the objects' heads (measured)."""

Bell = Callable[[], None]


class LogFull(Exception):
    """An event would make the log larger than it may be."""


class LogEnded(Exception):
    """An event came after the terminal one."""


class BadCursor(ValueError):
    """A cursor that no log ever gave out, or that lies behind this log's end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event and its frame, encoded once for all readers."""

    event: Event
    frame: bytes


def event_id(number: int) -> str:
    """Return the id on the wire of event *number*: ``EPOCH-N``."""
    return f"{EPOCH}-{number}"


def cursor_number(cursor: str) -> int:
    """Return how many events the reader has seen that sends *cursor*; ``0`` and the empty string are none.

    Raises:
        BadCursor: it is not of the form ``EPOCH-N``, or of another epoch.
    """
    if cursor in ("", "0"):
        return 0
    epoch, dash, number = cursor.partition("-")
    if not (dash and epoch == str(EPOCH) and number.isascii() and number.isdigit() and len(number) <= 15):
        msg = "the cursor is not one that this gateway gave out"
        raise BadCursor(msg)
    return int(number)


class Log:
    """What one generation has said.

    Args:
        max_bytes: Bound for frames and what they cost beside.
    """

    def __init__(self, max_bytes: int) -> None:
        self._entries: list[Entry] = []
        self._bells: list[Bell] = []
        self._max = max_bytes
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def terminal(self) -> Done | Error | None:
        """The terminal event, once there is one."""
        last = self._entries[-1].event if self._entries else None
        return last if isinstance(last, Done | Error) else None

    @property
    def ended(self) -> bool:
        """Whether there will never be more."""
        return self.terminal is not None

    def append(self, event: Event) -> None:
        """Number *event*, keep it and ring.

        Raises:
            LogFull: it does not fit. A terminal event always fits.
            LogEnded: there is a terminal event already.
        """
        if self.ended:
            msg = f"{event.type} after the terminal event"
            raise LogEnded(msg)
        frame = sse.encode(render(event), event_id(len(self._entries) + 1))
        size = len(frame) + OVERHEAD_BYTES
        terminal = isinstance(event, Done | Error)
        if self.bytes + size > self._max and not terminal:
            msg = f"the log would have {self.bytes + size:,} bytes, limit {self._max:,}"
            raise LogFull(msg)
        if terminal:
            frame += sse.encode(DONE, event_id(len(self._entries) + 1))
        self._entries.append(Entry(event, frame))
        self.bytes += size
        for bell in tuple(self._bells):
            bell()

    def after(self, number: int) -> Sequence[Entry]:
        """Return the entries after the first *number*, oldest first.

        Raises:
            BadCursor: the log has never been that long.
        """
        if number > len(self._entries):
            msg = "the cursor lies behind the end of this generation"
            raise BadCursor(msg)
        return self._entries[number:]

    def listen(self, bell: Bell) -> Callable[[], None]:
        """Call *bell* after every append, until the function that is returned is called.

        A bell must not raise and must not append.
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
        end = at + 1
        while end < len(entries) and joins(entries[at].event, entries[end].event):
            end += 1
        if end == at + 1:
            out.append(entries[at].frame)
        else:
            joined = join([entry.event for entry in entries[at:end]])
            out.append(sse.encode(render(joined), event_id(first_number + end - 1)))
        at = end
    return b"".join(out)
