"""The log of one generation: numbered, bounded, ended once, and the same for whoever reads it whenever."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.protocol.cursor import START, BadCursor, Cursor
from app.protocol.encoding import DONE, parse, render
from app.protocol.events import BlockStop, Delta, Done, Error, Event, Text, Thinking, ToolInput, Usage
from app.protocol.log import (
    EVENT_BYTES,
    OVERHEAD_BYTES,
    SLICE_BYTES,
    Account,
    Log,
    LogEnded,
    LogFull,
)
from app.protocol.sse import Decoder, Frame, encode

DONE_EVENT = Done("end_turn", None, {}, {}, None, {}, "")
ERROR_EVENT = Error({}, None, {}, "")


def log_of(*events: Event, max_bytes: int = 10**9) -> Log:
    log = Log(max_bytes)
    for event in events:
        log.append(event)
    return log


def read(data: bytes) -> list[Frame]:
    return Decoder().feed(data)


def caught_up(log: Log, number: int = 0) -> bytes:
    """Return the frames that a reader gets who has seen *number* events."""
    data, more = b"", True
    while more:
        piece, number, more = log.slice(number)
        data += piece
    assert number == len(log)
    return data


def test_nothing_appended_is_nothing_said() -> None:
    log = log_of()
    log.append()
    assert len(log) == log.bytes == 0


def test_events_are_numbered_from_one_and_encoded_once() -> None:
    log = log_of(Text("a", 0), BlockStop(0, 5))
    first, second = log_of(Text("a", 0)).slice(0)[0], log.slice(1)[0]
    assert first == b'id: 1-1\ndata: {"type":"text","text":"a","index":0}\n\n'
    assert second == b'id: 1-2\ndata: {"type":"block_stop","index":0,"at_ms":5}\n\n'
    assert log.slice(0) == (first + second, 2, False)
    assert log.after(0) == list(log) == [Text("a", 0), BlockStop(0, 5)]
    assert len(log) == 2
    assert log.bytes == len(first) + len(second) + 2 * OVERHEAD_BYTES + EVENT_BYTES


@pytest.mark.parametrize("terminal", [DONE_EVENT, ERROR_EVENT])
def test_the_terminal_event_is_followed_by_done_under_the_same_id_and_by_nothing_else(
    terminal: Event,
) -> None:
    log = log_of(Text("a", 0))
    assert (log.ended, log.terminal) == (False, None)
    log.append(terminal)
    assert (log.ended, log.terminal) == (True, terminal)
    assert read(log.slice(1)[0]) == [Frame(render(terminal), id="1-2"), Frame(DONE, id="1-2")]
    with pytest.raises(LogEnded, match="text after the terminal event"):
        log.append(Text("b", 0))
    assert len(log) == 2


def test_an_empty_log_has_nothing_and_has_not_ended() -> None:
    log = Log(0)
    assert (len(log), log.ended, log.terminal, log.after(0), list(log), log.bytes) == (
        0,
        False,
        None,
        [],
        [],
        0,
    )
    assert log.slice(0) == (b"", 0, False)


def test_what_does_not_fit_is_refused_and_changes_nothing_but_an_end_always_fits() -> None:
    size = len(encode(render(Text("a", 0)), "1-1")) + OVERHEAD_BYTES
    log = log_of(Text("a", 0), max_bytes=2 * size - 1)
    with pytest.raises(LogFull, match=f"the log would have {2 * size} bytes, limit {2 * size - 1}"):
        log.append(Text("b", 0))
    assert (len(log), log.bytes) == (1, size)
    log.append(DONE_EVENT)
    assert log.ended


def test_a_bell_rings_after_each_event_until_it_is_taken_away() -> None:
    log = Log(10**6)
    heard: list[tuple[str, int]] = []
    quiet: dict[str, Callable[[], None]] = {}

    def once() -> None:
        heard.append(("b", len(log)))
        quiet["b"]()

    quiet["a"] = log.listen(lambda: heard.append(("a", len(log))))
    quiet["b"] = log.listen(once)
    log.append(Text("x", 0))
    log.append(Text("y", 0))
    quiet["a"]()
    log.append(DONE_EVENT)
    assert heard == [("a", 1), ("b", 1), ("a", 2)]


def test_what_comes_together_rings_once_and_neighbouring_deltas_of_it_are_one_event() -> None:
    log = Log(10**6)
    heard: list[int] = []
    log.listen(lambda: heard.append(len(log)))
    log.append(Text("a", 0), Text("b", 0), BlockStop(0, 5), Thinking("c", 1), Thinking("d", 1), Text("e", 1))
    assert log.after(0) == [
        Text("ab", 0),
        BlockStop(0, 5),
        Thinking("cd", 1),
        Text("e", 1),
    ]
    assert heard == [4]


def test_of_what_comes_together_all_is_kept_that_fits() -> None:
    size = len(encode(render(Text("a", 0)), "1-1")) + OVERHEAD_BYTES
    log = Log(2 * size)
    heard: list[int] = []
    log.listen(lambda: heard.append(len(log)))
    with pytest.raises(LogFull):
        log.append(Text("a", 0), Text("b", 1), Text("c", 2))
    assert (log.after(0), heard) == ([Text("a", 0), Text("b", 1)], [2])


def test_what_comes_together_is_joined_within_a_bound() -> None:
    log = log_of()
    log.append(*[Text("x" * 2000, 0)] * 100)
    assert [len(event.piece) // 2000 for event in log.after(0) if isinstance(event, Text)] == [9] * 11 + [1]


# Cursors


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("", START),
        ("0", START),
        ("1-0", Cursor(0)),
        ("1-17", Cursor(17)),
        ("1-999999999999999", Cursor(999_999_999_999_999)),
        ("1-3.12", Cursor(3, 12)),
    ],
)
def test_a_cursor_is_how_much_a_reader_has_seen(text: str, cursor: Cursor) -> None:
    assert Cursor.parse(text) == cursor
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "-1",
        "1-",
        "1--1",
        "1-x",
        "1-1 ",
        " 1-1",
        "1-1-1",
        "2-1",
        "01-1",
        "1-01",
        "1-1.0",
        "1-1.",
        "1-.5",
        "1-²",
        "1-٣",
        "1-1\n",
        "1-" + "9" * 16,
        "x" * 9999,
    ],
)
def test_what_no_log_gave_out_is_no_cursor(text: str) -> None:
    with pytest.raises(BadCursor, match="not one that this gateway gave out"):
        Cursor.parse(text)


@pytest.mark.parametrize("cursor", [START, Cursor(1), Cursor(2), Cursor(1, 1), Cursor(1, 2)])
def test_a_place_in_the_log_is_a_good_cursor(cursor: Cursor) -> None:
    log_of(BlockStop(0, 0), Text("abc", 0)).check(cursor)


@pytest.mark.parametrize("cursor", [Cursor(3), Cursor(999), Cursor(0, 1), Cursor(1, 3), Cursor(2, 1)])
def test_a_place_behind_the_end_or_within_nothing_is_not(cursor: Cursor) -> None:
    with pytest.raises(BadCursor, match="behind the end"):
        log_of(BlockStop(0, 0), Text("abc", 0)).check(cursor)


# Catching up


def test_neighbouring_deltas_come_joined_under_the_last_ones_id() -> None:
    log = log_of(
        Text("a", 0), Text("b", 0), Text("c", 1), Thinking("d", 1), BlockStop(1, 5), Text("e", 0), DONE_EVENT
    )
    assert read(caught_up(log)) == [
        Frame(render(Text("ab", 0)), id="1-2"),
        Frame(render(Text("c", 1)), id="1-3"),
        Frame(render(Thinking("d", 1)), id="1-4"),
        Frame(render(BlockStop(1, 5)), id="1-5"),
        Frame(render(Text("e", 0)), id="1-6"),
        Frame(render(DONE_EVENT), id="1-7"),
        Frame(DONE, id="1-7"),
    ]


def test_one_event_twice_is_two() -> None:
    twice = log_of(*[BlockStop(0, 5)] * 2)
    assert twice.after(0) == list(twice) == [BlockStop(0, 5)] * 2
    assert len(read(caught_up(twice))) == 2


def test_a_character_that_was_cut_between_two_deltas_is_whole_where_they_are_joined() -> None:
    log = log_of(Text("a\ud83c", 0), Text("\udf0db", 0))
    assert log.after(0) == [Text("a\ud83c", 0), Text("\udf0db", 0)]
    assert list(log) == [Text("a🌍b", 0)]
    assert parse(read(caught_up(log))[0].data) == Text("a🌍b", 0)


def test_thinking_with_an_estimate_is_joined_to_no_other() -> None:
    log = log_of(Thinking("a", 0), Thinking("", 0, 0), Thinking("b", 0), Thinking("c", 0))
    assert list(log) == [Thinking("a", 0), Thinking("", 0, 0), Thinking("bc", 0)]
    assert [parse(each.data) for each in read(caught_up(log))] == list(log)


DELTAS = st.one_of(
    st.builds(Text, st.text(max_size=3), st.integers(0, 1)),
    st.builds(Thinking, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ToolInput, st.text(max_size=3), st.integers(0, 1)),
    st.builds(BlockStop, st.integers(0, 1), st.just(0)),
    st.builds(Usage, st.just({})),
)


ESTIMATES = st.builds(Thinking, st.text(max_size=3), st.just(0), st.integers(0, 9))


@given(st.lists(DELTAS | ESTIMATES, max_size=6))
def test_an_event_is_written_as_it_is_everywhere_and_read_as_it_was(events: list[Event]) -> None:
    log = Log(10**9)
    for number, event in enumerate(events, 1):
        log.append(event)
        assert log.slice(number - 1) == (encode(render(event), f"1-{number}"), number, False)
    assert log.after(0) == events


def said(events: list[Event]) -> list[Event]:
    """Return *events* with every delta split into its characters, so that joining makes no difference."""
    out: list[Event] = []
    for event in events:
        match event:
            case Text(text, index):
                out += [Text(character, index) for character in text]
            case Thinking(text, index):
                out += [Thinking(character, index) for character in text]
            case ToolInput(text, index):
                out += [ToolInput(character, index) for character in text]
            case _:
                out.append(event)
    return out


@given(st.lists(DELTAS, max_size=20), st.lists(st.integers(1, 6)))
def test_a_reader_gets_the_same_from_any_cursor_at_any_pace(events: list[Event], paces: list[int]) -> None:
    for cursor in range(len(events) + 1):
        log = log_of(*events[:cursor])
        got: list[Event] = []
        at = cursor
        for pace in [*paces, len(events)]:
            for event in events[len(log) : len(log) + pace]:
                log.append(event)
            data, at, more = log.slice(at)
            assert (at, more) == (len(log), False)
            frames = read(data)
            got += [parse(frame.data) for frame in frames]
            assert not frames or frames[-1].id == str(Cursor(at))
        assert said(got) == said(events[cursor:]) == said(log_of(*events).after(cursor))


@given(st.lists(DELTAS, max_size=20))
def test_every_id_that_a_joined_catch_up_gives_out_is_a_place_to_go_on_from(events: list[Event]) -> None:
    log = log_of(*events)
    got: list[Event] = []
    for frame in read(caught_up(log)):
        got.append(parse(frame.data))
        number = Cursor.parse(frame.id or "").number
        assert said(got) == said(events[:number])
        rest = [parse(later.data) for later in read(caught_up(log, number))]
        assert said(got + rest) == said(events)


@given(st.lists(st.lists(DELTAS, max_size=6), max_size=6))
def test_it_is_the_same_text_however_much_of_it_comes_together(batches: list[list[Event]]) -> None:
    log = log_of()
    for batch in batches:
        log.append(*batch)
    assert said(log.after(0)) == said(list(log)) == said([event for batch in batches for event in batch])


@given(st.lists(DELTAS, max_size=20))
def test_what_was_read_once_never_changes(events: list[Event]) -> None:
    log = Log(10**9)
    before: list[bytes] = []
    for event in events:
        log.append(event)
        data, _, _ = log.slice(len(before))
        before.append(data)
    assert [log_of(*events[: n + 1]).slice(n)[0] for n in range(len(events))] == before


def test_what_is_sent_at_once_is_bounded_and_is_at_least_one_event() -> None:
    log = Log(10_000_000)
    for _ in range(100):
        log.append(Text("x" * 2000, 0))
    log.append(Text("y" * 200_000, 0))
    at, sizes = 0, []
    while at < len(log):
        had = at
        data, at, more = log.slice(at)
        sizes.append(len(data))
        assert more == (at < 101)
        assert log.after(had, SLICE_BYTES) == log.after(had)[: at - had]
    assert at == 101
    assert all(size <= SLICE_BYTES for size in sizes[:-1])
    assert len(sizes) < 6
    assert log.slice(at) == (b"", at, False)
    assert log.after(at, SLICE_BYTES) == []


def test_a_joined_event_is_bounded_so_that_a_slow_readers_cursor_moves() -> None:
    log = Log(10_000_000)
    for _ in range(100):
        log.append(Text("x" * 2000, 0))
    joined = caught_up(log)
    assert joined.count(b"id: ") == 13
    assert joined.count(b"x" * 2000) == 100


# One more delta, which has a way of its own


@given(
    st.lists(
        st.tuples(st.sampled_from([Text, Thinking, ToolInput]), st.integers(0, 1), st.text(max_size=5)),
        max_size=20,
    )
)
@example([(Text, 0, "a"), (Text, 0, "b"), (Thinking, 0, "c"), (Thinking, 1, "d")])
def test_a_delta_that_is_added_is_one_that_is_appended(deltas: list[tuple[type[Delta], int, str]]) -> None:
    one, other = Log(10**9), Log(10**9)
    rings: list[int] = []
    one.listen(lambda: rings.append(len(one)))
    for kind, index, piece in deltas:
        one.add(kind, index, piece)
        other.append(kind(piece, index))
    assert (one.frames, one.bytes, list(one)) == (other.frames, other.bytes, list(other))
    assert rings == [*range(1, len(deltas) + 1)]


def test_what_is_added_must_fit_and_come_before_the_end() -> None:
    account = Account()
    log = Log(log_of(Text("a", 0), Text("b", 0)).bytes, account)
    log.append(Text("a", 0))
    log.add(Text, 0, "b")
    with pytest.raises(LogFull, match=f"the log would have .* bytes, limit {log.bytes}"):
        log.add(Text, 0, "c")
    assert (len(log), account.bytes) == (2, log.bytes)
    log.append(DONE_EVENT)
    with pytest.raises(LogEnded, match="text after the terminal event"):
        log.add(Text, 0, "c")
