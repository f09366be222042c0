"""The frames of one message in, events out: what stands around its blocks, and where a text that broke off goes on."""

import pytest

from app.protocol.claude import Translator
from app.protocol.errors import Garbled
from app.protocol.events import Block, BlockStart, BlockStop, Event, Text, Thinking, Usage
from app.protocol.sse import Frame
from app.protocol.usage import Ledger
from tests.protocol.expected import named
from tests.protocol.frames import (
    STOP,
    block_start,
    block_stop,
    call_start,
    events_of,
    fold_of,
    frame,
    message_delta,
    message_start,
    text,
    text_start,
    translator,
)


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


def test_the_latest_block_is_the_one_that_started_last_until_it_stops() -> None:
    one = Translator(Ledger(), lambda: 7)
    latest = []
    for each in (
        message_start(),
        text_start(0),
        text("a", 0),
        text_start(1),
        text("b", 0),
        block_stop(0),
        block_stop(1),
    ):
        one.feed(each)
        latest.append(one.latest and one.latest.index)
    assert latest == [None, 0, 0, 1, 1, 1, None]
