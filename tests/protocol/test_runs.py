"""Deltas that are read together say what they say one by one, however they are written, mixed, cut or broken."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.claude import Translator
from app.protocol.deltas import join, joins
from app.protocol.errors import Garbled, Problem
from app.protocol.events import Event, Text, Thinking, ToolInput, Unknown
from app.protocol.runs import RUN_BYTES, Run
from app.protocol.sse import Decoder, Frame
from app.protocol.usage import Ledger
from tests.protocol.cutting import PLACES, cut
from tests.protocol.frames import (
    as_stream,
    block_start,
    call_start,
    delta,
    events_of,
    message_start,
    padded,
    partial_json,
    text,
    text_start,
)
from tests.protocol.mixed import STREAMS, TEXTS


def said(pieces: Iterator[list[Event]]) -> tuple[list[Event], str | None]:
    """Return the events of *pieces*, neighbouring deltas joined, and what went wrong in the end."""
    events: list[Event] = []
    try:
        for some in pieces:
            for event in some:
                if events and joins(events[-1], event):
                    events[-1] = join([events[-1], event])
                else:
                    events.append(event)
    except Problem as problem:
        return events, problem.message
    return events, None


def together(pieces: list[bytes]) -> tuple[list[Event], str | None]:
    decoder, one = Decoder(), Translator(Ledger(), lambda: 7)

    def read() -> Iterator[list[Event]]:
        for piece in pieces:
            events: list[Event] = []
            try:
                one.read(decoder.whole(piece), events)
            finally:
                yield events

    return said(read())


def one_by_one(data: bytes) -> tuple[list[Event], str | None]:
    one = Translator(Ledger(), lambda: 7)
    return said(one.feed(each) for each in Decoder().feed(data))


@given(STREAMS, PLACES)
def test_however_they_are_mixed_and_cut_they_say_what_each_says(
    frames: list[Frame], places: list[int]
) -> None:
    data = as_stream(frames)
    assert together(cut(data, places)) == together([data]) == one_by_one(data)


@given(STREAMS, st.data())
def test_what_one_byte_breaks_they_say_as_each_would(frames: list[Frame], data: st.DataObject) -> None:
    whole = bytearray(as_stream(frames))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.sampled_from(b'"\\}{\n a0:,\xff'))
    broken = bytes(whole)
    assert together([broken]) == one_by_one(broken)


@pytest.mark.parametrize(
    ("start", "write", "kind"),
    [
        (text_start(0), text, Text),
        (block_start(0, "thinking", thinking="", signature=""), lambda piece: delta(0, "thinking_delta", thinking=piece), Thinking),
        (call_start(0), partial_json, ToolInput),
    ],
)  # fmt: skip
def test_deltas_of_one_read_are_few_events_and_none_is_read_by_itself(
    monkeypatch: pytest.MonkeyPatch, start: Frame, write: object, kind: type[Event]
) -> None:
    assert callable(write)
    texts = [f"{n} \\" for n in range(1000)]
    one = Translator(Ledger(), lambda: 7)
    events: list[Event] = []
    one.read(as_stream([message_start(), start]), [])
    monkeypatch.setattr(one, "feed", None)
    data = as_stream([write(piece) for piece in texts])
    one.read(data, events)
    assert {type(event) for event in events} == {kind}
    assert "".join(
        event.piece for event in events if isinstance(event, Text | Thinking | ToolInput)
    ) == "".join(texts)
    assert len(events) <= len(data) / RUN_BYTES + 2


def test_what_is_looked_at_together_is_bounded() -> None:
    long = as_stream([text("x" * 1000)] * 100)
    run = Run(0, "text_delta", "text")
    read = run.read(long, 0)
    assert read is not None
    assert 10_000 < len(read[0]) < RUN_BYTES
    assert long[read[1] :].startswith(b"event: ")
    assert run.read(as_stream([text("x" * RUN_BYTES)] * 2), 0) is None  # not even one: it is read by itself
    assert run.read(as_stream([text("x" * RUN_BYTES)]), 0) is None
    assert run.one(as_stream([text("x" * RUN_BYTES)])) == "x" * RUN_BYTES


@pytest.mark.parametrize("piece", ["", "a", "\\", '"', '\\"', "\n", "\ud83d", "日本", '"}}\n\n'])
def test_each_text_is_read_exactly(piece: str) -> None:
    written = json.dumps(piece).encode()
    line = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":%b}}\n\n'
    assert Run(7, "text_delta", "text").read(line % written, 0) == (piece, len(line % written))
    assert Run(8, "text_delta", "text").read(line % written, 0) is None
    alone = Run(7, "text_delta", "text").one(line % written)
    assert alone == (
        None if piece == "\ud83d" else piece
    )  # who reads JSON knows what to do with half a character
    assert Run(8, "text_delta", "text").one(line % written) is None


def as_claude_writes_it(each: Frame) -> Frame:
    data = json.dumps(json.loads(each.data), separators=(",", ":"), ensure_ascii=False)
    return Frame(data.encode("utf-8", "surrogatepass"), each.event)


@given(TEXTS, st.data())
def test_a_read_is_one_token_if_it_says_no_more_than_one(piece: str, data: st.DataObject) -> None:
    run = Run(0, "text_delta", "text")
    whole = bytearray(as_stream([as_claude_writes_it(text(piece))]))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.sampled_from(b'"\\}{\n a0:,\xff'))
    if (broken := run.one(bytes(whole))) is not None:
        start = as_stream([message_start(), text_start()])
        assert one_by_one(start + bytes(whole)) == one_by_one(start + as_stream([text(broken)]))


@given(
    st.lists(
        st.sampled_from([text("a"), text("b\\"), text('"'), block_start(1, "text", text="")]), min_size=2
    )
)
def test_several_frames_are_not_one_token(frames: list[Frame]) -> None:
    stream = as_stream([as_claude_writes_it(each) for each in frames])
    assert Run(0, "text_delta", "text").one(stream) is None


def test_blanks_before_the_last_brace_change_nothing() -> None:
    line = as_stream([padded(text("a }"), 9)])
    assert line.endswith(b'a }"}         }\n\n')
    run = Run(0, "text_delta", "text")
    assert run.one(line) == "a }"
    assert run.read(line * 3, 0) == ("a }" * 3, len(line) * 3)


def test_a_text_whose_quote_is_escaped_has_no_end_and_is_left_to_who_reads_json() -> None:
    line = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\"}}\n\n'
    run = Run(0, "text_delta", "text")
    assert run.read(line, 0) is None
    assert run.read(line + as_stream([text("b")]), 0) is None
    assert run.read(line.replace(b"\\", b"\\\\"), 0) == ("a\\", len(line) + 1)


def test_a_text_that_is_no_json_is_left_to_who_reads_json() -> None:
    line = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}\n\n'
    run = Run(0, "text_delta", "text")
    for broken in (b"\x00", b"\\x", b"\xff", b'"'):
        assert run.one(line % broken) is None
        assert run.read(line % broken + line % b"a", 0) is None


def test_a_delta_that_says_more_is_left_to_who_reads_json() -> None:
    line = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"%b}\n\n'
    run = Run(0, "text_delta", "text")
    for more in (b',"more":1}', b'},"more":{}', b""):
        assert run.one(line % more) is None
        assert run.read(line % more, 0) is None


def test_a_run_ends_before_a_frame_that_is_written_in_another_way() -> None:
    other = b'event: content_block_delta\ndata: {"index":0,"delta":{"text":"c"}}\n\n'
    two = as_stream([text("a"), text("b")])
    assert Run(0, "text_delta", "text").read(two + other + two, 0) == ("ab", len(two))


def test_comments_between_frames_say_nothing() -> None:
    data = (
        as_stream([message_start(), text_start(), text("a")]) + b": still here\n\n" + as_stream([text("b")])
    )
    events, wrong = together([data])
    assert wrong is None
    assert events[-1] == Text("ab", 0)


# Tokens of text, which have a way of their own


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.booleans())
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
