r"""text/event-stream both ways: bytes in, frames out; an event's JSON in, frame bytes out.

Source: the WHATWG HTML standard, §9.2 "Server-sent events" (parsing and interpreting an event stream).

Rules
-----
1. CR, LF and CRLF all end a line and mean nothing else, so they are unified to LF before anything is looked
   at; a CRLF may be cut between its halves.
2. A blank line ends a frame. What has no ``data`` line is no frame. What follows the last blank line when the
   stream ends is dropped.
3. Bytes are never decoded here: U+2028, U+0085 or half a character at a chunk's end cannot hurt.

Cost: each byte is looked at a bounded number of times however it is cut, because the search for the next
blank line goes on where the last one stopped. Whether a frame is too large does not depend on the cuts either.
"""

import re
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: it keeps proxies from closing a silent connection and no client sees it as an event."""


class Frame(NamedTuple):
    """One event on the wire.

    Attributes:
        data: The ``data`` lines, joined by LF, as they came (UTF-8 is not checked).
        event: The ``event`` line, ``message`` where there was none.
        id: The last ``id`` the stream has named so far, if any.
    """

    data: bytes
    event: str = "message"
    id: str | None = None


USUAL = re.compile(rb"event: ([^\n]*)\ndata: ")
"""How nearly all frames begin; one with no other line need not be taken apart."""


class FrameTooLarge(Exception):
    """A frame has more bytes than the decoder may hold."""


class Decoder:
    """Splits an event stream into frames, wherever it was cut.

    Args:
        max_frame_bytes: How many bytes a frame may have before its blank line. Claude sends whole tool results
            as one frame, hundreds of kilobytes long; without a limit a broken upstream could fill the memory.

    Attributes:
        idle: Nothing is held: the stream has begun, and what came of it last ended with a frame.
    """

    def __init__(self, max_frame_bytes: int = 16 * 1024 * 1024) -> None:
        self._max = max_frame_bytes
        self._buffer = bytearray()
        self._scanned = 0
        self._started = False
        self._after_cr = False
        self._id: str | None = None
        self.idle = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that *chunk* completed, oldest first (often none).

        Raises:
            FrameTooLarge: as for ``whole``.
        """
        frames: list[Frame] = []
        for block in self.whole(chunk).split(b"\n\n"):
            self._id = last_id(block, self._id)
            if each := frame(block, self._id):
                frames.append(each)
        return frames

    def whole(self, chunk: bytes) -> bytes:
        """Return the frames that *chunk* completed as they came, but with LF for every line end (often none).

        Raises:
            FrameTooLarge: the next frame has more than ``max_frame_bytes``. Frames that *chunk* completed before
                it are returned first; then the next call raises.
        """
        if self._after_cr or b"\r" in chunk:
            chunk = self._unify(chunk)
        if self.idle and len(chunk) <= self._max and chunk.endswith(b"\n\n"):
            return chunk  # as nearly always: each read brings whole frames
        buffer = self._buffer
        buffer += chunk
        if not self._started and not self._start():
            return b""
        if buffer.startswith(b"\n"):  # blank lines before a frame are not part of it
            del buffer[: len(buffer) - len(buffer.lstrip(b"\n"))]
            self._scanned = 0
        at = buffer.rfind(b"\n\n", self._scanned) + 2 if len(buffer) <= self._max else self._small_enough()
        with memoryview(buffer) as view:  # a slice of the buffer itself would be one copy more
            whole = bytes(view[:at]) if at >= 2 else b""
        del buffer[: len(whole)]
        self._scanned = max(0, len(buffer) - 1)  # the first LF of a pair may be the last byte we hold
        self.idle = not buffer and not self._after_cr
        return whole

    def _small_enough(self) -> int:
        """Return how much of the buffer is whole frames within the limit that no larger one comes before."""
        buffer = self._buffer
        at, end = 0, buffer.find(b"\n\n", self._scanned)
        while 0 <= end < at + self._max:
            at = end + 2
            while buffer.startswith(b"\n", at):
                at += 1
            end = buffer.find(b"\n\n", at)
        if not at:
            msg = f"a frame has {len(buffer):,} bytes or more, limit {self._max:,}"
            raise FrameTooLarge(msg)
        return at

    def _start(self) -> bool:
        """Drop a byte order mark; False while it cannot be told yet whether there is one."""
        if len(self._buffer) < len(BOM) and BOM.startswith(bytes(self._buffer)):
            return False
        if self._buffer.startswith(BOM):
            del self._buffer[: len(BOM)]
        self._started = True
        return True

    def _unify(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
            self.idle = self.idle and not self._after_cr
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def frame(stream: bytes, last_id: str | None = None, at: int = 0, end: int | None = None) -> Frame | None:
    """Return the frame that the lines of *stream* between *at* and *end* are; None if they have no ``data``.

    Args:
        stream: Lines that end in LF; the blank one that ends the frame lies behind *end*.
        last_id: The last ``id`` so far, this frame's included.
        at: Where the frame begins.
        end: Where it ends, by default with *stream*.
    """
    end = len(stream) if end is None else end
    if (usual := USUAL.match(stream, at, end)) and stream.find(b"\n", usual.end(), end) < 0:
        return Frame(stream[usual.end() : end], usual[1].decode("utf-8", "replace") or "message", last_id)
    event = b""
    data: list[bytes] = []
    for line in stream[at:end].split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            event = value.removeprefix(b" ")
    if not data:
        return None
    return Frame(b"\n".join(data), event.decode(errors="replace") or "message", last_id)


def end_of_frame(stream: bytes, at: int) -> int:
    """Return where the blank line begins that ends the frame which begins *at*, or else the end of *stream*."""
    # Looking for both line ends at once takes ten times as long where they are far apart.
    while (at := stream.find(b"\n", at) + 1) and not stream.startswith(b"\n", at):
        pass
    return at - 1 if at else len(stream)


def last_id(block: bytes, before: str | None) -> str | None:
    """Return the last ``id`` that the stream has named when it ends with *block*; *before* it was the given one."""
    for line in block.split(b"\n") if b"id" in block else ():
        field, _, value = line.partition(b":")
        if field == b"id" and b"\0" not in value:
            before = value.removeprefix(b" ").decode(errors="replace")
    return before


def encode(data: bytes, event_id: str) -> bytes:
    """Return the frame of one event: an ``id`` line, a ``data`` line, a blank line.

    Raises:
        ValueError: *data* has a line end in it, or *event_id* a character that is not printable, such as a line
            end or NUL: they would forge fields (CWE-93).
    """
    if b"\n" in data or b"\r" in data or not event_id.isprintable():
        msg = "an event's data and id must each be one line"
        raise ValueError(msg)
    return b"".join((b"id: ", event_id.encode(), b"\ndata: ", data, b"\n\n"))


def retry(milliseconds: int) -> bytes:
    """Return the line that tells a client how long to wait before it comes back."""
    return b"retry: %d\n\n" % milliseconds
