"""One content block in frames, its events out: every kind and delta, and input that is no JSON."""

import pytest

from app.protocol import blocks
from app.protocol.errors import BadCall, Garbled
from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Citation,
    Event,
    Signature,
    Text,
    Thinking,
    ToolInput,
    ToolUse,
    Unknown,
    Usage,
)
from app.protocol.sse import Frame
from tests.protocol.expected import CITATION, call, called, named, unknown
from tests.protocol.frames import (
    STOP,
    block_start,
    block_stop,
    call_start,
    delta,
    events_of,
    frame,
    message_delta,
    partial_json,
    text,
    text_start,
    translator,
)

EMPTY = delta(0, "text_delta", text="")
ODD_DELTA = delta(0, "future_delta", x=1)
TEXT_AND_MORE = delta(0, "text_delta", text="a", tone="warm")
THINKING_AND_MORE = delta(0, "thinking_delta", thinking="a", estimated_tokens=3, mood="calm")
ODD_ESTIMATE = delta(0, "thinking_delta", thinking="a", estimated_tokens="3")
ODD_TEXT = delta(0, "text_delta", text="a")
TEXT_THINKS = delta(0, "thinking_delta", thinking="a", estimated_tokens=3)
NOT_A_STRING = delta(0, "text_delta", text=5)
NO_CITATION = delta(0, "citations_delta", text="x")
CITED_THINKING = delta(0, "citations_delta", citation={"n": 1})
WRONG_BLOCK = delta(0, "thinking_delta", thinking="a")
NO_INPUT_HERE = partial_json("{}")
BESIDE_DELTA = frame("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}, seq=9)
BESIDE_STOP = frame("content_block_stop", index=0, took_ms=9)
BESIDE_START = frame("content_block_start", index=0, content_block={"type": "text", "text": ""}, seq=9)
NO_DELTA = frame("content_block_delta", index=0, delta=None)

BLOCKS: dict[str, tuple[list[Frame], list[Event]]] = {
    "text": (
        [text_start(), text("a"), EMPTY, text("b"), block_stop()],
        [named("text"), Text("a", 0), Text("b", 0), BlockStop(0, 7)],
    ),
    "text that is there from the start": (
        [block_start(0, "text", text="a", citations=None), text("b"), block_stop()],
        [BlockStart(0, "text", 7, extra={"citations": None}), Text("a", 0), Text("b", 0), BlockStop(0, 7)],
    ),
    "text that is null at the start": (
        [block_start(0, "text", text=None), text("a"), block_stop()],
        [named("text"), Text("a", 0), BlockStop(0, 7)],
    ),
    "text with citations": (
        [text_start(), delta(0, "citations_delta", citation=CITATION), text("a"), block_stop()],
        [named("text"), Citation(0, CITATION), Text("a", 0), BlockStop(0, 7)],
    ),
    "text that is cited from the start": (
        [
            block_start(0, "text", text="a", citations=[CITATION]),
            delta(0, "citations_delta", citation=CITATION),
        ],
        [named("text"), Text("a", 0), Citation(0, CITATION), Citation(0, CITATION)],
    ),
    "thinking": (
        [
            block_start(0, "thinking", thinking="", signature=""),
            delta(0, "thinking_delta", thinking="h"),
            delta(0, "thinking_delta", thinking="m"),
            delta(0, "signature_delta", signature="sig"),
            block_stop(),
        ],
        [named("thinking"), Thinking("h", 0), Thinking("m", 0), Signature(0, "sig"), BlockStop(0, 7)],
    ),
    "thinking that is not shown": (
        [block_start(0, "thinking", thinking=""), delta(0, "signature_delta", signature="sig"), block_stop()],
        [named("thinking"), Signature(0, "sig"), BlockStop(0, 7)],
    ),
    "thinking that is there from the start": (
        [block_start(0, "thinking", thinking="hm", signature="sig", mood="calm"), block_stop()],
        [
            BlockStart(0, "thinking", 7, extra={"mood": "calm"}),
            Thinking("hm", 0),
            Signature(0, "sig"),
            BlockStop(0, 7),
        ],
    ),
    "redacted thinking": (
        [block_start(0, "redacted_thinking", data="x"), block_stop()],
        [named("redacted_thinking"), Block(0, {"type": "redacted_thinking", "data": "x"}), BlockStop(0, 7)],
    ),
    "a call": (
        [call_start(), partial_json(""), partial_json('{"ci'), partial_json('ty":"Kö"}'), block_stop()],
        [called(), ToolInput('{"ci', 0), ToolInput('ty":"Kö"}', 0), call({"city": "Kö"}), BlockStop(0, 7)],
    ),
    "a call without input": (
        [call_start(caller={"type": "direct"}), partial_json(""), block_stop()],
        [called(), call({}, caller={"type": "direct"}), BlockStop(0, 7)],
    ),
    "a call whose input is there from the start": (
        [block_start(0, "tool_use", id="toolu_0", name="weather", input={"city": "Rome"}), block_stop()],
        [called(), call({"city": "Rome"}), BlockStop(0, 7)],
    ),
    "a call whose start has no input": (
        [block_start(0, "tool_use", id="toolu_0", name="weather"), partial_json("{}"), block_stop()],
        [called(), ToolInput("{}", 0), call({}), BlockStop(0, 7)],
    ),
    "a call whose input is null at the start": (
        [block_start(0, "tool_use", id="toolu_0", name="weather", input=None), block_stop()],
        [called(), call({}), BlockStop(0, 7)],
    ),
    "a call with an integer that no float can hold": (
        [call_start(), partial_json('{"wei":25000000000000000000001}'), block_stop()],
        [
            called(),
            ToolInput('{"wei":25000000000000000000001}', 0),
            call({"wei": 25_000_000_000_000_000_000_001}),
            BlockStop(0, 7),
        ],
    ),
    "a call with a character cut in two": (
        [call_start(), partial_json('{"a":"\ud83c'), partial_json('\udf0d"}'), block_stop()],
        [
            called(),
            ToolInput('{"a":"\ud83c', 0),
            ToolInput('\udf0d"}', 0),
            call({"a": "🌍"}),
            BlockStop(0, 7),
        ],
    ),
    "a call that Claude runs": (
        [call_start(kind="server_tool_use"), partial_json('{"query":"x"}'), block_stop()],
        [
            called("server_tool_use"),
            ToolInput('{"query":"x"}', 0),
            Block(
                0, {"type": "server_tool_use", "id": "toolu_0", "name": "weather", "input": {"query": "x"}}
            ),
            BlockStop(0, 7),
        ],
    ),
    "a call over MCP": (
        [call_start(kind="mcp_tool_use", server_name="s"), partial_json("{}"), block_stop()],
        [
            called("mcp_tool_use"),
            ToolInput("{}", 0),
            Block(
                0,
                {"type": "mcp_tool_use", "id": "toolu_0", "name": "weather", "input": {}, "server_name": "s"},
            ),
            BlockStop(0, 7),
        ],
    ),
    "a result": (
        [
            block_start(0, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"url": "u"}]),
            block_stop(),
        ],
        [
            named("web_search_tool_result"),
            Block(
                0, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "u"}]}
            ),
            BlockStop(0, 7),
        ],
    ),
    "a compaction": (
        [
            block_start(0, "compaction", content=None),
            delta(0, "compaction_delta", content="a", encrypted_content="e"),
            delta(0, "compaction_delta", content="b"),
            block_stop(),
        ],
        [
            named("compaction"),
            Block(0, {"type": "compaction", "content": "b", "encrypted_content": "e"}),
            BlockStop(0, 7),
        ],
    ),
    "a block that nobody knows": (
        [block_start(0, "hologram", depth=3, text="x"), ODD_DELTA, block_stop()],
        [
            named("hologram"),
            unknown(ODD_DELTA),
            Block(0, {"type": "hologram", "depth": 3, "text": "x"}),
            BlockStop(0, 7),
        ],
    ),
    "a block that nobody knows, with deltas that are known": (
        [
            block_start(0, "hologram", text="x"),
            delta(0, "text_delta", text="a\ud83c"),
            delta(0, "text_delta", text="\udf0d"),
            delta(0, "thinking_delta", thinking="h"),
            delta(0, "signature_delta", signature="sig"),
            delta(0, "citations_delta", citation=CITATION),
            delta(0, "citations_delta", citation=CITATION),
            delta(0, "input_json_delta", partial_json='{"a":1}'),
            block_stop(),
        ],
        [
            named("hologram"),
            ToolInput('{"a":1}', 0),
            Block(
                0,
                {
                    "type": "hologram",
                    "signature": "sig",
                    "citations": [CITATION, CITATION],
                    "input": {"a": 1},
                    "text": "xa🌍",
                    "thinking": "h",
                },
            ),
            BlockStop(0, 7),
        ],
    ),
    "a block that nobody knows, whose text is none": (
        [block_start(0, "hologram", text=[1]), ODD_TEXT, block_stop()],
        [named("hologram"), unknown(ODD_TEXT), Block(0, {"type": "hologram", "text": [1]}), BlockStop(0, 7)],
    ),
    "a block that nobody knows, with a known delta that has more in it": (
        [block_start(0, "hologram"), TEXT_THINKS, block_stop()],
        [
            named("hologram"),
            unknown(TEXT_THINKS),
            Block(0, {"type": "hologram", "thinking": "a"}),
            BlockStop(0, 7),
        ],
    ),
    "a call of a kind that nobody knows": (
        [call_start(kind="quantum_use"), partial_json("{}"), block_stop()],
        [
            called("quantum_use"),
            ToolInput("{}", 0),
            Block(0, {"type": "quantum_use", "id": "toolu_0", "name": "weather", "input": {}}),
            BlockStop(0, 7),
        ],
    ),
    "a delta that nobody knows": ([text_start(), ODD_DELTA], [named("text"), unknown(ODD_DELTA)]),
    "a text delta with more in it is text, and goes on whole beside it": (
        [text_start(), TEXT_AND_MORE],
        [named("text"), Text("a", 0), unknown(TEXT_AND_MORE)],
    ),
    "a thinking delta with more in it": (
        [block_start(0, "thinking", thinking=""), THINKING_AND_MORE],
        [named("thinking"), Thinking("a", 0), unknown(THINKING_AND_MORE)],
    ),
    "thinking that is not shown, with estimates of how much of it there is": (
        [
            block_start(0, "thinking", thinking=""),
            delta(0, "thinking_delta", thinking="", estimated_tokens=50),
            delta(0, "thinking_delta", thinking="", estimated_tokens=None),
            delta(0, "thinking_delta", thinking="a", estimated_tokens=None),
            ODD_ESTIMATE,
        ],
        [
            named("thinking"),
            Thinking("", 0, 50),
            Thinking("a", 0),
            Thinking("a", 0),
            unknown(ODD_ESTIMATE),
        ],
    ),
    "a delta that is no string": ([text_start(), NOT_A_STRING], [named("text"), unknown(NOT_A_STRING)]),
    "a delta of another kind of block": ([text_start(), WRONG_BLOCK], [named("text"), unknown(WRONG_BLOCK)]),
    "a citation that is none, and one of what cannot be cited": (
        [text_start(), NO_CITATION, block_start(0, "thinking", thinking=""), CITED_THINKING],
        [named("text"), unknown(NO_CITATION), BlockStop(0, 7), named("thinking", 1), unknown(CITED_THINKING)],
    ),
    "input for what is no call": ([text_start(), NO_INPUT_HERE], [named("text"), unknown(NO_INPUT_HERE)]),
    "a delta that is null": ([text_start(), NO_DELTA], [named("text"), unknown(NO_DELTA)]),
    "fields beside a start, a delta and a stop": (
        [BESIDE_START, BESIDE_DELTA, BESIDE_STOP],
        [
            named("text"),
            unknown(BESIDE_START),
            Text("a", 0),
            unknown(BESIDE_DELTA),
            BlockStop(0, 7),
            unknown(BESIDE_STOP),
        ],
    ),
    "a delta for no block": ([text("a", 3)], [unknown(text("a", 3))]),
    "a stop for no block": ([block_stop(3)], [unknown(block_stop(3))]),
    "an index that is null": (
        [frame("content_block_delta", index=None, delta={"type": "text_delta", "text": "a"})],
        [
            Unknown(
                "content_block_delta",
                {"type": "content_block_delta", "index": None, "delta": {"type": "text_delta", "text": "a"}},
            )
        ],
    ),
    "an event that nobody knows": (
        [frame("weather", wind=3)],
        [Unknown("weather", {"type": "weather", "wind": 3})],
    ),
    "an event whose event line alone says what it is": (
        [Frame(b"{}", "ping"), Frame(b'{"wind":3}', "weather"), Frame(b'{"index":3}', "content_block_stop")],
        [Unknown("weather", {"wind": 3}), Unknown("content_block_stop", {"index": 3})],
    ),
    "an event that nobody knows with data that is no object": (
        [Frame(b"[1]", "weather"), Frame(b"fine \xff", "weather"), Frame(b"", "weather")],
        [Unknown("weather", [1]), Unknown("weather", "fine \ufffd")],
    ),
    "an event whose type is no string": ([Frame(b'{"type":[1]}')], [Unknown("[1]", {"type": [1]})]),
    "pings, frames of nothing and the end of other protocols": (
        [frame("ping"), Frame(b""), Frame(b"  "), Frame(b"[DONE]")],
        [],
    ),
    "the event line only repeats the type": (
        [Frame(text_start().data, "message"), Frame(text("a").data, "nonsense")],
        [named("text"), Text("a", 0)],
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_frames_become_events(name: str) -> None:
    frames, events = BLOCKS[name]
    assert events_of(*frames) == events


def test_a_block_that_is_kept_has_no_more_text_than_a_frame_could_bring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_KEPT", 3)
    endless = [
        block_start(0, "hologram"),
        delta(0, "text_delta", text="ab"),
        delta(0, "text_delta", text="c"),
    ]
    assert events_of(*endless) == [named("hologram")]
    with pytest.raises(Garbled, match="larger than the gateway takes"):
        events_of(*endless, delta(0, "text_delta", text="d"))


def test_blocks_may_interleave_and_have_gaps_in_their_indices() -> None:
    frames = [
        *[text_start(3), call_start(5), text("a", 3), partial_json("{", 5), text("b", 3)],
        *[partial_json("}", 5), block_stop(5), text("c", 3), block_stop(3)],
    ]
    events = events_of(*frames)
    assert [event for event in events if getattr(event, "index", None) == 0] == [
        *[named("text"), Text("a", 0), Text("b", 0), Text("c", 0), BlockStop(0, 7)]
    ]
    assert events[-3:] == [BlockStop(1, 7), Text("c", 0), BlockStop(0, 7)]


def test_a_block_that_starts_where_one_is_open_stops_it() -> None:
    frames = [call_start(0), partial_json("{}"), text_start(0), text("a"), block_stop()]
    assert events_of(*frames) == [
        *[called(), ToolInput("{}", 0), call({}), BlockStop(0, 7)],
        *[named("text", 1), Text("a", 1), BlockStop(1, 7)],
    ]


def test_blocks_that_never_stop_are_whole_when_the_message_stops() -> None:
    frames = [
        text_start(0),
        text("a"),
        call_start(1),
        partial_json('{"a":1}', 1),
        message_delta("tool_use"),
        STOP,
    ]
    assert events_of(*frames)[-4:] == [
        *[ToolInput('{"a":1}', 1), BlockStop(0, 7)],
        *[
            ToolUse(1, {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"a": 1}}),
            BlockStop(1, 7),
        ],
    ]


