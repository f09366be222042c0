"""Bytes → lines, however they were cut and however long they are.

Of a line that is too long only its two ends are kept, so that a program which never ends its line costs
nothing but the reading. Cost is O(n) in the bytes fed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end.

    Attributes:
        data: The line, or the beginning and the end of one that is too long.
        dropped: How many bytes are missing in the middle.
    """

    data: bytes
    dropped: int = 0


class Lines:
    """Cuts bytes into lines.

    Attributes:
        dropped: How many bytes of the line that is being read have been dropped so far.
    """

    def __init__(self, limit: int, end: int) -> None:
        """Keep lines of up to *limit* bytes, and *end* bytes of either end of a longer one."""
        self._limit = limit
        self._end = end
        self._held = bytearray()
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the lines that *chunk* completed, oldest first (often none)."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for part in whole:
            self._add(part)
            lines.append(self._take())
        self._add(rest)
        return lines

    def flush(self) -> list[Line]:
        """Return the last line if it lacks its end."""
        return [self._take()] if self._held else []

    def _add(self, part: bytes) -> None:
        self._held += part
        excess = len(self._held) - 2 * self._end
        if len(self._held) > self._limit or (self.dropped and excess > 0):
            del self._held[self._end : self._end + excess]
            self.dropped += excess

    def _take(self) -> Line:
        line = Line(bytes(self._held).removesuffix(b"\r"), self.dropped)
        self._held.clear()
        self.dropped = 0
        return line
