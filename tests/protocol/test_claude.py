"""Claude's frames in, our events out: every block and delta, every ending, and what nobody should have sent."""

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from app.protocol import blocks
from app.protocol.claude import Translator
from app.protocol.encoding import parse, render
from app.protocol.errors import BadCall, Garbled, Misconfigured, Problem, Refused
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
from app.protocol.usage import Ledger
from tests.protocol.frames import (
    STOP,
    block_start,
    block_stop,
    call_start,
    delta,
    events_of,
    fold_of,
    frame,
    message_delta,
    message_start,
    partial_json,
    text,
    text_start,
    translator,
)

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


# Blocks

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


# Going on with a text

GOING_ON: dict[str, tuple[list[Frame], list[Event]]] = {
    "the first text goes on, the second is new": (
        [text_start(0), text("b"), block_stop(), text_start(1), text("c", 1)],
        [Text("b", 2), BlockStop(2, 7), named("text", 5), Text("c", 5)],
    ),
    "text that is there from the start goes on too": ([block_start(0, "text", text="b")], [Text("b", 2)]),
    "thinking before it does not matter": (
        [block_start(0, "thinking", thinking="hm"), block_stop(), text_start(1), text("b", 1)],
        [named("thinking", 5), Thinking("hm", 5), BlockStop(5, 7), Text("b", 2)],
    ),
    "redacted thinking before it does not matter either": (
        [block_start(0, "redacted_thinking", data="x"), block_stop(), text_start(1), text("b", 1)],
        [
            named("redacted_thinking", 5),
            Block(5, {"type": "redacted_thinking", "data": "x"}),
            BlockStop(5, 7),
            Text("b", 2),
        ],
    ),
    "after any other block, text is new: it would stand before that block otherwise": (
        [block_start(0, "hologram"), block_stop(), text_start(1), text("b", 1)],
        [
            named("hologram", 5),
            Block(5, {"type": "hologram"}),
            BlockStop(5, 7),
            named("text", 6),
            Text("b", 6),
        ],
    ),
    "after a call too": (
        [call_start(0, kind="server_tool_use"), block_stop(), text_start(1), text("b", 1)],
        [
            BlockStart(5, "server_tool_use", 7, "toolu_0", "weather"),
            Block(5, {"type": "server_tool_use", "id": "toolu_0", "name": "weather", "input": {}}),
            BlockStop(5, 7),
            named("text", 6),
            Text("b", 6),
        ],
    ),
}


@pytest.mark.parametrize("name", GOING_ON)
def test_a_text_that_broke_goes_on_under_its_index(name: str) -> None:
    frames, events = GOING_ON[name]
    assert events_of(*frames, first_index=5, goes_on=2) == events


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


# The message


def test_a_message_has_its_id_its_model_its_end_and_whatever_else_claude_says() -> None:
    one = translator()
    one.feed(
        frame(
            "message_start",
            message={"id": "msg_1", "model": "m", "container": None, "odd": 1, "n": None},
            trace="t",
        )
    )
    assert (one.message_id, one.model, one.stop_reason, one.ended) == ("msg_1", "m", None, False)
    one.feed(message_delta("refusal", stop_details={"category": "cyber"}, container={"id": "b"}))
    one.feed(message_delta(None, container={"id": "c"}))
    one.feed(frame("message_delta", delta={"container": None}, context_management={"applied_edits": []}))
    one.feed(frame("message_delta", delta=None))
    one.feed(frame("message_stop", metrics={"ms": 5}))
    assert one.ended
    assert one.stop_reason == "refusal"
    assert one.details == {
        "container": {"id": "c"},
        "odd": 1,
        "n": None,
        "trace": "t",
        "stop_details": {"category": "cyber"},
        "context_management": {"applied_edits": []},
        "metrics": {"ms": 5},
    }


def test_a_later_message_delta_without_a_stop_reason_does_not_take_it_back() -> None:
    one = translator()
    one.feed(message_delta("stop_sequence", stop_sequence="END"))
    one.feed(message_delta(None))
    assert (one.stop_reason, one.stop_sequence) == ("stop_sequence", "END")


def test_only_message_stop_ends_a_message() -> None:
    one = translator()
    for given in (message_start(), text_start(), text("a"), block_stop(), message_delta()):
        one.feed(given)
        assert not one.ended
    assert one.feed(STOP) == []
    assert one.ended


