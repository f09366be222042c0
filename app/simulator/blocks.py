"""An answer before it is spoken: its content blocks, and why it stops.

The same value becomes a stream of events or one JSON message (see ``message``).
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

HOLOGRAM: Json = {"type": "hologram", "beam": {"width": 3}, "frames": [1, 2]}
"""A block of a type that nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text; with *citations* they are sent after it, as ``citations_delta``."""

    text: str
    citations: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning: *reasoning* is what was thought (and billed), *shown* what the client may read (often nothing)."""

    reasoning: str
    shown: str
    signature: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, whoever runs it: ``tool_use``, ``server_tool_use`` or ``mcp_tool_use``.

    Attributes:
        start: The block of ``content_block_start``, with an empty ``input``.
        input_json: The input as it is streamed; ``max_tokens`` may have cut it, so it need not be valid JSON.
    """

    start: Json
    input_json: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A block that is complete in its start event: results of tools, redacted thinking, whatever has no deltas."""

    block: Json
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Raw:
    """A block written out by hand: its start, its deltas, and what they add up to."""

    start: Json
    deltas: tuple[Json, ...]
    final: Json


Block = Text | Thinking | Call | Whole | Raw


@dataclass(frozen=True, slots=True)
class Answer:
    """What Claude says to one request.

    Attributes:
        blocks: The content, in order.
        stop_reason: Claude's, e.g. ``end_turn``.
        stop_sequence: The sequence that stopped it, with ``stop_reason`` ``stop_sequence``.
        stop_details: What a refusal gives as its grounds.
        container: The code execution container, if one was used.
        server_tools: Requests that server tools made, e.g. ``{"web_search_requests": 1}``.
    """

    blocks: tuple[Block, ...]
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    stop_details: Json | None = None
    container: Json | None = None
    server_tools: Json = field(default_factory=dict)
