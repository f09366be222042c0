"""Who makes an answer: told where to say it, it says events and returns how Claude ended it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.protocol.events import Delta, Event
from app.protocol.fold import Fold
from app.protocol.usage import Ledger
from app.record import Record


@dataclass(slots=True)
class Ending:
    """How Claude ended the answer.

    Attributes:
        stop_reason, stop_sequence: Claude's.
        message: Its further fields.
        message_id, model: Of the last upstream message, as Claude named them.
    """

    stop_reason: str | None = None
    stop_sequence: str | None = None
    message: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    model: str | None = None


class Teller(Protocol):
    """What a producer sees of its generation."""

    ledger: Ledger
    record: Record

    @property
    def began(self) -> bool:
        """Whether anything has been said."""

    def say(self, *events: Event) -> None:
        """Append *events*; the first one is preceded by ``start``."""

    def go_on(self, kind: type[Delta], index: int, piece: str) -> None:
        """Append one more delta of a block that has said some; what ``say`` would do, and sooner."""

    def answered(self, message_id: str | None, model: str | None) -> None:
        """Note that Claude has answered, so that ``start`` can say it."""

    def elapsed_ms(self) -> int:
        """Return milliseconds since the generation began."""

    def fold(self) -> Fold:
        """Return what has been said so far."""


Produce = Callable[[Teller], Awaitable[Ending]]
