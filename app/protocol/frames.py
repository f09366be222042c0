"""Claude's frames as values: what kind of event each is, and its data.

Source: Claude's Messages API, "Streaming messages" (API version 2026-10-21).
"""

import re
from typing import Any

from app.protocol import jsontext
from app.protocol.errors import Garbled
from app.protocol.sse import Frame

EVENTS = frozenset(
    {
        "message",  # what a frame without an ``event`` line is
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    }
)
"""Events of Claude's, whose data must be what they promise."""

START = re.compile(rb'\{"type":"content_block_start","index":(0|[1-9]\d{0,8}),"content_block":')

LARGE_BYTES = 64 * 1024
"""From this size on a block's JSON goes on as it came: writing two megabytes anew holds up everybody for 4 ms."""


def read_frame(frame: Frame) -> tuple[Any, Any, bytes | None]:
    """Return the type of *frame* (None if it says nothing), its data, and if it starts a large block, that as it is written.

    Raises:
        Garbled: it is one of Claude's, or of no kind, and its data is no JSON object.
    """
    if started := _read_start(frame.data):
        return "content_block_start", *started
    failure: ValueError | None = None
    try:
        data = jsontext.parse(frame.data)
    except ValueError as error:
        if frame.data.strip() in (b"", b"[DONE]") and frame.event != "error":
            return None, None, None
        data, failure = frame.data.decode(errors="replace"), error
    if isinstance(data, dict) and ("type" in data or frame.event != "message"):
        return data.get("type", frame.event), data, None
    if frame.event == "error":
        return "error", {}, None  # of whoever has no JSON to say it in: a proxy on the way, cut off itself
    if frame.event in EVENTS:
        msg = "Claude's stream holds a frame that is not a JSON object with a type."
        raise Garbled(msg) from failure
    return frame.event, data, None


def _read_start(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return what the frame with *data* starts, if that is large, and the block in it as Claude wrote it.

    None if it is small, starts no block or is written in any other way than Claude's.
    """
    if len(data) < LARGE_BYTES or not (head := START.match(data)) or b"\n" in data:
        return None
    written = data[head.end() : -1]
    try:
        # Without what stands around it: so it cannot be two fields that look like one.
        block = jsontext.parse(written)
    except ValueError:
        return None
    return {"type": "content_block_start", "index": int(head[1]), "content_block": block}, written
