"""Events as a test expects them of the frames that ``frames`` writes; its clock stands at 7 ms."""

import json
from typing import Any

from app.protocol.events import BlockStart, ToolUse, Unknown
from app.protocol.sse import Frame

CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0}


def unknown(given: Frame) -> Unknown:
    return Unknown(given.event, json.loads(given.data))


def named(kind: str, index: int = 0) -> BlockStart:
    return BlockStart(index, kind, 7)


def called(kind: str = "tool_use", index: int = 0) -> BlockStart:
    return BlockStart(index, kind, 7, f"toolu_{index}", "weather")


def call(input_: Any, index: int = 0, **more: Any) -> ToolUse:
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": "weather", "input": input_, **more}
    return ToolUse(index, block)