def test_usage_is_told_whenever_claude_reports_it_as_the_total_of_the_generation() -> None:
    ledger = Ledger()
    events: list[Event] = []
    for _ in range(2):
        one = Translator(ledger, lambda: 7)
        one.feed(message_start(usage={"input_tokens": 5, "output_tokens": 1}))
        events = one.feed(message_delta("end_turn", {"output_tokens": 3}))
    assert events == [Usage({"input_tokens": 10, "output_tokens": 6})]


@pytest.mark.parametrize(
    "start", [[], [message_start()], [message_start(usage=None)], [message_start(usage={})]]
)
def test_usage_of_a_message_that_reports_it_late_is_added_all_the_same(start: list[Frame]) -> None:
    ledger = Ledger()
    ledger.report({"output_tokens": 4})
    one = Translator(ledger, lambda: 7)
    events = [
        event for given in [*start, message_delta(usage={"output_tokens": 3})] for event in one.feed(given)
    ]
    assert events == [Usage({"output_tokens": 7})]


def test_message_start_twice_before_any_block_is_one_message() -> None:
    ledger = Ledger()
    one = Translator(ledger, lambda: 7)
    start = message_start(usage={"input_tokens": 5, "output_tokens": 1})
    events = [event for given in (start, start, text_start(), text("a")) for event in one.feed(given)]
    assert [event for event in events if isinstance(event, Text)] == [Text("a", 0)]
    assert ledger.total() == {"input_tokens": 5, "output_tokens": 1}


def test_a_second_message_after_the_first_has_content_is_refused() -> None:
    with pytest.raises(Garbled, match="a second message inside the first"):
        events_of(message_start(), text_start(), text("a"), block_stop(), message_start())


def test_content_that_is_whole_in_message_start_is_not_lost() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}}]
    events = events_of(
        message_start(content=content, usage={"output_tokens": 1}), text_start(2), text("b", 2)
    )
    assert fold_of(events).content(0) == [*content, {"type": "text", "text": "b"}]


# What Claude refuses in the middle


@pytest.mark.parametrize(
    ("error", "status", "kind", "message"),
    [
        (
            {"type": "overloaded_error", "message": "Overloaded", "details": None},
            529,
            "overloaded_error",
            "Overloaded",
        ),
        ({"type": "rate_limit_error", "message": "Slow"}, 429, "rate_limit_error", "Slow"),
        ({"type": "api_error", "message": "Oops"}, 500, "api_error", "Oops"),
        ({"type": "timeout_error", "message": "Late"}, 504, "timeout_error", "Late"),
        ({"type": "invalid_request_error", "message": "No"}, 400, "invalid_request_error", "No"),
        ({"type": "not_found_error", "message": "file_1"}, 400, "invalid_request_error", "file_1"),
        ({"type": "new_error", "message": "?"}, 502, "new_error", "?"),
        ({"type": "new_error"}, 502, "new_error", "Claude broke the answer off with new_error."),
        ({}, 500, "api_error", "Claude broke the answer off with api_error."),
        (None, 500, "api_error", "Claude broke the answer off with api_error."),
        ("Overloaded", 500, "api_error", "Overloaded"),
        ({"type": ["odd"], "message": {"odd": 1}}, 502, "['odd']", "{'odd': 1}"),
    ],
)
def test_an_error_frame_is_the_refusal_it_stands_for(
    error: Any, status: int, kind: str, message: str
) -> None:
    with pytest.raises(Refused) as caught:
        events_of(message_start(), frame("error", error=error, request_id="req_up"))
    problem = caught.value
    assert (problem.status, problem.type, problem.message) == (status, kind, message)
    assert problem.upstream_request_id == "req_up"
    assert problem.retryable == (status != 400)


@pytest.mark.parametrize("data", [b"Overloaded", b'"Overloaded"', b'{"type": "error", "err', b"", b"[]"])
def test_an_error_frame_that_is_no_json_object_is_one_too(data: bytes) -> None:
    with pytest.raises(Refused, match="Claude broke the answer off") as caught:
        events_of(Frame(data, "error"))
    assert caught.value.retryable


