r"""Deltas of one block as Claude writes them, any number at a time.

Claude sends a frame for each token, and writes all of a block's the same way, but for the text. So whatever stands
between two texts is known, and the frames of a read come apart at it: their texts, which are JSON strings, are put
together, and parsed once. Claude also pads many frames with blanks before their last brace. One that is written in any
other way is left to who reads it as JSON.
"""

import orjson

from app.protocol import jsontext

CLOSE = b'"}'
"""What closes a delta's text, and the delta. Blanks may follow."""

END = b"}\n\n"
"""What closes the frame."""

EVENT = b"event: "

RUN_BYTES = 16 * 1024
"""How much is looked at together, so that what becomes one event is bounded."""


class Run:
    """Knows the deltas of one block.

    Args:
        index: Claude's for the block.
        kind: Of the delta.
        field: The one with the text.
    """

    __slots__ = ("_first", "_head", "_quote", "_size")

    def __init__(self, index: int, kind: str, field: str) -> None:
        self._head = (
            b'content_block_delta\ndata: {"type":"content_block_delta",'
            b'"index":%d,"delta":{"type":"%b","%b":"' % (index, kind.encode(), field.encode())
        )
        self._first = EVENT + self._head
        self._size = len(self._head)
        self._quote = len(self._first) - 1

    def one(self, read: bytes) -> str | None:
        """Return the text if *read* is one delta and nothing else; None if it is anything else, or written in any other way."""
        if not (read.startswith(self._first) and read.endswith(END)):
            return None
        written = read[self._quote : -len(END)].rstrip(b" ")
        if not written.endswith(CLOSE):
            return None
        try:
            # From quote to quote: of two deltas, or with a quote of the text's own at the end, this is no JSON.
            text: str = orjson.loads(written[:-1])
        except ValueError:
            return None
        return text

    def read(self, frames: bytes, at: int) -> tuple[str, int] | None:
        """Return what the deltas that begin at *at* say together, and where they end.

        None if there are none, or none that are written that way.
        """
        if not frames.startswith(self._first, at):
            return None
        at += len(EVENT)
        texts, at = self._texts(frames[at : at + RUN_BYTES], at)
        # What a quote of the text's own seems to end might make sense together with the next.
        if not texts or any(map(_ends_escaping, texts)):
            return None
        try:
            return jsontext.parse(b'"%b"' % b"".join(texts)), at
        except ValueError:
            return None

    def _texts(self, run: bytes, at: int) -> tuple[list[bytes], int]:
        """Return the texts of the deltas that *run* begins with, and where the next frame begins if *run* does *at*."""
        texts: list[bytes] = []
        head, size = self._head, self._size
        # With a short separator, which other frames may have too: one with the head in it takes thrice as long to find.
        *frames, last = run.split(END + EVENT)
        for frame in frames:
            written = frame.rstrip(b" ")
            if not (written.startswith(head) and written.endswith(CLOSE)):
                return texts, at - len(EVENT)
            texts.append(written[size : -len(CLOSE)])
            at += len(frame) + len(END + EVENT)
        written = last[: last.find(END)].rstrip(b" ")
        if END in last and written.startswith(head) and written.endswith(CLOSE):
            return [*texts, written[size : -len(CLOSE)]], at + last.index(END) + len(END)
        return texts, at - len(EVENT)


def _ends_escaping(text: bytes) -> bool:
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
