"""Events in, messages out: Claude's answer rebuilt from what a reader of the stream gets.

Without a break and without tools the rebuilt message is exactly Claude's. ``static/js/transcript.js`` does
the same for the page.

Rules
-----
1. A block belongs to the assistant message (``turn``) that its ``block_start`` names; blocks stand in the
   order of their indices. Results of tools form the user message between two assistant messages, in the order
   of the calls.
2. What ``retry`` discards is gone.
3. What a model thought and called before another one took over (``fallback``) is not for sending back: Claude
   takes the rest of the turn, the mark of where that was included (Claude's guide to refusals and fallback).
4. What is thought in a turn after a ``retry`` that left something of the turn standing, or after a ``seam``, is the
   continuation's own: it was signed in another context and cannot be sent back.
"""

from dataclasses import dataclass, field
from typing import Any

from app.protocol import jsontext
from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Citation,
    Event,
    Retry,
    Seam,
    Signature,
    Text,
    Thinking,
    ToolInput,
    ToolResult,
    ToolUse,
)

Message = dict[str, Any]

THINKING = ("thinking", "redacted_thinking")

OF_THE_MODEL_BEFORE = (*THINKING, "tool_use")
"""Blocks that are for the model alone that wrote them."""


@dataclass(slots=True)
class Part:
    """One content block as far as it has come.

    Attributes:
        kind: Claude's block type.
        turn: The assistant message it belongs to.
        fields: The block's fields but for streamed text.
        pieces: Of its text or thinking.
        citations: Of its text, after those it began with.
        complete: Its ``block_stop`` has come.
    """

    kind: str
    turn: int
    fields: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    citations: list[Any] = field(default_factory=list)
    complete: bool = False

    @property
    def text(self) -> str:
        """The text or thinking so far."""
        return jsontext.whole("".join(self.pieces))

    def block(self) -> dict[str, Any]:
        """Return the block in Claude's shape."""
        if self.kind not in ("text", "thinking"):
            return self.fields
        block = {"type": self.kind, self.kind: self.text} | self.fields
        if self.citations:
            block["citations"] = [*(self.fields.get("citations") or ()), *self.citations]
        return block

    @property
    def stands(self) -> bool:
        """Whether it says something that an answer which broke off goes on behind."""
        return bool(self.pieces) if self.kind == "text" else self.kind not in THINKING

    @property
    def returnable(self) -> bool:
        """Whether Claude takes the block back in the next request's history."""
        match self.kind:
            case "text":
                return bool(self.text.strip())  # a text block of nothing or of white space is a 400
            case "thinking":
                return self.complete and "signature" in self.fields
            case _:
                return self.complete and self.fields.get("input", {}) is not None


class Fold:
    """Rebuilds a generation's messages from its events, fed in order.

    Attributes:
        parts: Blocks by index, the discarded ones gone.
        results: Results of tools that ran here, by the id of the call.
    """

    def __init__(self) -> None:
        self.parts: dict[int, Part] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self._continued_turn: int | None = None
        self._continuations_own: set[int] = set()

    def feed(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case Text(text, index):
                self.parts[index].pieces.append(text)
            case Thinking(text, index):
                self.parts[index].pieces.append(text)
            case ToolInput():
                pass
            case BlockStart():
                self._start(event)
            case BlockStop(index, _) if index in self._continuations_own:
                del self.parts[index]
            case BlockStop(index, _):
                self.parts[index].complete = True
            case Signature(index, signature):
                self.parts[index].fields["signature"] = signature
            case Citation(index, citation):
                self.parts[index].citations.append(citation)
            case ToolUse(index, block) | Block(index, block):
                self.parts[index].fields = block
            case ToolResult(tool_use_id, content, is_error):
                result = {"type": "tool_result", "tool_use_id": tool_use_id, "content": content}
                self.results[tool_use_id] = result | ({"is_error": True} if is_error else {})
            case Retry():
                for index in event.discard:
                    self.parts.pop(index, None)
                turn = max((part.turn for part in self.parts.values()), default=0)
                stands = any(part.turn == turn and part.stands for part in self.parts.values())
                self._continued_turn = turn if stands else None
            case Seam(index):
                self.parts[index].complete = False
                self._continued_turn = self.parts[index].turn
            case _:
                pass

    def _start(self, event: BlockStart) -> None:
        fields = dict(event.extra or {})
        is_call = event.id is not None
        if event.kind not in ("text", "thinking"):
            fields["type"] = event.kind
        if is_call:
            fields |= {"id": event.id, "name": event.name, "input": None}
        self.parts[event.index] = Part(event.kind, event.turn, fields)
        if event.kind in THINKING and event.turn == self._continued_turn:
            self._continuations_own.add(event.index)

    def content(self, turn: int) -> list[dict[str, Any]]:
        """Return all content blocks of assistant message *turn* in Claude's shape, unfinished ones included."""
        return [part.block() for _, part in sorted(self.parts.items()) if part.turn == turn]

    def returnable(self, turn: int) -> list[dict[str, Any]]:
        """Return what Claude takes back of assistant message *turn*."""
        parts = [part for _, part in sorted(self.parts.items()) if part.turn == turn and part.returnable]
        taken_over = max((at for at, part in enumerate(parts) if part.kind == "fallback"), default=0)
        return [
            part.block()
            for at, part in enumerate(parts)
            if at >= taken_over or part.kind not in OF_THE_MODEL_BEFORE
        ]

    def turns(self, *, cut_off: bool = False) -> list[Message]:
        """Return the messages so far, ready to be appended to the conversation.

        Args:
            cut_off: Nothing more will be said. A call without its result is left out then, for nobody will answer
                it, and thinking that led to nothing: Claude takes no conversation with either.
        """
        messages: list[Message] = []
        for turn in sorted({part.turn for part in self.parts.values()}):
            blocks = self.returnable(turn)
            if cut_off:
                blocks = self._settled(blocks)
            if blocks:
                messages.append({"role": "assistant", "content": blocks})
            calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if results := [self.results[call] for call in calls if call in self.results]:
                messages.append({"role": "user", "content": results})
        return messages

    def _settled(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return *blocks* without calls that have no result, and without thinking at the end."""
        answered = {*self.results, *(part.fields.get("tool_use_id") for part in self.parts.values())}
        kept = [
            block for block in blocks if not block["type"].endswith("tool_use") or block.get("id") in answered
        ]
        while kept and kept[-1]["type"] in THINKING:
            kept.pop()
        return kept
