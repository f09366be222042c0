"""What questions hold in memory while they are read and answered, and who may hold how much of it."""

from collections import Counter
from collections.abc import Callable
from typing import Self

from app.protocol import jsontext
from app.protocol.errors import BadRequest, TooMany
from app.protocol.log import Account

COPIES = 3
"""As how many times its size a question counts: it is held as it came, parsed, and as it goes up (measured: 85 MB for
30 MB)."""

VALUE_BYTES = 50
"""How much longer a question counts for each of its values, if they are many: held, a value takes up to thrice that (measured:
145 MB for a million)."""

MAX_VALUES = 500_000
"""Of one question. To count and parse so many takes half a second, in which nobody gets anything (measured); 32 MB of
``{}`` took 4, and 700 MB."""

SHARE = 4
"""One client's questions may hold the fourth part of all: more than the largest single one does by default."""


class Rooms:
    """The rooms of all requests.

    Args:
        account: Where they are counted, beside the logs.
        most_bytes: What may be held in all.
        free: Makes room there, or raises ``Unavailable``.
    """

    def __init__(self, account: Account, most_bytes: int, free: Callable[[int], None]) -> None:
        self._account = account
        self._share = most_bytes // SHARE
        self._free = free
        self._held_by: Counter[str] = Counter()

    def take(self, client: str, size: int, had: int) -> None:
        """Count *size* more bytes for a request of *client* that has taken *had*.

        Raises:
            TooMany: the client's other questions leave too little. One alone is bounded by its size.
            Unavailable: so much is under way.
        """
        others = self._held_by[client] - had
        if others and others + had + size > self._share:
            msg = "Your other questions are too large to be answered at the same time as this one. Wait for one to end."
            raise TooMany(msg, retry_after_s=1, limit="questions")
        self._free(size)
        self._held_by[client] += size
        self._account.bytes += size

    def give_back(self, client: str, size: int) -> None:
        """Count *size* bytes no more."""
        self._account.bytes -= size
        self._held_by[client] -= size
        if not self._held_by[client]:
            del self._held_by[client]


class Room:
    """What one request holds beside its log; given back on leaving, unless kept."""

    def __init__(self, rooms: Rooms, client: str) -> None:
        self._rooms = rooms
        self._client = client
        self._bytes = 0
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if not self._kept:
            self.give_back()

    def take(self, size: int) -> None:
        """Count *size* more bytes of a body.

        Raises:
            TooMany: the client's other questions leave too little.
            Unavailable: so much is under way.
        """
        self._rooms.take(self._client, size * COPIES, self._bytes)
        self._bytes += size * COPIES

    def unfold(self, body: bytes) -> None:
        """Count what *body* takes once it is parsed, above its size: many small values take more than they are written in.

        Raises:
            BadRequest: they are too many to be parsed.
            TooMany: the client's other questions leave too little.
            Unavailable: so much is under way.
        """
        values = jsontext.values(body, MAX_VALUES)
        if values > MAX_VALUES:
            msg = f"The body holds more values than this gateway takes, {MAX_VALUES:,}."
            raise BadRequest(msg, limit="body_values")
        if values:
            self.take(values * VALUE_BYTES)

    def keep(self) -> None:
        """Leave giving back to who calls this."""
        self._kept = True

    def give_back(self) -> None:
        """Count it no more."""
        self._rooms.give_back(self._client, self._bytes)
        self._bytes = 0
