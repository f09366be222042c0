"""One content block of Claude's while it is open: its start and its deltas in, our events out.

Text and thinking go on as they come, and so does the input of a call; its ``whole`` comes when the block stops.
Every other block is kept until then. Source: Claude's Messages API, "Streaming messages", content block types.
"""

from typing import Any

from app.protocol import jsontext
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


class OpenBlock:
    """A block that has started and not stopped.

    Args:
        at: Claude's index.
        index: Ours.
        block: As Claude started it; deltas of what is kept are put in.

    Attributes:
        kind: Claude's block type.
        run: Reads its pieces, many at a time; None if it has none.
    """

    __slots__ = ("_delta", "_field", "_input", "_says", "block", "index", "kind", "run")

    def __init__(self, at: int, index: int, block: dict[str, Any]) -> None:
        self.index = index
        self.kind: str = block["type"]
        self.block = block
        self._input: list[str] | None = [] if "input" in block else None
        self.run: Run | None = None
        self._delta, self._field = "", ""
        self._says: type[Delta] | None = None
        if pieces := PIECES.get("input" if "input" in block else self.kind):
            self._delta, self._field, self._says = pieces
            self.run = Run(at, self._delta, self._field)

    def start(self, at_ms: int, turn: int) -> BlockStart:
        """Return the event that says that it begins."""
        block = self.block
        id_, name = (block.get("id"), block.get("name")) if "input" in block else (None, None)
        told = STREAMED.get(self.kind)
        extra = {name: value for name, value in block.items() if name not in told} if told else {}
        return BlockStart(self.index, self.kind, at_ms, id_, name, turn, extra or None)

    def first(self) -> list[Event]:
        """Return what its start has said already of what goes on as it comes."""
        block = self.block
        events: list[Event] = []
        if self.kind == "text" and block.get("text"):
            events.append(Text(block["text"], self.index))
        if self.kind == "thinking":
            if block.get("thinking"):
                events.append(Thinking(block["thinking"], self.index))
            if block.get("signature"):
                events.append(Signature(self.index, block["signature"]))
        return events

    def take(self, delta: dict[str, Any]) -> list[Event] | None:
        """Return what *delta* adds, None if it is none that such a block can have."""
        match delta.get("type"):
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
            case _:
                return None

    def said(self, piece: str) -> list[Event]:
        """Return the event for a *piece* of what goes on as it comes; none for an empty one."""
        if not piece or self._says is None:
            return []
        if self._input is not None:
            self._input.append(piece)
        return [self._says(piece, self.index)]

    def takes_all_of(self, delta: dict[str, Any]) -> bool:
        """Say whether ``take`` leaves no field of *delta* out."""
        return len(delta) <= 2 or self.kind == "compaction"

    def parse_input(self) -> None:
        """Put the input of a call together.

        Raises:
            ValueError: it is not JSON.
        """
        if text := "".join(self._input or ()):
            self.block["input"] = jsontext.parse_exactly(text)

    def whole(self) -> Event:
        """Return the event that carries all of a block that does not go on as it comes."""
        return (ToolUse if self.kind == "tool_use" else Block)(self.index, self.block)


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
    if kind.endswith("tool_use") and block.get("input") is None:
        block["input"] = {}
    return block
