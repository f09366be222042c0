"""Claude's frames in, our events out: the state of one upstream message.

Source: Claude's Messages API, "Streaming messages" (API version 2026-10-21).

Rules
-----
1. A frame is what its JSON's ``type`` says; its ``event`` line, which only repeats it, counts where there is none.
2. Blocks are known by Claude's index and may interleave. Ours count on over the whole generation, so each
   block is given a new one when it starts.
3. Text, thinking and the input of calls go on as they come. Every other block is kept and goes on whole when
   it stops.
4. A call's input is parsed once, when its block stops. What is no JSON then was either cut off, which only
   the stop reason can tell, so the call waits for it, or is broken.
5. Nothing is dropped: what nobody knows yet goes on as ``unknown``, a block of unknown type as ``block``. A
   known delta with fields that nobody knows goes on as both.
6. Only ``message_stop`` ends a message. An ``error`` frame is raised as the refusal it stands for.
7. What a proxy on the way does to the grammar is put up with where the meaning is plain: ``message_start``
   twice before any block, a block that never stops, ``[DONE]``, an empty frame.
8. Deltas of one block that come in one read, and are written as Claude writes them, are read as one (``runs``).
"""

from collections.abc import Callable
from typing import Any

from app.protocol import sse
from app.protocol.blocks import STREAMED, OpenBlock, checked
from app.protocol.errors import BadCall, Garbled, in_band
from app.protocol.events import BlockStop, Event, Unknown, Usage
from app.protocol.frames import read_frame
from app.protocol.sse import Frame
from app.protocol.usage import Ledger

WHOLE = frozenset({"end_turn", "tool_use", "pause_turn", "stop_sequence"})
"""Stop reasons after which a call's input must be whole; after any other, it may have been cut off."""

THINKING = ("thinking", "redacted_thinking")

MESSAGE_FIELDS = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
)

FRAME_FIELDS = frozenset({"type", "message", "delta", "usage"})
"""Fields of the frames around a message; whatever stands beside them is kept like the message's own."""


