"""How often: counts what clients do in windows of time, and refuses what is above a limit.

The counting is limits' (https://limits.readthedocs.io): a window begins with the first of its counts and ends when
its time is over. Counts live in this process; a restart forgets them.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from app.limits.terms import Rates
from app.protocol.errors import Gone, NotFound, Problem, TooMany, WrongCredential

MAX_WINDOWS = 100_000
"""About 25 MB. With more clients at once the oldest windows are forgotten."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that clients do now and then, and how often they may.

    Attributes:
        name: What it is, in words.
        rate: How often.
        limit: What the limit is called in metrics.
    """

    name: str
    rate: RateLimitItem
    limit: str


MISSES = Habit("questions for answers that are not there", RateLimitItemPerMinute(600), "misses")
"""Whoever asks for so many is guessing ids."""

WRONG_CREDENTIALS = Habit("wrong credentials", RateLimitItemPerMinute(20), "wrong_credentials")
"""Of one address."""

COUNTS = Habit("counts of tokens", RateLimitItemPerMinute(600), "counts")
"""Each is a call of Claude, though it costs nothing."""


class Windows(Storage):
    """Counts for limits, bounded. Its own store walks over all keys at each count, in a task and threads."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What counting can fail with: nothing."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the count of *key*, in a window of *expiry* seconds."""
        now = time.time()
        ends_at, count = self._windows.get(key, (0.0, 0))
        if ends_at <= now:
            self._windows.pop(key, None)  # to come last again
            ends_at, count = now + expiry, 0
        self._windows[key] = ends_at, count + amount
        while len(self._windows) > MAX_WINDOWS or next(iter(self._windows.values()))[0] <= now:
            self._windows.popitem(last=False)
        return count + amount

    async def get(self, key: str) -> int:
        """Return the count of *key* in its window."""
        ends_at, count = self._windows.get(key, (0.0, 0))
        return count if ends_at > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the window of *key* ends."""
        return max(self._windows.get(key, (0.0, 0))[0], time.time())

    async def check(self) -> bool:
        """Say that counting works."""
        return True

    async def reset(self) -> int:
        """Forget all windows, return how many there were."""
        number = len(self._windows)
        self._windows.clear()
        return number

    async def clear(self, key: str) -> None:
        """Forget the window of *key*."""
        self._windows.pop(key, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands to the limit that is nearest.

    Attributes:
        limit: How many in a window.
        remaining: How many of them are left.
        reset_s: Seconds until the window ends.
        window_s: Seconds of a window.
    """

    limit: int
    remaining: int
    reset_s: float
    window_s: int

    def headers(self) -> Mapping[str, str]:
        """Return what a client is told (draft-ietf-httpapi-ratelimit-headers-07)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset_s)),
            "RateLimit-Policy": f"{self.limit};w={self.window_s}",
        }


class Limiter:
    """Counts what clients do, and refuses what is above a limit."""

    def __init__(self) -> None:
        self._windows = FixedWindowRateLimiter(Windows())

    async def start(self, client: str, rates: Rates) -> Standing:
        """Count a new generation of *client*, whose limits are *rates*; return how it stands now.

        Raises:
            TooMany: it has started as many as it may. Nothing is counted then.
        """
        for rate in rates:
            if not await self._windows.test(rate, "start", client):
                standing = await self._standing(rate, "start", client)
                msg = f"You have asked as often as you may ({_said(rate)}). Try again in {in_words(standing.reset_s)}."
                raise TooMany(msg, retry_after_s=standing.reset_s, headers=standing.headers(), limit="rate")
        standings = []
        for rate in rates:
            await self._windows.hit(rate, "start", client)
            standings.append(await self._standing(rate, "start", client))
        return min(standings, key=lambda standing: standing.remaining / standing.limit)

    async def count(self, habit: Habit, client: str) -> None:
        """Count that *client* does it once more.

        Raises:
            TooMany: it does so too often.
        """
        if not await self._windows.hit(habit.rate, habit.name, client):
            await self._refuse(habit, client)

    async def guessed(self, problem: Problem, *, address: str, client: str) -> Problem:
        """Count *problem* if whoever meets it may be guessing; return it, or the TooMany for who has met it too often.

        Args:
            problem: What is wrong with what was asked.
            address: The network that it came from.
            client: On whom it counts.
        """
        try:
            match problem:
                case WrongCredential():
                    await self.count(WRONG_CREDENTIALS, address)
                case NotFound() if not isinstance(problem, Gone):
                    await self.count(MISSES, client)
                case _:
                    pass
        except TooMany as too_many:
            return too_many
        return problem

    async def check(self, habit: Habit, client: str) -> None:
        """Look whether *client* may do it once more, without counting it.

        Raises:
            TooMany: it may not.
        """
        if not await self._windows.test(habit.rate, habit.name, client):
            await self._refuse(habit, client)

    async def _refuse(self, habit: Habit, client: str) -> None:
        standing = await self._standing(habit.rate, habit.name, client)
        msg = f"Too many {habit.name} ({_said(habit.rate)}). Try again in {in_words(standing.reset_s)}."
        raise TooMany(msg, retry_after_s=standing.reset_s, headers=standing.headers(), limit=habit.limit)

    async def _standing(self, rate: RateLimitItem, what: str, client: str) -> Standing:
        stats = await self._windows.get_window_stats(rate, what, client)
        reset_s = max(0.0, stats.reset_time - time.time())
        return Standing(rate.amount, stats.remaining, reset_s, rate.get_expiry())


def _said(rate: RateLimitItem) -> str:
    return f"{rate.amount} in {in_words(rate.get_expiry())}"


def in_words(seconds: float) -> str:
    """Return a time in the unit that makes it short."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = math.ceil(seconds / size)
            return f"{number} {unit}s" if number > 1 else f"1 {unit}"
    number = max(1, math.ceil(seconds))
    return f"{number} seconds" if number > 1 else "1 second"
