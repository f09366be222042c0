"""What is noted while answers are made, for the operator. It costs nothing per delta."""

import time
from bisect import bisect_left
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

MAX_REQUESTS = 32
"""Of Claude's request ids one generation keeps so many; with tools and pauses it may make more calls."""

MAX_CALLS = 64
"""So many calls of Claude one generation describes. With tools and pauses it may make more."""

MAX_TOOL_CALLS = 128
"""And so many of tools that run here."""

TRACE: ContextVar[object | None] = ContextVar("TRACE", default=None)
"""The trace that a request belongs to, for ``telemetry`` alone to understand."""

GAP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(slots=True)
class Call:
    """One call of Claude.

    Attributes:
        began_ns, ended_ns: Nanoseconds since 1970; the second 0 while it goes on.
        first_ns: When its first frame came; 0 before.
        max_tokens: What was asked for.
        message_id, model, stop_reason: Claude's, as far as it said.
        usage: What it took, as far as Claude said.
        error: Type of the error it failed with.
    """

    began_ns: int
    max_tokens: int | None
    ended_ns: int = 0
    first_ns: int = 0
    message_id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class ToolCall:
    """One call of a tool that runs here.

    Attributes:
        began_ns, ended_ns: Nanoseconds since 1970; the second 0 while it goes on.
        id: Claude's, of the call.
        name: The tool's.
        error: What kind of failure it ended in, in a word, if it did.
    """

    began_ns: int
    id: str
    name: str
    ended_ns: int = 0
    error: str | None = None


@dataclass(slots=True)
class Record:
    """What one generation took.

    Attributes:
        calls: Calls of Claude.
        retries: Calls after one that failed; continuations are among them.
        seams: Places where text goes on in new model text.
        tool_turns: Turns that ended in calls of tools which run here.
        claude_requests: Claude's ids of the requests it answered, oldest first.
        made: The calls, oldest first.
        tools: The calls of tools that run here, oldest first.
        began_ns: When, in nanoseconds since 1970.
        trace: What the request that started it belongs to.
    """

    calls: int = 0
    retries: int = 0
    seams: int = 0
    tool_turns: int = 0
    claude_requests: list[str] = field(default_factory=list)
    made: list[Call] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    began_ns: int = field(default_factory=time.time_ns)
    trace: Any = field(default_factory=TRACE.get)

    def call(self, max_tokens: int | None) -> Call:
        """Note that Claude is called, and return what is to be known of that."""
        self.calls += 1
        call = Call(time.time_ns(), max_tokens)
        if len(self.made) < MAX_CALLS:
            self.made.append(call)
        return call

    def tool(self, id_: str, name: str) -> ToolCall:
        """Note that a tool is called, and return what is to be known of that."""
        call = ToolCall(time.time_ns(), id_, name)
        if len(self.tools) < MAX_TOOL_CALLS:
            self.tools.append(call)
        return call

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