class Translator:
    """Turns the frames of one upstream message into events.

    Args:
        ledger: Where usage is reported; ``begin`` is called when the message starts.
        clock: Milliseconds since the generation began.
        first_index: Our index for the first block.
        turn: Which assistant message of the generation this is.
        goes_on: Index of a text block that this message's first text continues, unless anything but thinking comes
            before it; it is not started again.

    Attributes:
        message_id, model: As Claude named them, once the message has started.
        next_index: Our index for the next block.
        stop_reason, stop_sequence: The last that Claude gave.
        details: Claude's further fields of the message.
        ended: ``message_stop`` has been seen.
        has_usage: It has reported usage.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], int],
        *,
        first_index: int = 0,
        turn: int = 0,
        goes_on: int | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._turn = turn
        self._goes_on = goes_on
        self._open: dict[int, OpenBlock] = {}
        self._latest: OpenBlock | None = None
        self._waiting: list[tuple[OpenBlock, BlockStop]] = []
        self._has_blocks = False
        self.has_usage = False
        self.next_index = first_index
        self.message_id: str | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.stop_sequence: str | None = None
        self.details: dict[str, Any] = {}
        self.ended = False

    @property
    def latest(self) -> OpenBlock | None:
        """The block that has started last, until it stops."""
        return self._latest

    @property
    def open_indices(self) -> list[int]:
        """Our indices of the blocks that have not stopped, oldest first."""
        return [block.index for block in self._open.values()] + [held.index for held, _ in self._waiting]

    def read(self, frames: bytes, events: list[Event]) -> None:
        """Add to *events* what *frames*, whole ones, say, in order, until ``message_stop``.

        Raises:
            Problem: as for ``feed``; what came before it has been added.
        """
        at, size = 0, len(frames)
        while at < size and not self.ended:
            latest = self._latest
            if latest and (run := latest.run.read(frames, at)):
                piece, at = run
                events += latest.said(piece)
            else:
                end = sse.end_of_frame(frames, at)
                frame = sse.frame(frames, at=at, end=end)
                at = end + 2
                if frame:
                    events += self.feed(frame)

    def feed(self, frame: Frame) -> list[Event]:
        """Return what *frame* says, in order (often one event, sometimes none).

        Raises:
            Refused: it is an ``error`` frame; the status is the one its type has as an HTTP error.
            Misconfigured: it is an ``error`` frame, about the gateway's key, billing or permissions.
            BadCall: a call's input is not JSON.
            Garbled: the frame is not one of Claude's protocol.
        """
        kind, data, written = read_frame(frame)
        try:
            match kind:
                case "content_block_delta":
                    return self._delta(data)
                case "content_block_start":
                    return self._start_block(data, written)
                case "content_block_stop":
                    return self._stop_block(data)
                case "message_start":
                    return self._start_message(data)
                case "message_delta":
                    return self._message_delta(data)
                case "message_stop":
                    return self._stop_message(data)
                case "ping" | None:
                    return []
                case "error":
                    raise in_band(data)
                case _:
                    return [Unknown(str(kind), data)]
        except (KeyError, TypeError, AttributeError) as error:
            msg = f"Claude's stream holds a {kind} frame without the fields it must have."
            raise Garbled(msg) from error

    def _start_message(self, data: dict[str, Any]) -> list[Event]:
        message = data["message"]
        if self._has_blocks:
            msg = "Claude's stream began a second message inside the first."
            raise Garbled(msg)
        self.message_id = _name(message["id"])
        self.model = _name(message.get("model"))
        self._keep_details(message, MESSAGE_FIELDS)
        self._keep_details(data, FRAME_FIELDS)
        events = self._report(message.get("usage"))
        # A call made from inside Claude's code execution can be there whole before anything is streamed.
        for at, block in enumerate(message.get("content") or []):
            events += self._start_block({"index": at, "content_block": block})
            events += self._stop_block({"index": at})
        return events

    def _start_block(self, data: dict[str, Any], written: bytes | None = None) -> list[Event]:
        events = self._stop_block({"index": data["index"]}) if data["index"] in self._open else []
        events += self._release(None)
        block = checked(data["content_block"])
        kind = block["type"]
        goes_on = self._goes_on if kind == "text" else None
        if goes_on is None:
            index, self.next_index = self.next_index, self.next_index + 1
        else:
            index = goes_on
        if kind not in THINKING:
            self._goes_on = None  # what follows stands behind this block, and so not in that text
        opened = self._open[data["index"]] = OpenBlock(data["index"], index, block, written)
        self._latest = opened
        self._has_blocks = True
        if goes_on is None:
            events.append(opened.start(self._clock(), self._turn))
        events += opened.first()
        if len(data) > 3:
            events.append(Unknown("content_block_start", data))
        return events

    def _delta(self, data: dict[str, Any]) -> list[Event]:
        delta = data["delta"]
        opened = self._open.get(data["index"])
        if opened is None or not isinstance(delta, dict) or (events := opened.take(delta)) is None:
            return [Unknown("content_block_delta", data)]
        if len(data) > 3 or not opened.takes_all_of(delta):
            events.append(Unknown("content_block_delta", data))
        return events

    def _stop_block(self, data: dict[str, Any]) -> list[Event]:
        opened = self._open.pop(data["index"], None)
        if opened is self._latest:
            self._latest = None
        if opened is None:
            return [Unknown("content_block_stop", data)]
        stop = BlockStop(opened.index, self._clock())
        more: list[Event] = [Unknown("content_block_stop", data)] if len(data) > 2 else []
        if opened.kind in STREAMED:
            return [stop, *more]
        try:
            opened.parse_input()
        except ValueError:
            self._waiting.append((opened, stop))
            return more
        return [opened.whole(), stop, *more]

    def _release(self, stop_reason: str | None) -> list[Event]:
        """Return the call that waits for its verdict, now that the stop reason (or none) is known."""
        events: list[Event] = []
        for opened, stop in self._waiting:
            if stop_reason is None or stop_reason in WHOLE:
                msg = f"Claude called the tool {opened.block.get('name')!r} with input that is not JSON. Ask again."
                raise BadCall(msg)
            opened.block["input"] = None
            events += [opened.whole(), stop]
        self._waiting.clear()
        return events

    def _message_delta(self, data: dict[str, Any]) -> list[Event]:
        delta = data["delta"] or {}
        # A later message_delta without a stop reason does not take an earlier one back.
        self.stop_reason = _name(delta.get("stop_reason")) or self.stop_reason
        self.stop_sequence = delta.get("stop_sequence") or self.stop_sequence
        self._keep_details(delta, MESSAGE_FIELDS)
        self._keep_details(data, FRAME_FIELDS)
        held = self._release(self.stop_reason) if self.stop_reason else []
        return held + self._report(data.get("usage"))

    def _stop_message(self, data: dict[str, Any]) -> list[Event]:
        self._keep_details(data, FRAME_FIELDS)
        events = [event for index in list(self._open) for event in self._stop_block({"index": index})]
        events += self._release(self.stop_reason)
        self.ended = True
        return events

    def _report(self, usage: dict[str, Any] | None) -> list[Event]:
        if not usage:
            return []
        if not self.has_usage:
            self._ledger.begin(self.model)
            self.has_usage = True
        self._ledger.report(usage, final=self.stop_reason is not None)
        return [Usage(self._ledger.total())]

    def _keep_details(self, fields: dict[str, Any], but: frozenset[str]) -> None:
        for name, value in fields.items():
            if name not in but and (value is not None or name not in self.details):
                self.details[name] = value


def _name(value: Any) -> str | None:
    """Return *value*, which names something, if anything.

    Raises:
        TypeError: it is no string.
    """
    if value is not None and not isinstance(value, str):
        msg = "what must be a string is none"
        raise TypeError(msg)
    return value