def test_an_error_frame_without_its_error_is_one_too() -> None:
    with pytest.raises(Refused):
        events_of(frame("error"))


@pytest.mark.parametrize("kind", ["authentication_error", "billing_error", "permission_error"])
def test_what_is_wrong_with_the_gateways_account_is_for_its_operator(kind: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        events_of(
            frame("error", error={"type": kind, "message": "key sk-ant-x is no good"}, request_id="req_up")
        )
    assert "sk-ant-x" not in caught.value.message
    assert "sk-ant-x" in caught.value.said
    assert (caught.value.status, caught.value.retryable, caught.value.upstream_request_id) == (
        502,
        False,
        "req_up",
    )


# What is not Claude's protocol

DEEP = b'{"type":"x","a":' + b"[" * 100_000


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"<html>",
        b"null",
        b"3",
        b'"text"',
        b"[]",
        b'[{"type":"ping"}]',
        b"{}",
        b'{"type":"ping"}{}',
        b'{"type":"text","text":"\xff"}',
        b'{"type":"x","a":1e999}',
        DEEP,
        b'{"type":"x","a":"\\ud83d","b":NaN}',
    ],
)
def test_a_frame_that_is_no_object_with_a_type_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled, match="not a JSON object with a type"):
        events_of(Frame(data))


@pytest.mark.parametrize("data", [b"{", b"null", b"[]", b'"text"'])
def test_an_event_of_claudes_whose_data_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled, match="not a JSON object with a type"):
        events_of(Frame(data, "message_delta"))


@pytest.mark.parametrize(
    "given",
    [
        frame("message_start"),
        frame("message_start", message=None),
        frame("message_start", message=[]),
        frame("message_start", message={}),
        message_start(usage=3),
        message_start(usage="x"),
        message_start(usage=[1]),
        message_start(content=3),
        message_start(content=["x"]),
        message_start(content=[None]),
        frame("content_block_start"),
        frame("content_block_start", index=0),
        frame("content_block_start", index=0, content_block=None),
        frame("content_block_start", index=0, content_block="ab"),
        frame("content_block_start", index=0, content_block=["ab"]),
        frame("content_block_start", index=0, content_block=[]),
        frame("content_block_start", index=0, content_block={}),
        frame("content_block_start", index=0, content_block={"type": None}),
        frame("content_block_start", index=0, content_block={"type": ["text"]}),
        frame("content_block_start", index=0, content_block={"type": {"a": 1}}),
        frame("content_block_start", content_block={"type": "text", "text": ""}),
        frame("content_block_start", index=[0], content_block={"type": "text", "text": ""}),
        block_start(0, "text", text=5),
        block_start(0, "text", text=["a"]),
        block_start(0, "thinking", thinking=5),
        block_start(0, "thinking", thinking="", signature=5),
        block_start(0, "tool_use", name="n", input={}),
        block_start(0, "tool_use", id=None, name="n", input={}),
        block_start(0, "tool_use", id=["x"], name="n", input={}),
        block_start(0, "tool_use", id="x", input={}),
        frame("content_block_delta"),
        frame("content_block_delta", index=0),
        frame("content_block_delta", delta={"type": "text_delta", "text": "a"}),
        frame("content_block_delta", index={}, delta={"type": "text_delta", "text": "a"}),
        frame("content_block_stop"),
        frame("message_delta"),
        frame("message_delta", delta=3),
        frame("message_delta", delta="x"),
        message_delta("end_turn", 5),
    ],
)
def test_a_frame_without_the_fields_it_must_have_is_refused_by_its_name(given: Frame) -> None:
    with pytest.raises(Garbled, match=f"a {given.event} frame without the fields"):
        events_of(given)


def test_a_stop_reason_that_is_no_string_is_refused_where_it_decides() -> None:
    with pytest.raises(Garbled):
        events_of(*BROKEN, message_delta(["end_turn"]))  # type: ignore[arg-type]


ODD: list[Any] = [None, 0, -1, 2**70, 1.5, "", "x", [], [None], {}, {"type": None}, True]


def mutations(value: Any) -> list[Any]:
    """Return copies of *value*, each with one field gone or replaced by something odd."""
    if not isinstance(value, dict):
        return []
    out: list[Any] = []
    for name in value:
        rest = {key: item for key, item in value.items() if key != name}
        out.append(rest)
        out += [value | {name: odd} for odd in ODD]
        out += [value | {name: inner} for inner in mutations(value[name])]
    return out


