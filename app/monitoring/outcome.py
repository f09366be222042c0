"""How a generation ended, for the operator: what its line in the log says and metrics count. It holds no text."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Literal

from app.generation import Generation
from app.protocol.errors import Broken, Bug, Drained, Fault, Problem, TimedOut
from app.protocol.events import Done
from app.protocol.usage import Spent

End = Literal[
    "complete",
    "cancelled",
    "abandoned",
    "upstream_error",
    "truncated",
    "timeout",
    "limit",
    "drained",
    "bug",
]

TokensFrom = Literal["final", "partial", "none"]

TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}
"""Kind of token → Claude's usage field."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one generation ended.

    Attributes:
        generation: The beginning of its id: knowing all of it may let one read the answer.
        client: The user, or the network that the question came from.
        user: The user, where somebody has signed in.
        model: Which was asked; ``answered_by`` which answered, where Claude has said so.
        end: Why it ended.
        stop_reason: Claude's, where it ended the answer.
        error: Claude's type of the error it ended with.
        fault: Whose that was.
        why: What happened on the way to Claude, where the type does not say it.
        tokens: By kind, as far as Claude has reported them.
        tokens_from: ``final`` where Claude had ended each message, ``partial`` where one broke or was given up before
            (its output tokens are then too few), ``none`` where it reported nothing.
        cost_usd: Of these tokens; None when unknown.
        ttft_ms: From the beginning to the first piece of content.
        duration_ms: From the beginning to the end.
        request: Our id of the HTTP request that started it.
        claude_requests: Claude's ids.
    """

    generation: str
    client: str
    user: str | None
    model: str
    answered_by: str | None
    end: End
    stop_reason: str | None
    error: str | None
    fault: Fault | None
    why: str | None
    tokens: dict[str, int]
    tokens_from: TokensFrom
    cost_usd: float | None
    ttft_ms: int | None
    duration_ms: int
    calls: int
    retries: int
    seams: int
    tool_turns: int
    request: str
    claude_requests: list[str]

    def fields(self) -> dict[str, Any]:
        """Return what the log says: all of it but what is absent."""
        said = {name: getattr(self, name) for name in LOGGED}
        return {name: value for name, value in said.items() if value is not None}


LOGGED = tuple(field.name for field in dataclasses.fields(Outcome) if field.name != "user")


def outcome(generation: Generation, user: str | None) -> Outcome:
    """Return how *generation*, which has ended and which *user* started, ended."""
    terminal, problem, record = generation.log.terminal, generation.problem, generation.record
    messages = generation.ledger.messages
    usage = generation.ledger.total()
    end, stop_reason = _end(problem, terminal.stop_reason if isinstance(terminal, Done) else None, generation)
    return Outcome(
        generation=generation.id[:10],
        client=user or coarse(generation.client),
        user=user,
        model=generation.model,
        answered_by=messages[-1].model if messages else None,
        end=end,
        stop_reason=stop_reason,
        error=problem.type if problem else None,
        fault=problem.fault if problem else None,
        why=problem.why if problem else None,
        tokens={kind: usage[name] for kind, name in TOKENS.items() if isinstance(usage.get(name), int)},
        tokens_from=_tokens_from(messages),
        cost_usd=generation.cost_usd,
        ttft_ms=generation.tally.ttft_ms,
        duration_ms=generation.tally.duration_ms,
        calls=record.calls,
        retries=record.retries,
        seams=record.seams,
        tool_turns=record.tool_turns,
        request=generation.request_id,
        claude_requests=list(record.claude_requests),
    )


def _tokens_from(messages: Sequence[Spent]) -> TokensFrom:
    if not messages:
        return "none"
    return "final" if all(each.final for each in messages) else "partial"


def _end(problem: Problem | None, stop_reason: str | None, generation: Generation) -> tuple[End, str | None]:
    match problem, stop_reason:
        case None, "cancelled" | "abandoned":
            return stop_reason, None
        case None, _:
            return "complete", stop_reason
        case Drained(), _:
            return "drained", None
        case Problem(limit=str()), _:
            return "limit", None
        case TimedOut(), _:
            return "timeout", None
        case Broken(), _ if generation.tally.showed:
            return "truncated", None
        case Bug(), _:
            return "bug", None
        case _:
            return "upstream_error", None


@lru_cache(1024)
def coarse(address: str) -> str:
    """Return the network of *address*: enough to tell crowds apart, too little to tell a person."""
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return "unknown"
    if network.is_loopback:
        return address
    return str(ip_network((network.network_address, 24 if network.version == 4 else 48), strict=False))
