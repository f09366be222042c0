"""How one reader wants to see a generation: which events, and deltas joined by sentence or by time. Pure.

A reader that asks for nothing gets ready frames (``Log.frames``) and never comes here.

Rules
-----
1. What is sent is the log, its deltas cut in other places: the text of a block, put together, is the same.
2. A piece may end within an event of the log, where a sentence does. Its id says so (``EPOCH-N.OFFSET``), so
   that a reader that is cut after it goes on with the very next character.
3. What is held back goes out before anything that came after it, and at the latest when its block stops.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.protocol.cursor import Cursor
from app.protocol.deltas import join, joins
from app.protocol.events import Block, BlockStop, Delta, Done, Error, Event, Text

SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+\s+|[。！？]+[”’」』）]*|\n+")
"""The white space after a full stop belongs to the sentence: before it, ``3.`` may become ``3.14``.

Full stops are looked at from the first of a row, and once: from each of them anew, a row of 20,000 takes seconds.
"""

MAY_END = ".!?…\"'”’)]"
"""What the end of a sentence may have before its white space has come."""

MAX_SENTENCE = 2000
"""Characters after which a sentence goes out unfinished: code has no full stops."""


@dataclass(frozen=True, slots=True)
class View:
    """How one reader wants to see a generation.

    Attributes:
        events: The event types to send, None for all; ``error`` is always among them.
        by_sentence: Text goes out sentence by sentence.
        every_ms: Deltas go out at most once in so many milliseconds, None for as they come.
    """

    events: frozenset[str] | None = None
    by_sentence: bool = False
    every_ms: int | None = None


PLAIN = View()

Piece = tuple[Cursor, Event]
"""An event to send, and the cursor of a reader that has seen it."""


class Shaper:
    """Turns the events of a log into what one reader wants to see.

    Args:
        view: What it wants.
        cursor: What it has seen.
    """

    def __init__(self, view: View, cursor: Cursor) -> None:
        self._view = view
        self._number = cursor.number
        self._skip = cursor.offset
        self._held: list[tuple[int, int, Event]] = []  # number, characters of it sent before, the rest of it

    @property
    def holding(self) -> bool:
        """Whether something waits to be joined with what comes."""
        return bool(self._held)

    def feed(self, events: Sequence[Event]) -> list[Piece]:
        """Return what to send now that *events* have come."""
        out: list[Piece] = []
        for event in events:
            self._number += 1
            if isinstance(event, Text) and self._skip:
                event, skipped, self._skip = Text(event.piece[self._skip :], event.index), self._skip, 0
            else:
                skipped = 0
            if self._held and not joins(self._held[-1][2], event) and not self._passes_by(event):
                out += self.flush()
            if not self._wanted(event):
                continue
            if isinstance(event, Delta):
                self._held.append((self._number, skipped, event))
                if self._view.by_sentence and isinstance(event, Text):
                    out += self._sentences(event)
            else:
                out.append((Cursor(self._number), event))
        if self._view.every_ms is None and not (self._view.by_sentence and self._holds_text()):
            out += self.flush()
        return out

    def flush(self) -> list[Piece]:
        """Return what was held back, as one event."""
        if not self._held:
            return []
        number, event = self._held[-1][0], join([event for _, _, event in self._held])
        self._held.clear()
        return [(Cursor(number), event)]

    def _holds_text(self) -> bool:
        return bool(self._held) and isinstance(self._held[0][2], Text)

    def _passes_by(self, event: Event) -> bool:
        """Say whether *event*, which the reader does not want, changes nothing about what is held."""
        ends = isinstance(event, BlockStop | Block | Done | Error)
        return not ends and not self._wanted(event)

    def _wanted(self, event: Event) -> bool:
        return self._view.events is None or event.type in self._view.events

    def _sentences(self, newest: Text) -> list[Piece]:
        """Return the sentences that *newest* completed, keep the rest of it."""
        text = "".join(event.piece for _, _, event in self._held if isinstance(event, Text))
        looked_at = len(text[: len(text) - len(newest.piece)].rstrip(MAY_END))
        ends = [end.end() for end in SENTENCE_END.finditer(text, looked_at)]
        cut = ends[-1] if ends else len(text) if len(text) > MAX_SENTENCE else 0
        if not cut:
            return []
        # They were not complete before, so the last one ends within the newest delta.
        number, sent, _ = self._held[-1]
        self._held.clear()
        if rest := text[cut:]:
            used = sent + len(newest.piece) - len(rest)
            self._held.append((number, used, Text(rest, newest.index)))
            return [(Cursor(number - 1, used), Text(text[:cut], newest.index))]
        return [(Cursor(number), Text(text, newest.index))]
