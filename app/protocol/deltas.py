"""Pieces of one and the same text, thinking or input: whether they join, into what, and how their frames are written."""

from collections.abc import Sequence

import orjson

from app.protocol import jsontext
from app.protocol.events import Delta, Event, Thinking


class Writer:
    """Writes, joins and reads the frames of one block's deltas, which differ in their numbers and pieces alone.

    Args:
        kind: Of the deltas.
        index: The block's.
        epoch: The first half of their ids.
    """

    __slots__ = ("_form", "_head", "_tail", "index", "kind")

    def __init__(self, kind: type[Delta], index: int, epoch: int) -> None:
        self.kind = kind
        self.index = index
        self._head = b'data: {"type":"%b","%b":"' % (kind.type.encode(), kind.field.encode())
        self._tail = b'","index":%d}\n\n' % index
        self._form = b"id: %d-%%d\n%b%%b%b" % (epoch, self._head[:-1], self._tail[1:])

    def frame(self, number: int, piece: str) -> bytes:
        """Return the frame of a delta."""
        try:
            return self._form % (number, orjson.dumps(piece))
        except TypeError:  # half a character
            return self._form % (number, jsontext.render(piece))

    def join(self, number: int, frames: Sequence[bytes]) -> bytes:
        """Return one frame that says what *frames* say one after the other."""
        return self._form % (number, self._said(frames))

    def read(self, frames: Sequence[bytes]) -> Delta:
        """Return one delta that says what *frames* say one after the other."""
        return self.kind(jsontext.parse(self._said(frames)), self.index)

    def _said(self, frames: Sequence[bytes]) -> bytes:
        """Return the pieces as one string of JSON. JSON's strings need not be parsed to be joined."""
        head, size, end = self._head, len(self._head), -len(self._tail)
        return b'"%b"' % b"".join([frame[frame.index(head) + size : end] for frame in frames])


def joins(first: Event, second: Event) -> bool:
    """Say whether both are pieces of one and the same thing, so that one event can carry them."""
    # Not a match statement: this runs for every token.
    return (
        type(first) is type(second)
        and isinstance(first, Delta)
        and isinstance(second, Delta)
        and first.index == second.index
    )


def join(pieces: Sequence[Event]) -> Event:
    """Return one event that says what *pieces*, neighbours of which any two join, say one after the other."""
    first = pieces[0]
    if not isinstance(first, Delta):
        return first
    text = "".join(each.piece for each in pieces if isinstance(each, Delta))
    if isinstance(first, Thinking):
        estimates = [each.estimated_tokens for each in pieces if isinstance(each, Thinking)]
        known = [estimate for estimate in estimates if estimate is not None]
        return Thinking(text, first.index, sum(known) if known else None)
    return type(first)(text, first.index)


def utf16_length(text: str) -> int:
    """Return how many code units *text* has in UTF-16, which is what JavaScript counts."""
    return len(text) + sum(character > "\uffff" for character in text)
