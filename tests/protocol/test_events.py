"""Every event and its exact JSON, one table read from both sides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.encoding import CLASSES, parse, render
from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Citation,
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

DIGEST = "e3b0c442"

WIRE: list[tuple[Event, str]] = [
    (
        Start("g_1", "claude-opus-5-5", "msg_1"),
        '{"type":"start","id":"g_1","model":"claude-opus-5-5","message_id":"msg_1"}',
    ),
    (
        Start("g_1", "claude-opus-5-5", None),
        '{"type":"start","id":"g_1","model":"claude-opus-5-5","message_id":null}',
    ),
    (BlockStart(0, "text", 12), '{"type":"block_start","index":0,"kind":"text","at_ms":12}'),
    (
        BlockStart(3, "tool_use", 12, "toolu_1", "weather", 1),
        '{"type":"block_start","index":3,"kind":"tool_use","at_ms":12,"id":"toolu_1","name":"weather","turn":1}',
    ),
    (
        BlockStart(0, "text", 12, extra={"citations": None}),
        '{"type":"block_start","index":0,"kind":"text","at_ms":12,"extra":{"citations":null}}',
    ),
    (Text('a"\n\u2028🌍', 0), '{"type":"text","text":"a\\"\\n\u2028🌍","index":0}'),
    (Text("\ud83d", 0), '{"type":"text","text":"\\ud83d","index":0}'),
    (Thinking("hm", 0), '{"type":"thinking","thinking":"hm","index":0}'),
    (Thinking("", 0, 50), '{"type":"thinking","thinking":"","index":0,"estimated_tokens":50}'),
    (ToolInput('{"a"', 2), '{"type":"tool_input","partial_json":"{\\"a\\"","index":2}'),
    (Signature(0, "sig"), '{"type":"signature","index":0,"signature":"sig"}'),
    (Citation(1, {"cited_text": "x"}), '{"type":"citation","index":1,"citation":{"cited_text":"x"}}'),
    (
        ToolUse(
            2, {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}, "caller": {"type": "direct"}}
        ),
        '{"type":"tool_use","index":2,"id":"t","name":"n","input":{"a":1},"caller":{"type":"direct"}}',
    ),
    (
        ToolUse(2, {"type": "tool_use", "id": "t", "name": "n", "input": None}),
        '{"type":"tool_use","index":2,"id":"t","name":"n","input":null}',
    ),
    (
        Block(4, {"type": "redacted_thinking", "data": "x"}),
        '{"type":"block","index":4,"block":{"type":"redacted_thinking","data":"x"}}',
    ),
    (BlockStop(4, 99), '{"type":"block_stop","index":4,"at_ms":99}'),
    (
        ToolResult("toolu_1", [{"type": "text", "text": "x"}], is_error=False),
        '{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"x"}],"is_error":false}',
    ),
    (Usage({"input_tokens": 3, "cache": {"a": 1}}), '{"type":"usage","input_tokens":3,"cache":{"a":1}}'),
    (
        Retry("overloaded_error", 2, 500, [0, 1]),
        '{"type":"retry","reason":"overloaded_error","attempt":2,"delay_ms":500,"discard":[0,1]}',
    ),
    (Seam(0, 14, 3, 2, "ask"), '{"type":"seam","index":0,"offset":14,"trimmed":3,"attempt":2,"mode":"ask"}'),
    (Unknown("new_event", {"a": [1]}), '{"type":"unknown","event":"new_event","data":{"a":[1]}}'),
    (
        Error(
            {"type": "api_error", "message": "m", "retryable": True}, "req_1", {"output_tokens": 1}, DIGEST
        ),
        '{"type":"error","error":{"type":"api_error","message":"m","retryable":true},"request_id":"req_1",'
        '"usage":{"output_tokens":1},"digest":"e3b0c442"}',
    ),
    (
        Done("end_turn", None, {"container": None}, {"output_tokens": 1}, None, {"ttft_ms": 5}, DIGEST),
        '{"type":"done","stop_reason":"end_turn","stop_sequence":null,"message":{"container":null},'
        '"usage":{"output_tokens":1},"cost_usd":null,"timing":{"ttft_ms":5},"digest":"e3b0c442"}',
    ),
]


@pytest.mark.parametrize(("event", "wire"), WIRE)
def test_an_event_is_its_json_and_its_json_is_the_event(event: Event, wire: str) -> None:
    assert render(event) == wire.encode()
    assert parse(wire.encode()) == event


def test_every_event_is_in_the_table() -> None:
    assert {type(event) for event, _ in WIRE} == set(CLASSES.values())
    assert {cls.type for cls in CLASSES.values()} == set(CLASSES)


@pytest.mark.parametrize(
    ("event", "type_", "index"),
    [
        (ToolUse(2, {"type": "tool_use", "id": "t", "index": 7}), "tool_use", 2),
        (Usage({"type": "forged", "input_tokens": 3}), "usage", None),
    ],
)
def test_claudes_fields_never_take_the_place_of_ours(event: Event, type_: str, index: int | None) -> None:
    wire = event.wire()
    assert wire["type"] == type_
    assert wire.get("index") == index


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"{", ValueError),
        (b'{"type":"nonsense"}', KeyError),
        (b'{"index":1}', KeyError),
        (b'{"type":"text"}', TypeError),
        (b'{"type":"text","text":"a","index":0,"more":1}', TypeError),
        (b"[]", TypeError),
    ],
)
def test_what_is_no_event_of_ours_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse(data)


# Any event

SMALL = st.integers(0, 10**6)
TEXT = st.text(max_size=12)
NAMED = st.text(min_size=1, max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | SMALL | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
FURTHER = st.dictionaries(TEXT.filter(lambda key: key not in ("type", "index")), JSON, max_size=3)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Start, NAMED, NAMED, st.none() | NAMED),
    st.builds(
        BlockStart,
        SMALL,
        NAMED,
        SMALL,
        st.none() | TEXT,
        st.none() | TEXT,
        SMALL,
        st.none() | OBJECT.filter(bool),
    ),
    st.builds(Text, TEXT, SMALL),
    st.builds(Thinking, TEXT, SMALL),
    st.builds(ToolInput, TEXT, SMALL),
    st.builds(Signature, SMALL, TEXT),
    st.builds(Citation, SMALL, JSON),
    st.builds(ToolUse, SMALL, FURTHER.map(lambda block: {"type": "tool_use"} | block)),
    st.builds(Block, SMALL, OBJECT),
    st.builds(BlockStop, SMALL, SMALL),
    st.builds(ToolResult, NAMED, JSON, st.booleans()),
    st.builds(Usage, FURTHER),
    st.builds(Retry, NAMED, SMALL, SMALL, st.lists(SMALL, max_size=3)),
    st.builds(Seam, SMALL, SMALL, SMALL, SMALL, NAMED),
    st.builds(Unknown, NAMED, JSON),
    st.builds(Error, OBJECT, st.none() | NAMED, OBJECT, TEXT),
    st.builds(
        Done,
        st.none() | NAMED,
        st.none() | NAMED,
        OBJECT,
        OBJECT,
        st.none() | st.floats(0, 9),
        OBJECT,
        TEXT,
    ),
)


@given(EVENTS)
def test_any_event_is_rendered_on_one_line_and_parsed_as_it_was(event: Event) -> None:
    wire = render(event)
    assert parse(wire) == event
    assert b"\n" not in wire
    assert b"\r" not in wire
