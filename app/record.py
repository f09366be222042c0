"""What is noted while answers are made, for the operator. It costs nothing per delta."""

from bisect import bisect_left
from dataclasses import dataclass, field

MAX_REQUESTS = 32
"""Of Claude's request ids one generation keeps so many; with tools and pauses it may make more calls."""

GAP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(slots=True)
class Record:
    """What one generation took.

    Attributes:
        calls: Calls of Claude.
        retries: Calls after one that failed; continuations are among them.
        seams: Places where text goes on in new model text.
        tool_turns: Turns that ended in calls of tools which run here.
        claude_requests: Claude's ids of the requests it answered, oldest first.
    """

    calls: int = 0
    retries: int = 0
    seams: int = 0
    tool_turns: int = 0
    claude_requests: list[str] = field(default_factory=list)

    def answered(self, request_id: str | None) -> None:
        """Note that Claude has answered, and under which id, unless that is known."""
        if request_id and request_id not in self.claude_requests and len(self.claude_requests) < MAX_REQUESTS:
            self.claude_requests.append(request_id)


class Gaps:
    """How long content let wait for itself, within the calls of this process.

    Counted once for each read that brings content, since what comes in one read comes at once. Our own counts, because
    a histogram of Prometheus' client takes a lock and ten times as long (measured: 0.2 against 2 µs).

    Attributes:
        counts: For each of ``GAP_SECONDS`` the gaps up to it and above the one before, and those above all.
        sum_s: All of them together, in seconds.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(GAP_SECONDS) + 1)
        self.sum_s = 0.0

    def count(self, gap_s: float) -> None:
        """Count one."""
        self.counts[bisect_left(GAP_SECONDS, gap_s)] += 1
        self.sum_s += gap_s
