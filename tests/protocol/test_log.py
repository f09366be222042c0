"""The log of one generation: numbered, bounded, ended once, and the same for whoever reads it whenever."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.encoding import DONE, parse, render
from app.protocol.events import (
    BlockStop,
    Done,
    Error,
    Event,
    Text,
    Thinking,
    ToolInput,
    Usage,
)
from app.protocol.log import (
    OVERHEAD_BYTES,
    SLICE_BYTES,
    START,
    BadCursor,
    Cursor,
    Log,
    LogEnded,
    LogFull,
    frames,
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


def test_events_are_numbered_from_one_and_encoded_once() -> None:
    log = log_of(Text("a", 0), Text("b", 0))
    first, second = log.after(0)
    assert first.frame == b'id: 1-1\ndata: {"type":"text","text":"a","index":0}\n\n'
    assert second.frame == b'id: 1-2\ndata: {"type":"text","text":"b","index":0}\n\n'
    assert [entry.event for entry in log.after(0)] == [Text("a", 0), Text("b", 0)]
    assert len(log) == 2
    assert log.bytes == len(first.frame) + len(second.frame) + 2 * OVERHEAD_BYTES


@pytest.mark.parametrize("terminal", [DONE_EVENT, ERROR_EVENT])
def test_the_terminal_event_is_followed_by_done_under_the_same_id_and_by_nothing_else(
    terminal: Event,
) -> None:
    log = log_of(Text("a", 0))
    assert (log.ended, log.terminal) == (False, None)
    log.append(terminal)
    assert (log.ended, log.terminal) == (True, terminal)
    assert read(log.after(1)[0].frame) == [Frame(render(terminal), id="1-2"), Frame(DONE, id="1-2")]
    with pytest.raises(LogEnded, match="text after the terminal event"):
        log.append(Text("b", 0))
    assert len(log) == 2


def test_an_empty_log_has_nothing_and_has_not_ended() -> None:
    log = Log(0)
    assert (len(log), log.ended, log.terminal, list(log.after(0)), log.bytes) == (0, False, None, [], 0)


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
    assert [entry.event for entry in log.after(0)] == [
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
    assert ([entry.event for entry in log.after(0)], heard) == ([Text("a", 0), Text("b", 1)], [2])


def test_what_comes_together_is_joined_within_a_bound() -> None:
    log = log_of()
    log.append(*[Text("x" * 2000, 0)] * 100)
    assert [len(entry.frame) // 2000 for entry in log.after(0)] == [9] * 11 + [1]


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
    assert read(frames(log.after(0), 1)) == [
        Frame(render(Text("ab", 0)), id="1-2"),
        Frame(render(Text("c", 1)), id="1-3"),
        Frame(render(Thinking("d", 1)), id="1-4"),
        Frame(render(BlockStop(1, 5)), id="1-5"),
        Frame(render(Text("e", 0)), id="1-6"),
        Frame(render(DONE_EVENT), id="1-7"),
        Frame(DONE, id="1-7"),
    ]


def test_frames_of_nothing_are_nothing() -> None:
    assert frames([], 1) == b""


DELTAS = st.one_of(
    st.builds(Text, st.text(max_size=3), st.integers(0, 1)),
    st.builds(Thinking, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ToolInput, st.text(max_size=3), st.integers(0, 1)),
    st.builds(BlockStop, st.integers(0, 1), st.just(0)),
    st.builds(Usage, st.just({})),
)


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
    log = log_of(*events)
    for cursor in range(len(log) + 1):
        got: list[Event] = []
        at = cursor
        for pace in [*paces, len(log)]:
            entries = log.after(at)[:pace]
            read_now = read(frames(entries, at + 1))
            got += [parse(frame.data) for frame in read_now]
            at += len(entries)
            assert not read_now or read_now[-1].id == str(Cursor(at))
        assert said(got) == said(events[cursor:])


@given(st.lists(DELTAS, max_size=20))
def test_every_id_that_a_joined_catch_up_gives_out_is_a_place_to_go_on_from(events: list[Event]) -> None:
    log = log_of(*events)
    got: list[Event] = []
    for frame in read(frames(log.after(0), 1)):
        got.append(parse(frame.data))
        number = Cursor.parse(frame.id or "").number
        assert said(got) == said(events[:number])
        rest = [parse(later.data) for later in read(frames(log.after(number), number + 1))]
        assert said(got + rest) == said(events)


@given(st.lists(st.lists(DELTAS, max_size=6), max_size=6))
def test_it_is_the_same_text_however_much_of_it_comes_together(batches: list[list[Event]]) -> None:
    log = log_of()
    for batch in batches:
        log.append(*batch)
    assert said([entry.event for entry in log.after(0)]) == said(
        [event for batch in batches for event in batch]
    )


@given(st.lists(DELTAS, max_size=20))
def test_what_was_read_once_never_changes(events: list[Event]) -> None:
    log = Log(10**9)
    before: list[bytes] = []
    for event in events:
        log.append(event)
        now = [entry.frame for entry in log.after(0)]
        assert now[: len(before)] == before
        before = now


def test_what_is_sent_at_once_is_bounded_and_is_at_least_one_event() -> None:
    log = Log(10_000_000)
    for _ in range(100):
        log.append(Text("x" * 2000, 0))
    log.append(Text("y" * 200_000, 0))
    at, sizes = 0, []
    while at < len(log):
        entries = log.slice(at)
        sizes.append(sum(len(entry.frame) for entry in entries))
        at += len(entries)
    assert at == 101
    assert all(size <= SLICE_BYTES for size in sizes[:-1])
    assert len(sizes) < 6
    assert log.slice(at) == []


def test_a_joined_event_is_bounded_so_that_a_slow_readers_cursor_moves() -> None:
    log = Log(10_000_000)
    for _ in range(100):
        log.append(Text("x" * 2000, 0))
    joined = frames(log.after(0), 1)
    assert joined.count(b"id: ") == 13
    assert joined.count(b"x" * 2000) == 100
