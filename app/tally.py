"""What is counted of an answer while it is said: how long it took, since when readers see it, and its text's digest."""

import time
from collections.abc import Iterable
from typing import Any

from app.protocol.events import CONTENT, Delta, Event, Text
from app.protocol.usage import TextDigest


class Tally:
    """The counts of one answer, which begins now.

    Attributes:
        ttft_ms: From the beginning to the first piece of content, once that has come.
        duration_ms: From the beginning to the end, once that has come; 0 before.
        showed: Whether readers were shown anything of an answer.
        digest: Of its text.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.ttft_ms: int | None = None
        self.duration_ms = 0
        self.showed = False
        self.digest = TextDigest()

    def note(self, events: Iterable[Event]) -> None:
        """Take account of what readers can see now."""
        for event in events:
            if isinstance(event, Text):
                self.digest.update(event.piece)
            if self.ttft_ms is None:
                self.showed = self.showed or isinstance(event, CONTENT)
                self.ttft_ms = self.elapsed_ms() if isinstance(event, Delta) else None

    def elapsed_ms(self) -> int:
        """Return milliseconds since the beginning."""
        return round((time.monotonic() - self._began) * 1000)

    def end(self) -> None:
        """Note that the answer has ended."""
        self.duration_ms = self.elapsed_ms()

    def timing(self, output_tokens: int | None) -> dict[str, Any]:
        """Return what readers are told of the time that an answer of so many tokens took, now that it has ended."""
        writing_ms = self.duration_ms - self.ttft_ms if self.ttft_ms is not None else 0
        rate = round(output_tokens * 1000 / writing_ms, 1) if output_tokens and writing_ms > 0 else None
        return {"ttft_ms": self.ttft_ms, "duration_ms": self.duration_ms, "tokens_per_second": rate}
