"""Whatever the installed SDK knows of Claude's stream arrives: its types are asked, so a newer SDK adds to these tests."""

import json
from typing import Any

import pytest
from anthropic.types import ContentBlock, RawContentBlockDelta, RawMessageStreamEvent
from anthropic.types.beta import BetaContentBlock, BetaRawContentBlockDelta, BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from app.protocol.claude import Translator
from app.protocol.events import Unknown
from app.protocol.sse import Frame
from app.protocol.usage import Ledger
from tests.protocol.frames import (
    STOP,
    block_stop,
    events_of,
    fold_of,
    frame,
    message_delta,
    message_start,
    translator,
)

Schema = dict[str, Any]


def sample(schema: Schema, defs: Schema) -> Any:
    """Return a value that fits *schema*, with every field it may have, and null only where nothing else fits."""
    match schema:
        case {"$ref": str(name)}:
            return sample(defs[name.rpartition("/")[2]], defs)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [one, *_]}:
            return sample(one, defs)
        case {"properties": dict(fields)}:
            return {name: sample(field, defs) for name, field in fields.items()}
        case {"type": "array", "items": item}:
            return [sample(item, defs)]
        case {"type": kind}:
            return {"string": "s", "integer": 7, "number": 1.5, "boolean": True, "null": None}.get(kind, {})
        case _:
            return {}


def samples(*unions: Any) -> dict[str, Any]:
    """Return a value of each member of *unions*, by what tells it apart and whether it is a beta's."""
    found = {}
    for union in unions:
        schema = TypeAdapter(union).json_schema()
        for member in schema["anyOf"]:
            value = sample(member, schema["$defs"])
            beta = " (beta)" if "/Beta" in member["$ref"] else ""
            found[value["type"] + beta] = value
    return found


BLOCKS = samples(ContentBlock, BetaContentBlock)
DELTAS = samples(RawContentBlockDelta, BetaRawContentBlockDelta)
EVENTS = samples(RawMessageStreamEvent, BetaRawMessageStreamEvent)
STOP_REASONS = TypeAdapter(BetaRawMessageStreamEvent).json_schema()["$defs"]["BetaMessage"]["properties"][
    "stop_reason"
]["anyOf"][0]["enum"]


def start(block: Any) -> Frame:
    return frame("content_block_start", index=0, content_block=block)


def test_the_sdk_knows_what_the_guide_to_streaming_names() -> None:
    assert {"text", "thinking", "tool_use", "web_search_tool_result", "compaction (beta)"} <= BLOCKS.keys()
    assert {"text_delta", "signature_delta", "citations_delta", "compaction_delta (beta)"} <= DELTAS.keys()
    assert {"message_start", "content_block_stop", "message_delta (beta)"} <= EVENTS.keys()
    assert {"end_turn", "pause_turn", "refusal"} <= {*STOP_REASONS}


@pytest.mark.parametrize("kind", BLOCKS)
def test_every_block_with_every_field_is_rebuilt_as_it_came(kind: str) -> None:
    events = events_of(message_start(), start(BLOCKS[kind]), block_stop(), message_delta(), STOP)
    assert fold_of(events).content(0) == [BLOCKS[kind]]
    assert not [event for event in events if isinstance(event, Unknown)]


@pytest.mark.parametrize("kind", DELTAS)
def test_every_delta_with_every_field_is_known_to_the_block_it_is_for(kind: str) -> None:
    said = frame("content_block_delta", index=0, delta=DELTAS[kind])
    streams = [events_of(message_start(), start(block), said) for block in BLOCKS.values()]
    assert any(not isinstance(events[-1], Unknown) for events in streams)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_known(kind: str) -> None:
    opened = start({"type": "text", "text": ""}) if kind.startswith("content_block_") else None
    before = [opened] if opened and not kind.startswith("content_block_start") else []
    event = EVENTS[kind] | ({"delta": DELTAS["text_delta"]} if "content_block_delta" in kind else {})
    event |= {"index": 0} if "index" in event else {}
    events = events_of(*before, Frame(json.dumps(event).encode()))
    assert not [event for event in events if isinstance(event, Unknown)]


@pytest.mark.parametrize("beta", ["", " (beta)"])
def test_every_field_of_a_message_and_every_field_of_its_usage_is_kept(beta: str) -> None:
    message = EVENTS["message_start" + beta]["message"] | {"content": []}
    end = EVENTS["message_delta" + beta]
    ledger = Ledger()
    one = Translator(ledger, lambda: 7)
    for each in (frame("message_start", message=message), Frame(json.dumps(end).encode()), STOP):
        one.feed(each)
    ours: Schema = {
        "id": one.message_id,
        "model": one.model,
        "type": "message",
        "role": "assistant",
        "content": [],
    }
    ours |= {"stop_reason": one.stop_reason, "stop_sequence": one.stop_sequence} | one.details
    kept = ours | {"usage": ledger.total()}
    later = {name: value for name, value in end.items() if name not in ("type", "delta", "usage")}
    assert kept == message | end["delta"] | later | {"usage": message["usage"] | end["usage"]}


@pytest.mark.parametrize("reason", STOP_REASONS)
def test_every_stop_reason_is_passed_on(reason: str) -> None:
    one = translator()
    for each in (message_start(), message_delta(reason), STOP):
        one.feed(each)
    assert one.stop_reason == reason
