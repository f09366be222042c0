"""Claude's frames as a test writes them, and what a message is by its raw JSON alone."""

import json
from collections.abc import Iterable
from typing import Any

from anthropic.lib.streaming import _beta_messages
from httpx2 import Headers

from app.protocol.claude import Translator
from app.protocol.events import Event
from app.protocol.fold import Fold
from app.protocol.sse import Frame
from app.protocol.usage import Ledger


def frame(kind: str, **fields: Any) -> Frame:
    """Return a frame as Claude writes it: without blanks in its JSON."""
    return Frame(json.dumps({"type": kind, **fields}, separators=(",", ":")).encode(), kind)


def message_start(**fields: Any) -> Frame:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [],
    }
    return frame("message_start", message={**message, "stop_reason": None, "stop_sequence": None, **fields})


def block_start(index: int, kind: str, **fields: Any) -> Frame:
    return frame("content_block_start", index=index, content_block={"type": kind, **fields})


def padded(frame: Frame, blanks: int) -> Frame:
    """Return *frame* with blanks before its last brace, as Claude often sends them."""
    return frame._replace(data=frame.data[:-1] + b" " * blanks + b"}")


def text_start(index: int = 0) -> Frame:
    return block_start(index, "text", text="")


def call_start(index: int = 0, kind: str = "tool_use", **fields: Any) -> Frame:
    return block_start(index, kind, id=f"toolu_{index}", name="weather", input={}, **fields)


def delta(index: int, kind: str, **fields: Any) -> Frame:
    return frame("content_block_delta", index=index, delta={"type": kind, **fields})


def text(piece: str, index: int = 0) -> Frame:
    return delta(index, "text_delta", text=piece)


def partial_json(piece: str, index: int = 0) -> Frame:
    return delta(index, "input_json_delta", partial_json=piece)


def block_stop(index: int = 0) -> Frame:
    return frame("content_block_stop", index=index)


def message_delta(stop_reason: str | None = "end_turn", usage: Any = None, **fields: Any) -> Frame:
    return frame(
        "message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None, **fields}, usage=usage
    )


STOP = frame("message_stop")


def as_stream(frames: Iterable[Frame]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (frame.event.encode(), frame.data) for frame in frames)


def translator(**options: Any) -> Translator:
    return Translator(Ledger(), lambda: 7, **options)


def events_of(*frames: Frame, **options: Any) -> list[Event]:
    """Return all events of a message whose clock stands at 7."""
    one = translator(**options)
    return [event for frame in frames for event in one.feed(frame)]


def fold_of(events: Iterable[Event]) -> Fold:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold


def sdk_content(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    """Return the content that the SDK's own streaming helper puts together."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for each in frames:
        if each.event != "ping":
            snapshot = _beta_messages.accumulate_event(
                event=json.loads(each.data),
                current_snapshot=snapshot,
                json_bufs=buffers,
                request_headers=Headers(),
            )
    return [block.to_dict(warnings=False) for block in snapshot.content]


class Accumulated:
    """A message put together from the raw JSON of its frames, by other means than the code under test.

    Attributes:
        content: The blocks, by Claude's index.
        stop_reason: The last that was not null.
        usage: The last value of each field that was not null.
        ended: ``message_stop`` was there.
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.content: dict[int, dict[str, Any]] = {}
        self.stop_reason: str | None = None
        self.usage: dict[str, Any] = {}
        self.ended = False
        self._inputs: dict[int, str] = {}
        for frame in frames:
            self._take(json.loads(frame.data))

    def _take(self, data: dict[str, Any]) -> None:
        match data["type"]:
            case "message_start":
                self._report(data["message"].get("usage"))
            case "content_block_start":
                self.content[data["index"]] = dict(data["content_block"])
            case "content_block_delta":
                self._add(data["index"], data["delta"])
            case "content_block_stop" if said := self._inputs.get(data["index"]):
                self.content[data["index"]]["input"] = json.loads(said)
            case "message_delta":
                self.stop_reason = data["delta"].get("stop_reason") or self.stop_reason
                self._report(data.get("usage"))
            case "message_stop":
                self.ended = True
            case _:
                pass

    def _add(self, index: int, delta: dict[str, Any]) -> None:
        block = self.content[index]
        match delta["type"]:
            case "text_delta":
                block["text"] += delta["text"]
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
            case "compaction_delta":
                block |= {name: value for name, value in delta.items() if name != "type"}
            case _:
                raise AssertionError(delta)

    def _report(self, usage: dict[str, Any] | None) -> None:
        self.usage |= {
            name: value
            for name, value in (usage or {}).items()
            if value is not None or name not in self.usage
        }

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The content; thinking that was never signed has no signature, not an empty one."""
        blocks = [self.content[index] for index in sorted(self.content)]
        return [
            {name: value for name, value in block.items() if not (name == "signature" and value == "")}
            for block in blocks
        ]
