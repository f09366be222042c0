"""One content block of Claude's while it is open: its start and its deltas in, our events out.

Text and thinking go on as they come, and so does the input of a call; its ``whole`` comes when the block stops.
Every other block is kept until then, and what known deltas add to it is put in, also where nobody knows its type.
Source: Claude's Messages API, "Streaming messages", content block types.
"""

from typing import Any

from app.protocol import jsontext
from app.protocol.errors import Garbled
from app.protocol.events import (
    Block,
    BlockStart,
    Citation,
    Delta,
    Event,
    Signature,
    Text,
    Thinking,
    ToolInput,
    ToolUse,
)
from app.protocol.runs import Run

STREAMED = {
    "text": frozenset({"type", "text"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
}
"""The blocks that go on as they come → the fields of theirs that later events carry."""


PIECES: dict[str, tuple[str, str, type[Delta]]] = {
    "text": ("text_delta", "text", Text),
    "thinking": ("thinking_delta", "thinking", Thinking),
    "input": ("input_json_delta", "partial_json", ToolInput),
}
"""What goes on as it comes → the delta it comes in, the field that has it there, and what it becomes."""

MAX_KEPT = 16 * 1024 * 1024
"""Characters that deltas may add to a block that is kept: as many as it could have come with in one frame."""


class OpenBlock:
    """A block that has started and not stopped.

    Args:
        at: Claude's index.
        index: Ours.
        block: As Claude started it; deltas of what is kept are put in.
        written: Its JSON as Claude wrote it, where that is at hand.

    Attributes:
        kind: Claude's block type.
        run: Reads its pieces, many at a time.
    """

    __slots__ = (
        "_delta",
        "_field",
        "_input",
        "_kept",
        "_room",
        "_says",
        "_written",
        "block",
        "index",
        "kind",
        "run",
    )

    def __init__(self, at: int, index: int, block: dict[str, Any], written: bytes | None = None) -> None:
        self.index = index
        self.kind: str = block["type"]
        self.block = block
        self._written = None if "input" in block else written
        streamed = self.kind in STREAMED
        self._input: list[str] | None = None if streamed else []
        self._kept: dict[str, list[str]] = {}
        self._room = MAX_KEPT
        self._delta, self._field, self._says = PIECES[self.kind if streamed else "input"]
        self.run = Run(at, self._delta, self._field)

    def start(self, at_ms: int, turn: int) -> BlockStart:
        """Return the event that says that it begins."""
        block = self.block
        id_, name = (block.get("id"), block.get("name")) if "input" in block else (None, None)
        told = STREAMED.get(self.kind)
        extra = {name: value for name, value in block.items() if name not in told} if told else {}
        if self._cited():
            del extra["citations"]
        return BlockStart(self.index, self.kind, at_ms, id_, name, turn, extra or None)

    def first(self) -> list[Event]:
        """Return what its start has said already of what goes on as it comes."""
        block = self.block
        events: list[Event] = []
        if self.kind == "text" and block.get("text"):
            events.append(Text(block["text"], self.index))
        events += [Citation(self.index, citation) for citation in self._cited()]
        if self.kind == "thinking":
            if block.get("thinking"):
                events.append(Thinking(block["thinking"], self.index))
            if block.get("signature"):
                events.append(Signature(self.index, block["signature"]))
        return events

    def _cited(self) -> list[Any]:
        """Return the citations that a text began with."""
        citations = self.block.get("citations") if self.kind == "text" else None
        return citations if isinstance(citations, list) else []

    def take(self, delta: dict[str, Any]) -> list[Event] | None:
        """Return what *delta* adds, None if it is none that such a block can have.

        Raises:
            Garbled: deltas add more to a block that is kept than it may have.
        """
        self._written = None
        match delta.get("type"):
            case "thinking_delta" if self._estimates(delta) and delta["estimated_tokens"] is not None:
                return [Thinking(delta["thinking"], self.index, delta["estimated_tokens"])]
            case self._delta if isinstance(piece := delta.get(self._field), str):
                return self.said(piece)
            case "signature_delta" if self.kind == "thinking" and isinstance(
                signature := delta.get("signature"), str
            ):
                return [Signature(self.index, signature)]
            case "citations_delta" if self.kind == "text" and "citation" in delta:
                return [Citation(self.index, delta["citation"])]
            case "compaction_delta" if self.kind == "compaction":
                self.block |= {name: value for name, value in delta.items() if name != "type"}
                return []
            case _ if self.kind not in STREAMED and self._keep(delta):
                return []
            case _:
                return None

    def _keep(self, delta: dict[str, Any]) -> bool:
        """Put what *delta* adds into a block that is kept; False if it is none that is known."""
        match delta:
            case {"type": "text_delta", "text": str(piece)}:
                return self._append("text", piece)
            case {"type": "thinking_delta", "thinking": str(piece)}:
                return self._append("thinking", piece)
            case {"type": "citations_delta", "citation": dict(citation)}:
                self._make_room(str(citation))
                if not isinstance(self.block.get("citations"), list):
                    self.block["citations"] = []
                self.block["citations"].append(citation)
                return True
            case {"type": "signature_delta", "signature": str(signature)}:
                self.block["signature"] = signature
                return True
            case _:
                return False

    def _append(self, field: str, piece: str) -> bool:
        if not isinstance(self.block.get(field) or "", str):
            return False
        self._make_room(piece)
        self._kept.setdefault(field, []).append(piece)
        return True

    def _make_room(self, piece: str) -> None:
        self._room -= len(piece)
        if self._room < 0:
            msg = "Claude's stream holds a content block that is larger than the gateway takes."
            raise Garbled(msg)

    def said(self, piece: str) -> list[Event]:
        """Return the event for a *piece* of what goes on as it comes; none for an empty one."""
        if not piece:
            return []
        if self._input is not None:
            self._input.append(piece)
        return [self._says(piece, self.index)]

    def takes_all_of(self, delta: dict[str, Any]) -> bool:
        """Say whether ``take`` leaves no field of *delta* out."""
        return len(delta) <= 2 or self.kind == "compaction" or self._estimates(delta)

    def _estimates(self, delta: dict[str, Any]) -> bool:
        """Say whether *delta* is thinking with an estimate of how much of it there is, and nothing else."""
        match delta:
            case {"type": "thinking_delta", "thinking": str(), "estimated_tokens": int() | None}:
                return self.kind == "thinking" and len(delta) == 3
            case _:
                return False

    def parse_input(self) -> None:
        """Put the input of a call together.

        Raises:
            ValueError: it is not JSON.
        """
        if text := "".join(self._input or ()):
            self.block["input"] = jsontext.parse_exactly(text)

    def whole(self) -> Event:
        """Return the event that carries all of a block that does not go on as it comes."""
        for field, pieces in self._kept.items():
            self.block[field] = jsontext.whole("".join([self.block.get(field) or "", *pieces]))
        if self.kind == "tool_use":
            return ToolUse(self.index, self.block)
        return Block(self.index, self.block, self._written)


def checked(content_block: Any) -> dict[str, Any]:
    """Return a copy of *content_block*, a call with an ``input``.

    Raises:
        KeyError, TypeError: it is no block of Claude's protocol.
    """
    block = {**content_block}
    kind = block["type"]
    strings = [kind, *(block.get(name) or "" for name in STREAMED.get(kind, ()))]
    if kind == "tool_use":
        strings += [block["id"], block["name"]]
    if not all(isinstance(string, str) for string in strings):
        msg = "what must be a string is none"
        raise TypeError(msg)
    if kind == "text" and not isinstance(block.get("citations") or [], list):
        msg = "citations are no list"
        raise TypeError(msg)
    if kind.endswith("tool_use") and block.get("input") is None:
        block["input"] = {}
    return block
