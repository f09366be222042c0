"""How much of a log a reader has seen, and how that is written as the id of an event."""

import re
from typing import NamedTuple, Self

EPOCH = 1
"""Rises when another process takes a generation over. A log lives and dies with its process, so here it never does."""

CURSOR = re.compile(
    r"(?P<epoch>[1-9]\d{0,8})-(?P<number>0|[1-9]\d{0,14})(\.(?P<offset>[1-9]\d{0,14}))?", re.ASCII
)


class BadCursor(ValueError):
    """A cursor that no log ever gave out, or that lies behind this log's end."""


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