SCRIPT = [
    message_start(usage={"input_tokens": 1, "cache": {"a": 1}}),
    text_start(0),
    text("a", 0),
    delta(0, "citations_delta", citation=CITATION),
    block_stop(0),
    block_start(1, "thinking", thinking="", signature=""),
    delta(1, "thinking_delta", thinking="a"),
    delta(1, "signature_delta", signature="s"),
    block_stop(1),
    call_start(2),
    partial_json("{}", 2),
    block_stop(2),
    block_start(3, "web_search_tool_result", tool_use_id="x", content=[]),
    block_stop(3),
    block_start(4, "compaction", content=None),
    delta(4, "compaction_delta", content="x", encrypted_content="y"),
    block_stop(4),
    message_delta("tool_use", {"output_tokens": 4}, container={"id": "c"}),
    frame("error", error={"type": "api_error", "message": "m"}, request_id="r"),
    STOP,
]


@pytest.mark.parametrize("at", range(len(SCRIPT)), ids=lambda at: f"{at}-{SCRIPT[at].event}")
def test_whatever_is_odd_in_a_frame_is_passed_on_or_refused_and_never_crashes(at: int) -> None:
    for odd in mutations(json.loads(SCRIPT[at].data)):
        frames = [*SCRIPT]
        frames[at] = Frame(json.dumps(odd).encode())
        events: list[Event] = []
        one = translator()
        try:
            for given in frames:
                if given.event != "error":
                    events += one.feed(given)
        except Problem:
            pass
        fold_of(events).turns()
        assert [parse(render(event)).wire() for event in events] == [event.wire() for event in events], odd


# Tokens of text, which have a way of their own


def as_claude_writes_it(given: Frame) -> Frame:
    data = json.dumps(json.loads(given.data), separators=(",", ":"), ensure_ascii=False)
    return Frame(data.encode("utf-8", "surrogatepass"), given.event)


@hypothesis.given(st.text(st.characters(codec="utf-8"), max_size=20), st.booleans())
def test_a_token_is_the_same_written_as_claude_does_and_in_any_other_way(piece: str, escaped: bool) -> None:
    compact = as_claude_writes_it(text(piece))
    if escaped:
        compact = Frame(
            compact.data.replace(json.dumps(piece, ensure_ascii=False).encode(), json.dumps(piece).encode())
        )
    start = [message_start(), text_start()]
    assert events_of(*start, compact) == events_of(*start, text(piece))


def test_half_a_character_in_a_token_is_kept() -> None:
    half = Frame(text("\ud83d").data.replace(b": ", b":").replace(b", ", b","))
    assert events_of(message_start(), text_start(), half)[-1] == Text("\ud83d", 0)


NO_TOKENS = [
    *(b'"index":%b' % index for index in (b"00", b"01", b"-0", b"1e0", b'"0"')),
    *(
        b'"text":%b' % string
        for string in (b'"a\\"', b'"a\\x"', b'"a"b"', b'"a\n"', b'"a\x00"', b'"\xff"', b"a", b'"')
    ),
]


@pytest.mark.parametrize("wrong", NO_TOKENS)
def test_what_only_looks_like_a_token_is_read_like_any_other_frame(wrong: bytes) -> None:
    usual = as_claude_writes_it(text("a")).data
    data = usual.replace(b'"index":0' if wrong.startswith(b'"index') else b'"text":"a"', wrong)
    assert data != usual
    outcomes = []
    for each in (data, data + b" "):  # the blank keeps it from being a token
        try:
            outcomes.append(repr(events_of(message_start(), text_start(), Frame(each))[1:]))
        except Garbled as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_a_token_for_a_block_of_another_kind_or_none_is_passed_on_as_it_came() -> None:
    stray = as_claude_writes_it(text("a", 5))
    assert events_of(message_start(), stray)[-1] == Unknown("content_block_delta", json.loads(stray.data))
    odd = as_claude_writes_it(text("a"))
    events = events_of(message_start(), block_start(0, "thinking", thinking="", signature=""), odd)
    assert events[-1] == Unknown("content_block_delta", json.loads(odd.data))
