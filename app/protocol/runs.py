r"""Deltas of one block as Claude writes them, any number at a time.

Claude sends a frame for each token, and writes all of a block's the same way, but for the text. So whatever stands
between two texts is known, and the frames of a read come apart at it: their texts, which are JSON strings, are put
together, and parsed once. A frame that is written in any other way, were it only a blank, is left to who reads it
as JSON.
"""

from app.protocol import jsontext

END = b'"}}\n\n'
"""How a delta ends, its text's closing quote included."""

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

    __slots__ = ("_first", "_head", "_size")

    def __init__(self, index: int, kind: str, field: str) -> None:
        self._head = (
            b'content_block_delta\ndata: {"type":"content_block_delta",'
            b'"index":%d,"delta":{"type":"%b","%b":"' % (index, kind.encode(), field.encode())
        )
        self._first = EVENT + self._head
        self._size = len(self._head)

    def read(self, frames: bytes, at: int) -> tuple[str, int] | None:
        """Return what the deltas that begin at *at* say together, and where they end.

        None if there are none, or none that are written that way.
        """
        if not frames.startswith(self._first, at):
            return None
        at += len(EVENT)
        end = frames.find(END, at + self._size)
        if end + len(END) == len(frames):
            text, at = frames[at + self._size : end], len(frames)
            if text.endswith(b"\\") and _ends_escaping(text):
                return None
        else:
            texts, at = self._texts(frames[at : at + RUN_BYTES], at)
            # What a quote of the text's own seems to end might make sense together with the next.
            if not texts or any(map(_ends_escaping, texts)):
                return None
            text = b"".join(texts)
        try:
            return jsontext.parse(b'"%b"' % text), at
        except ValueError:
            return None

    def _texts(self, run: bytes, at: int) -> tuple[list[bytes], int]:
        """Return the texts of the deltas that *run* begins with, and where the next frame begins if *run* does *at*."""
        head, size = self._head, self._size
        # With a short separator, which other frames may have too: one with the head in it takes thrice as long to find.
        *deltas, last = run.split(END + EVENT)
        texts = [delta[size:] for delta in deltas if delta.startswith(head)]
        if len(texts) < len(deltas):
            n = next(n for n, delta in enumerate(deltas) if not delta.startswith(head))
            return texts[:n], at + sum(map(len, deltas[:n])) + n * len(END + EVENT) - len(EVENT)
        at += len(run) - len(last)
        if last.startswith(head) and (end := last.find(END)) >= 0:
            return [*texts, last[size:end]], at + end + len(END)
        return texts, at - len(EVENT)


def _ends_escaping(text: bytes) -> bool:
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
