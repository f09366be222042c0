"""What a generation cost, in Claude's own fields, and what it said, as one digest.

Within one upstream message Claude's numbers are cumulative: a later value replaces an earlier one and an
absent one keeps it (Claude's streaming reference, ``message_delta``). Over the messages of a generation
(attempts, continuations, tool turns) they add up.
"""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

COUNTS = frozenset(
    {"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}
)
"""Fields that count something. What is no number, or less than nothing, is left out."""

TOGETHER = 32
"""Pieces of text that are hashed together."""

LONG = 256
"""Characters of a piece that is hashed without waiting for others."""


@dataclass(slots=True)
class Spent:
    """What one upstream message took.

    Attributes:
        model: Which answered, as Claude named it.
        usage: Claude's usage fields.
        final: Claude has ended the message, so that the numbers are the last ones; else it broke before.
    """

    model: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    final: bool = False


class Ledger:
    """Adds up the usage of a generation's upstream messages.

    Attributes:
        messages: What each of them took, oldest first.
    """

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self.messages: list[Spent] = []

    def begin(self, model: str | None = None) -> None:
        """Begin the next upstream message, which *model* answers."""
        self._before = self.total()
        self._message = {}
        self.messages.append(Spent(model, self._message))

    def report(self, usage: dict[str, Any], *, final: bool = False) -> None:
        """Take what Claude reports for the message under way; *final* once it has said why it ends."""
        for name, value in usage.items():
            if name in COUNTS and value is not None and not (_is_number(value) and 0 <= value < math.inf):
                continue
            if value is not None or name not in self._message:
                self._message[name] = value
        if self.messages:
            self.messages[-1].final |= final

    def total(self) -> dict[str, Any]:
        """Return the generation's total so far: numbers summed, other values the last ones."""
        return _sum(self._before, self._message)


def _sum(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    if not before:  # the first message, as nearly always
        return dict(after)
    total = dict(before)
    for name, value in after.items():
        had = total.get(name)
        if isinstance(value, dict) and isinstance(had, dict):
            total[name] = _sum(had, value)
        elif _is_number(value) and _is_number(had):
            total[name] = had + value
        elif value is not None or had is None:
            total[name] = value
    return total


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class TextDigest:
    """SHA-256 of text that comes in pieces, in UTF-8, as a browser's ``TextEncoder`` would encode the whole.

    A character outside the Basic Multilingual Plane may be cut between its surrogates; a surrogate that stays
    alone counts as U+FFFD. Pieces are hashed some at a time: hashing each costs more than all else that is done with it.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pieces: list[str] = []

    def update(self, text: str) -> None:
        """Add *text*."""
        pieces = self._pieces
        pieces.append(text)
        if len(pieces) >= TOGETHER or len(text) > LONG:
            self._hash_all()

    def _hash_all(self) -> None:
        """Hash what has gathered, but for half a character at its end."""
        text = "".join(self._pieces)
        high = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._pieces = [high] if high else []
        text = text[: len(text) - len(high)]
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        self._hash.update(data)

    def hexdigest(self) -> str:
        """Return the digest of all text so far."""
        self._hash_all()
        last = self._hash.copy()
        if self._pieces:
            last.update("\ufffd".encode())
        return last.hexdigest()
