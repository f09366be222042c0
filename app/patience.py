"""How often one answer may still try again after a failure, and how long it waits before."""

import random
from dataclasses import dataclass

from app.protocol.errors import Problem

BACKOFF_S = 0.5
"""Before the second call, on average half of it; twice as much before each later one (full jitter)."""

MAX_BACKOFF_S = 8

MAX_RETRY_AFTER_S = 30
"""A ``retry-after`` above this is the client's to wait, not a connection's."""

MAX_WAITING_S = 60
"""All waits of one answer together."""


@dataclass(slots=True)
class Patience:
    """How often one answer may still try again.

    Attributes:
        retries: Calls after one that showed nothing.
        continuations: Calls after one that broke when it had shown something.
        continues: Whether a broken answer is continued at all.
        waited_s: Seconds spent between calls so far.
        attempt: Number of the call under way.
    """

    retries: int
    continuations: int
    continues: bool
    waited_s: float = 0.0
    attempt: int = 0

    def spend(self, problem: Problem, *, showed: bool) -> float:
        """Take one more try after *problem*; return the seconds to wait before it.

        Args:
            problem: What the call under way failed with.
            showed: Whether readers have been shown content of that call, so that it is to be continued.

        Raises:
            Problem: *problem* itself, where trying again cannot help, or has been done as often as it may.
        """
        left = self.continuations if showed else self.retries
        if not problem.retryable or left == 0:
            raise problem
        longest_s = min(MAX_BACKOFF_S, BACKOFF_S * 2 ** (self.attempt - 1))
        asked_s = problem.retry_after_s
        delay_s = asked_s if asked_s is not None else random.uniform(0, longest_s)  # noqa: S311 - no secret
        if delay_s > MAX_RETRY_AFTER_S or self.waited_s + delay_s > MAX_WAITING_S:
            raise problem
        if showed:
            self.continuations -= 1
        else:
            self.retries -= 1
        self.waited_s += delay_s
        return delay_s
