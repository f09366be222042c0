"""What one call of Claude brings, on its way to the log.

There are two ways, to the same end. All events can take the long one: frames, events, the turn, its generation. A delta
of the block whose delta was the last thing said, alone in its read and written as Claude writes it, needs to be asked
nothing more, and nearly everything is one of those; it takes the short way. Between two tokens other work fills the CPU's
caches, so what a delta costs is not what is computed for it but how much code it runs through (measured: ten times what
the same takes in a loop).
"""

import time
from collections.abc import Callable, Sequence

from app.producer import Teller
from app.protocol.claude import Translator
from app.protocol.events import Delta, Event, Text, Thinking
from app.protocol.runs import Run
from app.record import Call


class Intake:
    """Takes what one call brings.

    Args:
        translator: Reads its frames.
        teller: Is told a delta that takes the short way.
        call: What is to be known of the call.
        say: Says events; returns whether none is held back.
    """

    def __init__(
        self, translator: Translator, teller: Teller, call: Call, say: Callable[[Sequence[Event]], bool]
    ) -> None:
        self._translator = translator
        self._go_on = teller.go_on
        self._call = call
        self._say = say
        self._run: Run | None = None
        self._kind: type[Delta] = Text
        self._index = 0

    def take(self, frames: bytes) -> bool:
        """Say what *frames*, whole ones, say; True when the message has ended.

        Raises:
            Problem: as for ``Translator.read``; what came before it has been said.
        """
        self._run = None
        self._call.first_ns = self._call.first_ns or time.time_ns()
        events: list[Event] = []
        try:
            self._translator.read(frames, events)
        finally:
            said = self._say(events)
        last, latest = events[-1] if events else None, self._translator.latest
        if said and isinstance(last, Text | Thinking) and latest and latest.index == last.index:
            self._kind, self._index, self._run = type(last), last.index, latest.run
        return self._translator.ended

    def one(self, read: bytes) -> bool:
        """Say what *read* says if it may take the short way; else False, and nothing is done."""
        if self._run is None or (piece := self._run.one(read)) is None:
            return False
        if piece:
            self._go_on(self._kind, self._index, piece)
        return True
