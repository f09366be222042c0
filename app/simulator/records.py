"""What came in: one record for each request, for tests to look at and to wait on."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

WAIT_S = 10.0
"""How long a test waits for what it has set off."""


@dataclass(slots=True, eq=False)
class RequestRecord:
    """One request and what became of it.

    Attributes:
        method: As sent.
        path: Without the query.
        query: The raw query string.
        headers: Lower-case names; of a repeated header the last.
        body: As sent.
        started: Loop time when it was complete.
        ended: Loop time when its response was over; ``None`` while it runs.
        status: Status of the response; ``None`` before the head was sent.
        sends: How many writes (in a stream: events) the response had so far.
        aborted: The client closed the connection before the end.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    started: float
    ended: float | None = None
    status: int | None = None
    sends: int = 0
    aborted: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return orjson.loads(self.body)

    async def over(self) -> None:
        """Wait until the response ended, however that was.

        Raises:
            TimeoutError: it still runs after ``WAIT_S``.
        """
        async with asyncio.timeout(WAIT_S):
            await self._over.wait()

    def end(self, now: float, *, aborted: bool) -> None:
        """Note that the response is over."""
        self.ended = now
        self.aborted = aborted
        self._over.set()


class Requests:
    """The latest requests, oldest first; as a sequence, and to wait for the next."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[RequestRecord] = deque(maxlen=limit)
        self._total = 0
        self._grown = asyncio.Event()

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> RequestRecord:
        return self._kept[index]

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(tuple(self._kept))

    @property
    def total(self) -> int:
        """How many requests there were, the forgotten ones included."""
        return self._total

    def add(self, record: RequestRecord) -> None:
        """Append *record* and wake whoever waits for it."""
        self._kept.append(record)
        self._total += 1
        self._grown.set()
        self._grown = asyncio.Event()

    def clear(self) -> None:
        """Forget all of them; ``total`` counts from 0 again."""
        self._kept.clear()
        self._total = 0

    async def wait_for(self, total: int, timeout_s: float = WAIT_S) -> RequestRecord:
        """Wait until there were *total* requests and return the latest.

        Raises:
            TimeoutError: they did not come within *timeout_s*.
        """
        async with asyncio.timeout(timeout_s):
            while self._total < total:
                await self._grown.wait()
        return self._kept[-1]
