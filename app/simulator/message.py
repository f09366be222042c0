"""An answer becomes the events of a stream, or one JSON message.

Grammar: ``message_start``, for each block ``content_block_start``, deltas, ``content_block_stop``, then
``message_delta`` and ``message_stop``; pings anywhere.
https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from app.simulator.blocks import Answer, Block, Call, Json, Raw, Text, Thinking, Whole
from app.simulator.tokens import pieces, token_count


class Event(NamedTuple):
    """One event of the stream.

    Attributes:
        kind: The payload's type, for deltas the delta's own (``text_delta``).
        payload: The JSON of its ``data:`` line.
        tokens: How many tokens Claude needed to say it.
        wait_s: Extra silence before it, e.g. while a server tool runs.
    """

    kind: str
    payload: Json
    tokens: int = 0
    wait_s: float = 0.0

    def encode(self) -> bytes:
        """Return the event as SSE bytes; its name is the payload's type."""
        return b"event: %b\ndata: %b\n\n" % (self.payload["type"].encode(), orjson.dumps(self.payload))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds an answer: its id, model, and the input side of its usage."""

    id: str
    model: str
    usage: Json


PING = Event("ping", {"type": "ping"})


def block_tokens(block: Block) -> int:
    """Return how many output tokens *block* costs; results of server tools are input and cost none."""
    match block:
        case Text(text):
            return token_count(text)
        case Thinking(reasoning):
            return token_count(reasoning)
        case Call(_, input_json):
            return token_count(input_json) + 12
        case Whole() | Raw():
            return 0


def final_usage(answer: Answer, usage: Json) -> Json:
    """Return the cumulative usage at the end of *answer*."""
    thinking = sum(block_tokens(block) for block in answer.blocks if isinstance(block, Thinking))
    final = dict(usage)
    final["output_tokens"] = sum(block_tokens(block) for block in answer.blocks)
    final["output_tokens_details"] = {"thinking_tokens": thinking}
    if answer.server_tools:
        final["server_tool_use"] = {"web_search_requests": 0, "web_fetch_requests": 0} | answer.server_tools
    return final


def message_json(answer: Answer, envelope: Envelope) -> Json:
    """Return the message as the body of a request without ``stream``."""
    return {
        "model": envelope.model,
        "id": envelope.id,
        "type": "message",
        "role": "assistant",
        "content": [_complete(block) for block in answer.blocks],
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
        "usage": final_usage(answer, envelope.usage),
        **({"container": answer.container} if answer.container else {}),
    }


def events(answer: Answer, envelope: Envelope) -> Iterator[Event]:
    """Yield the events of *answer* in order, an early ping included."""
    start = message_json(Answer((), stop_reason=""), envelope) | {"stop_reason": None}
    # output_tokens is a placeholder until message_delta: real streams start with 1 to 8
    start["usage"] = dict(envelope.usage) | {"output_tokens": 1 if answer.blocks else 0}
    yield Event("message_start", {"type": "message_start", "message": start})
    for index, block in enumerate(answer.blocks):
        first, *rest = _block_events(block, index)
        yield first
        if index == 0:
            yield PING
        yield from rest
        yield Event("content_block_stop", {"type": "content_block_stop", "index": index})
    delta: Json = {
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
    }
    if answer.container:
        delta["container"] = answer.container
    usage = {
        name: value
        for name, value in final_usage(answer, envelope.usage).items()
        if name not in ("cache_creation", "service_tier", "inference_geo")
    }
    yield Event("message_delta", {"type": "message_delta", "delta": delta, "usage": usage})
    yield Event("message_stop", {"type": "message_stop"})


def _block_events(block: Block, index: int) -> Iterator[Event]:
    """Yield the start of *block* and its deltas."""
    match block:
        case Text(text, citations):
            empty: Json = (
                {"citations": [], "type": "text", "text": ""} if citations else {"type": "text", "text": ""}
            )
            yield _start(index, empty)
            for piece in pieces(text):
                yield _delta(index, {"type": "text_delta", "text": piece}, tokens=1)
            for citation in citations:
                yield _delta(index, {"type": "citations_delta", "citation": citation})
        case Thinking(reasoning, shown, signature):
            yield _start(index, {"type": "thinking", "thinking": "", "signature": ""})
            for piece in pieces(shown):
                yield _delta(index, {"type": "thinking_delta", "thinking": piece}, tokens=1)
            hidden = 0 if shown else token_count(reasoning)
            yield _delta(index, {"type": "signature_delta", "signature": signature}, tokens=hidden)
        case Call(start, input_json):
            yield _start(index, start)
            # Real streams always open so.
            yield _delta(index, {"type": "input_json_delta", "partial_json": ""})
            for piece in pieces(input_json):
                yield _delta(index, {"type": "input_json_delta", "partial_json": piece}, tokens=1)
        case Whole(whole, wait_s):
            yield _start(index, whole, wait_s)
        case Raw(start, deltas):
            yield _start(index, start)
            for delta in deltas:
                yield _delta(index, delta, tokens=1)


def _start(index: int, block: Json, wait_s: float = 0.0) -> Event:
    payload = {"type": "content_block_start", "index": index, "content_block": block}
    return Event("content_block_start", payload, wait_s=wait_s)


def _delta(index: int, delta: Json, tokens: int = 0) -> Event:
    return Event(delta["type"], {"type": "content_block_delta", "index": index, "delta": delta}, tokens)


def _complete(block: Block) -> Json:
    """Return *block* as it stands in a finished message."""
    match block:
        case Text(text, citations):
            return {"citations": list(citations) or None, "type": "text", "text": text}
        case Thinking(_, shown, signature):
            return {"type": "thinking", "thinking": shown, "signature": signature}
        case Call(start, input_json):
            return start | {"input": _parsed(input_json)}
        case Whole(whole):
            return whole
        case Raw(_, _, final):
            return final


def _parsed(input_json: str) -> object:
    """Return the input of a call; one that ``max_tokens`` cut off has none."""
    try:
        return orjson.loads(input_json or "{}")
    except orjson.JSONDecodeError:
        return {}
