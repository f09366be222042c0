"""What a generation can say: one class per event, and the JSON object that each is on the wire.

``index`` counts content blocks over the whole generation, upstream messages and discarded blocks
included; ``at_ms`` is since the generation began.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from app.protocol.jsontext import Written


class _Event:
    __slots__ = ()

    __match_args__: ClassVar[tuple[str, ...]]
    type: ClassVar[str]

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        return {"type": self.type} | {name: getattr(self, name) for name in self.__match_args__}


@dataclass(frozen=True, slots=True)
class Start(_Event):
    """First. ``message_id`` is None when Claude has not answered yet."""

    type = "start"
    id: str
    model: str
    message_id: str | None


@dataclass(frozen=True, slots=True)
class BlockStart(_Event):
    """A content block begins, also one without visible content.

    Attributes:
        kind: Claude's block type.
        id: Of a call.
        name: Of a call.
        turn: Which assistant message of the generation it belongs to; absent on the wire for the first, 0.
        extra: Whatever else Claude put on the block and no later event repeats; absent when empty.
    """

    type = "block_start"
    index: int
    kind: str
    at_ms: int
    id: str | None = None
    name: str | None = None
    turn: int = 0
    extra: dict[str, Any] | None = None

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object, without what is absent."""
        out: dict[str, Any] = {"type": self.type, "index": self.index, "kind": self.kind, "at_ms": self.at_ms}
        optional = {"id": self.id, "name": self.name, "turn": self.turn or None, "extra": self.extra or None}
        return out | {key: value for key, value in optional.items() if value is not None}


@dataclass(slots=True)  # not frozen: one is made for each token, which would take three times as long
class Delta(_Event):
    """A piece of something that goes on as it comes.

    Attributes:
        field: What the piece is called on the wire.
        piece: What is added.
    """

    field: ClassVar[str]
    piece: str
    index: int

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        return {"type": self.type, self.field: self.piece, "index": self.index}


class Text(Delta):
    """A piece of answer text."""

    __slots__ = ()

    type = "text"
    field = "text"


@dataclass(slots=True)
class Thinking(Delta):
    """A piece of reasoning.

    Attributes:
        estimated_tokens: About how many more tokens of it there are since the last estimate, where Claude was asked
            to say so of thinking it does not show; absent on the wire otherwise. To be added up.
    """

    type = "thinking"
    field = "thinking"
    estimated_tokens: int | None = None

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        wire = Delta.wire(self)
        return wire if self.estimated_tokens is None else wire | {"estimated_tokens": self.estimated_tokens}


class ToolInput(Delta):
    """A piece of a call's input: JSON only when the block has stopped, never parse it."""

    __slots__ = ()

    type = "tool_input"
    field = "partial_json"


@dataclass(frozen=True, slots=True)
class Signature(_Event):
    """Must be sent back with thinking block ``index``."""

    type = "signature"
    index: int
    signature: str


@dataclass(frozen=True, slots=True)
class Citation(_Event):
    """A citation of text block ``index``, as Claude sent it."""

    type = "citation"
    index: int
    citation: Any


@dataclass(frozen=True, slots=True)
class ToolUse(_Event):
    """A whole call, parsed when its block stopped.

    Attributes:
        block: Claude's block, with ``input`` None when Claude was cut off inside it. On the wire its fields
            stand beside ``index``.
    """

    type = "tool_use"
    index: int
    block: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        ours = {"type": self.type, "index": self.index}
        return ours | {key: value for key, value in self.block.items() if key not in ours}


@dataclass(frozen=True, slots=True)
class Block(_Event):
    """Any other content block, whole, when it stopped, as Claude sent it.

    Attributes:
        written: Its JSON as Claude wrote it, where that is at hand and large.
    """

    type = "block"
    index: int
    block: dict[str, Any]
    written: bytes | None = field(default=None, compare=False, repr=False)

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        block = Written(self.written) if self.written else self.block
        return {"type": self.type, "index": self.index, "block": block}


@dataclass(frozen=True, slots=True)
class BlockStop(_Event):
    """The block is complete."""

    type = "block_stop"
    index: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class ToolResult(_Event):
    """A tool that the gateway ran has answered."""

    type = "tool_result"
    tool_use_id: str
    content: Any
    is_error: bool


@dataclass(frozen=True, slots=True)
class Usage(_Event):
    """Running total of the generation. On the wire Claude's fields stand beside ``type``."""

    type = "usage"
    usage: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """Return the event's JSON object."""
        return {"type": self.type} | {key: value for key, value in self.usage.items() if key != "type"}


@dataclass(frozen=True, slots=True)
class Retry(_Event):
    """The upstream failed and is asked again.

    Attributes:
        reason: The failure's ``error.type``, or ``unreachable``, ``reset``, ``truncated``, ``stalled``.
        attempt: Number of the upstream call that comes next; the first was 1.
        delay_ms: How long the gateway waits before it.
        discard: Indices of unfinished blocks that are void and come anew under new indices.
    """

    type = "retry"
    reason: str
    attempt: int
    delay_ms: int
    discard: list[int]


@dataclass(frozen=True, slots=True)
class Seam(_Event):
    """The text of block ``index`` goes on here in new model text.

    Attributes:
        offset: Where, in UTF-16 code units of the block's text.
        trimmed: Code units left out because they repeated what was there.
        attempt: Number of the upstream call it comes from.
        mode: ``prefill`` or ``ask``.
    """

    type = "seam"
    index: int
    offset: int
    trimmed: int
    attempt: int
    mode: str


@dataclass(frozen=True, slots=True)
class Unknown(_Event):
    """An upstream event or delta that nobody knows yet, as it came."""

    type = "unknown"
    event: str
    data: Any


@dataclass(frozen=True, slots=True)
class Error(_Event):
    """Terminal: the generation failed; what was sent stays valid.

    Attributes:
        error: {type, message, retryable}, and retry_after_s (seconds) where that is known.
    """

    type = "error"
    error: dict[str, Any]
    request_id: str | None
    usage: dict[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Done(_Event):
    """Terminal: the generation ended.

    Attributes:
        stop_reason: Claude's, or ``cancelled``, or ``abandoned``.
        message: Claude's further fields (``stop_details``, ``container``, …).
        cost_usd: None when unknown.
        timing: {ttft_ms, duration_ms, tokens_per_second}, each None when unknown.
        digest: SHA-256 (hex) of all text, in order, in UTF-8.
    """

    type = "done"
    stop_reason: str | None
    stop_sequence: str | None
    message: dict[str, Any]
    usage: dict[str, Any]
    cost_usd: float | None
    timing: dict[str, Any]
    digest: str


Terminal = Error | Done
Event: TypeAlias = (
    Start
    | BlockStart
    | Delta
    | Signature
    | Citation
    | ToolUse
    | Block
    | BlockStop
    | ToolResult
    | Usage
    | Retry
    | Seam
    | Unknown
    | Terminal
)

CONTENT = (Delta, Signature, Citation, ToolUse, Block)
"""The events that show readers something of an answer."""
