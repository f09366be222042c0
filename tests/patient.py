"""The loop that tests run in: what the machine takes away does not count as time.

Deadlines in tests are short, so that what is to be waited out takes no time; and a machine that does ten other things lets a
process stand for longer than that. Here a turn of the loop counts for a moment at most, and while there is something to read
no deadline passes: a timer ends when nothing else was left to do. Other processes and threads have no part in that: where
they do something within a deadline, it is a long one, and ``time_flies`` where it is to pass.
"""

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

TURN_S = 0.01
"""The most that counts of what the callbacks of one turn take."""


class _Selector(selectors.DefaultSelector):
    """Says what is ready, and what time it is for whoever could not do anything about the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._now = self._woke = time.monotonic()

    def now(self) -> float:
        """Return the time, in seconds; it never goes back."""
        return self._now + min(time.monotonic() - self._woke, TURN_S)

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._now = self.now()
        began = time.monotonic()
        ready = super().select(timeout)
        self._woke = time.monotonic()
        waited = self._woke - began
        if timeout is not None:
            waited = min(waited, timeout / 2 if ready else timeout + TURN_S)
        self._now += waited
        return ready


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own, which never runs faster than others."""

    def __init__(self) -> None:
        self._patient = _Selector()
        super().__init__(self._patient)

    def time(self) -> float:
        return self._patient.now()

    def advance(self, seconds: float) -> None:
        """Let so much time have passed."""
        self._patient.advance(seconds)


async def until(true: Callable[[], object]) -> None:
    """Wait for what nobody tells, such as when the server has let go of a connection; no longer than 20 s.

    Raises:
        TimeoutError: it has not come *true*.
    """
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


@asynccontextmanager
async def time_flies(once: Callable[[], object] = lambda: True) -> AsyncIterator[None]:
    """Let every deadline of this loop pass, *once* something has happened: at once, and however long it is."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PatientLoop)

    async def fly() -> None:
        while not once():  # noqa: ASYNC110 - what other processes do is not told
            await asyncio.sleep(0.01)
        while True:
            loop.advance(0.1)
            await asyncio.sleep(0)

    flying = asyncio.create_task(fly())
    try:
        yield
    finally:
        flying.cancel()
        with suppress(asyncio.CancelledError):
            await flying