def test_indices_and_turn_count_on_over_the_generation() -> None:
    one = translator(first_index=4, turn=2)
    events = [event for given in (text_start(), block_stop(), call_start(1)) for event in one.feed(given)]
    assert events[0] == BlockStart(4, "text", 7, turn=2)
    assert events[2] == BlockStart(5, "tool_use", 7, "toolu_1", "weather", 2)
    assert one.next_index == 6
    assert one.open_indices == [5]


# Input that is no JSON

BROKEN = [call_start(), partial_json('{"city":"Ro'), block_stop()]


@pytest.mark.parametrize(
    "stop_reason", ["max_tokens", "refusal", "model_context_window_exceeded", "new_reason"]
)
def test_input_that_was_cut_off_is_null(stop_reason: str) -> None:
    events = events_of(*BROKEN, message_delta(stop_reason, {"output_tokens": 3}), STOP)
    assert events[1:] == [
        ToolInput('{"city":"Ro', 0),
        call(None),
        BlockStop(0, 7),
        Usage({"output_tokens": 3}),
    ]


@pytest.mark.parametrize(
    "end",
    [
        [message_delta("tool_use")],
        [message_delta("end_turn")],
        [STOP],
        [message_delta(None), STOP],
        [text_start(1)],
    ],
)
def test_input_that_is_broken_is_an_error_that_names_the_tool(end: list[Frame]) -> None:
    one = translator()
    for given in BROKEN:
        one.feed(given)
    assert one.open_indices == [0]
    with pytest.raises(BadCall, match="the tool 'weather' with input that is not JSON"):
        assert [one.feed(given) for given in end]
    assert not one.ended


@pytest.mark.parametrize("raw", ['{"a":NaN}', '{"a":1e999}', "{'a':1}", "[" * 5000, '{"a":1}}'])
def test_only_json_is_input(raw: str) -> None:
    events = events_of(call_start(), partial_json(raw), block_stop(), message_delta("max_tokens"))
    assert call(None) in events


def test_a_cut_off_call_waits_with_what_stood_beside_its_stop() -> None:
    beside = frame("content_block_stop", index=0, took_ms=9)
    assert events_of(*BROKEN[:2], beside, message_delta("max_tokens"))[2:] == [
        *[unknown(beside), call(None), BlockStop(0, 7)]
    ]
