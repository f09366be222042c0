"""Events ↔ the exact JSON of each, and the end of a stream.

``render`` and ``parse`` are each other's inverse; ``static/js/events.js`` is the same vocabulary for the page.
"""

import re

from app.protocol import jsontext
from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Citation,
    Delta,
    Done,
    Error,
    Event,
    Retry,
    Seam,
    Signature,
    Start,
    Text,
    Thinking,
    ToolInput,
    ToolResult,
    ToolUse,
    Unknown,
    Usage,
)

CLASSES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        Start,
        BlockStart,
        Text,
        Thinking,
        ToolInput,
        Signature,
        Citation,
        ToolUse,
        Block,
        BlockStop,
        ToolResult,
        Usage,
        Retry,
        Seam,
        Unknown,
        Error,
        Done,
    )
}
"""Every event type on the wire → its class."""

BLOCK = re.compile(rb'id: [^\n]*\ndata: \{"type":"block","index":(\d+),"block":')

DONE = b"[DONE]"
"""The last frame's data. It belongs to the transport and is no event."""


def render(event: Event) -> bytes:
    """Return *event* as one line of JSON."""
    return jsontext.render(event.wire())


def parse(data: bytes) -> Event:
    """Return the event that ``render`` made *data* of.

    Raises:
        ValueError: *data* is not JSON.
        KeyError: its ``type`` is not one of ours.
        TypeError: its fields are not those of its type.
    """
    wire = jsontext.parse(data)
    match wire.pop("type"):
        case ToolUse.type:
            return ToolUse(wire.pop("index"), {"type": "tool_use"} | wire)
        case Usage.type:
            return Usage(wire)
        case kind if issubclass(cls := CLASSES[kind], Delta):
            return cls(**{"piece" if name == cls.field else name: value for name, value in wire.items()})
        case other:
            return CLASSES[other](**wire)


def read_block(frame: bytes) -> Block:
    """Return the block whose frame *frame* is.

    Raises:
        ValueError: it is no such frame.
    """
    if not (head := BLOCK.match(frame)):
        msg = "the frame is not a block's"
        raise ValueError(msg)
    return Block(int(head[1]), jsontext.parse(frame[head.end() : -len(b"}\n\n")]))
