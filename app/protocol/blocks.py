"""One content block of Claude's while it is open: its start and its deltas in, our events out.

Text and thinking go on as they come, and so does the input of a call; its ``whole`` comes when the block stops.
Every other block is kept until then. Source: Claude's Messages API, "Streaming messages", content block types.
"""

from dataclasses import dataclass, field
from typing import Any

from app.protocol import jsontext
from app.protocol.events import (
    Block,
    BlockStart,
    Citation,
    Event,
    Signature,
    Text,
    Thinking,
    ToolInput,
    ToolUse,
)

STREAMED = {
    "text": frozenset({"type", "text"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
}
"""The blocks that go on as they come → the fields of theirs that later events carry."""


@dataclass(slots=True)
class OpenBlock:
    """A block that has started and not stopped.

    Attributes:
        index: Ours.
        kind: Claude's block type.
        block: As Claude started it; deltas of what is kept are put in.
        pieces: Of a call's input.
    """

    index: int
    kind: str
    block: dict[str, Any]
    pieces: list[str] = field(default_factory=list)

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
        # Not mapping patterns: this runs for every token, and they take twice as long.
        match delta.get("type"):
            case "text_delta" if self.kind == "text" and isinstance(text := delta.get("text"), str):
                return [Text(text, self.index)] if text else []
            case "thinking_delta" if self.kind == "thinking" and isinstance(
                text := delta.get("thinking"), str
            ):
                return [Thinking(text, self.index)] if text else []
            case "input_json_delta" if "input" in self.block and isinstance(
                piece := delta.get("partial_json"), str
            ):
                self.pieces.append(piece)
                return [ToolInput(piece, self.index)] if piece else []
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

    def takes_all_of(self, delta: dict[str, Any]) -> bool:
        """Say whether ``take`` leaves no field of *delta* out."""
        return len(delta) <= 2 or self.kind == "compaction"

    def parse_input(self) -> None:
        """Put the input of a call together.

        Raises:
            ValueError: it is not JSON.
        """
        if text := "".join(self.pieces):
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
