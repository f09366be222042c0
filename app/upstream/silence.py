"""How long a call of Claude may be silent, and how long it may take."""

import asyncio
import re
from typing import Any

from app.record import Gaps

PINGS = re.compile(rb"(?:(?:event: ping\ndata: [^\n]*|:[^\n]*)\n\n)+")
"""Frames that say no more than that the connection lives."""

DELTA = b"event: content_block_delta\n"

SHORT_BYTES = 4096
"""Where the last frame of a read is looked for; a delta that is longer is rare enough not to be waited for."""


class Silence:
    """The deadlines of one call: its total, and how long it may be silent.

    Pings keep a call alive for twice as long as silence may last. One timer serves a whole stream, both deadlines: it
    looks when it fires whether something was heard meanwhile, since arming one for every read would cost more than
    reading (measured: 0.7 µs each).
    """

    def __init__(self, stall_s: float, total_s: float, gaps: Gaps) -> None:
        self._gaps = gaps
        self._flowing = False
        self._stall_s = stall_s
        self._deadline = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._heard = self._told = self._loop.time()
        self._latest = self._heard + total_s
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Silence":
        await self._deadline.__aenter__()
        self._timer = self._loop.call_at(self._due(), self._look)
        return self

    async def __aexit__(self, *failure: Any) -> None:
        if self._timer:
            self._timer.cancel()
        await self._deadline.__aexit__(*failure)

    def heard(self, frames: bytes) -> None:
        """Note that bytes have come, and the *frames* they completed: whether they say anything."""
        self._heard = now = self._loop.time()
        if not frames or (frames.startswith((b"event: ping", b":")) and PINGS.fullmatch(frames)):
            return
        if self._flowing:
            self._gaps.count(now - self._told)
        self._told = now
        last = frames.rfind(b"\n\n", max(0, len(frames) - SHORT_BYTES), -2)
        self._flowing = frames.startswith(DELTA, last + 2 if last >= 0 else 0)

    def flows(self) -> None:
        """Note that one delta has come after others."""
        now = self._loop.time()
        self._gaps.count(now - self._told)
        self._heard = self._told = now

    def _due(self) -> float:
        return min(self._heard + self._stall_s, self._told + 2 * self._stall_s, self._latest)

    def _look(self) -> None:
        if self._loop.time() < (due := self._due()):
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._deadline.reschedule(self._loop.time())
