"""One reader's own view of a log: fewer events or other cuts, and never another text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.cursor import START, Cursor
from app.protocol.events import BlockStart, BlockStop, Done, Event, Text, Thinking, ToolInput, Usage
from app.protocol.log import Log
from app.protocol.view import MAX_SENTENCE, PLAIN, Piece, Shaper, View

DONE_EVENT = Done("end_turn", None, {}, {}, None, {}, "")
SENTENCES = View(by_sentence=True)


def log_of(*events: Event) -> Log:
    log = Log(10**9)
    for event in events:
        log.append(event)
    return log


def shaped(log: Log, view: View, cursor: Cursor = START, paces: tuple[int, ...] = (1,) * 99) -> list[Piece]:
    """Return what a reader of *log* gets that looks when so many more events have come, and at the end."""
    shaper = Shaper(view, cursor)
    pieces: list[Piece] = []
    at = cursor.number
    for pace in [*paces, len(log)]:
        entries = log.after(at)[:pace]
        at += len(entries)
        pieces += shaper.feed(entries)
    return pieces + shaper.flush()


def sentences(*texts: str) -> list[tuple[str, str]]:
    log = log_of(*[Text(text, 0) for text in texts], BlockStop(0, 1))
    return [(str(cursor), event.piece) for cursor, event in shaped(log, SENTENCES) if isinstance(event, Text)]


@pytest.mark.parametrize(
    ("texts", "pieces"),
    [
        (["Hi"], [("1-1", "Hi")]),
        (["Hi. ", "You"], [("1-1", "Hi. "), ("1-2", "You")]),
        (["Hi", ". You", "!\nWho"], [("1-1.2", "Hi. "), ("1-2.2", "You!\n"), ("1-3", "Who")]),
        (["No", '."', ")", " You"], [("1-3.1", 'No.") '), ("1-4", "You")]),
        (["3.", "14 is pi. "], [("1-2", "3.14 is pi. ")]),
        (["好吗？好", "。"], [("1-0.3", "好吗？"), ("1-2", "好。")]),
        (['He said "no." ', "Yes"], [("1-1", 'He said "no." '), ("1-2", "Yes")]),
        (["a. b. c"], [("1-0.6", "a. b. "), ("1-1", "c")]),
        (["." * 500_000], [("1-1", "." * 500_000)]),  # which must not be looked at from each of them anew
        (["x" * (MAX_SENTENCE + 1), "y"], [("1-1", "x" * (MAX_SENTENCE + 1)), ("1-2", "y")]),
    ],
)
def test_by_sentence_a_piece_ends_where_a_sentence_does(
    texts: list[str], pieces: list[tuple[str, str]]
) -> None:
    assert sentences(*texts) == pieces


def test_deltas_are_held_until_they_are_asked_for() -> None:
    log = log_of(Text("a", 0), Text("b", 0), Thinking("c", 1), Thinking("d", 1), BlockStop(1, 5))
    shaper = Shaper(View(every_ms=100), START)
    assert shaper.feed(log.after(0)[:2]) == []
    assert shaper.holding
    assert shaper.flush() == [(Cursor(2), Text("ab", 0))]
    assert not shaper.holding
    assert shaper.flush() == []
    assert shaper.feed(log.after(2)) == [(Cursor(4), Thinking("cd", 1)), (Cursor(5), BlockStop(1, 5))]


def test_by_time_sentences_do_not_matter() -> None:
    assert shaped(log_of(Text("a. b", 0), Text("c. ", 0)), View(every_ms=100)) == [
        (Cursor(2), Text("a. bc. ", 0))
    ]


def test_what_is_not_wanted_does_not_come_and_does_not_cut() -> None:
    log = log_of(BlockStart(0, "text", 1), Text("a", 0), Usage({}), Text("b", 0), BlockStop(0, 2), DONE_EVENT)
    view = View(events=frozenset({"text", "done"}), every_ms=100)
    assert shaped(log, view) == [(Cursor(4), Text("ab", 0)), (Cursor(6), DONE_EVENT)]


def test_what_came_in_one_look_comes_in_order() -> None:
    log = log_of(
        BlockStart(0, "text", 1),
        Text("a. b. ", 0),
        Text("c", 0),
        Text("d. e", 0),
        BlockStop(0, 2),
        Text("f", 1),
        BlockStop(1, 2),
        DONE_EVENT,
    )
    assert shaped(log, SENTENCES, START, (99,)) == [
        (Cursor(1), BlockStart(0, "text", 1)),
        (Cursor(2), Text("a. b. ", 0)),
        (Cursor(3, 3), Text("cd. ", 0)),
        (Cursor(4), Text("e", 0)),
        (Cursor(5), BlockStop(0, 2)),
        (Cursor(6), Text("f", 1)),
        (Cursor(7), BlockStop(1, 2)),
        (Cursor(8), DONE_EVENT),
    ]


@pytest.mark.parametrize("end", [BlockStop(0, 2), DONE_EVENT])
def test_the_end_of_a_block_lets_go_of_what_was_held_also_unseen(end: Event) -> None:
    shaper = Shaper(View(events=frozenset({"text"}), every_ms=100), START)
    assert shaper.feed(log_of(Text("a", 0), end).after(0)) == [(Cursor(1), Text("a", 0))]


def test_without_a_wish_only_a_cursor_within_an_event_is_left() -> None:
    log = log_of(Text("abc", 0), Text("d", 0), ToolInput("{", 1))
    assert shaped(log, PLAIN, Cursor(0, 1)) == [
        (Cursor(1), Text("bc", 0)),
        (Cursor(2), Text("d", 0)),
        (Cursor(3), ToolInput("{", 1)),
    ]


EVENTS = st.lists(
    st.builds(Text, st.text(st.sampled_from('ab. !\n。？"3'), min_size=1, max_size=12), st.integers(0, 1))
    | st.builds(Thinking, st.text(max_size=3), st.just(2))
    | st.builds(BlockStop, st.integers(0, 1), st.just(0))
    | st.builds(Usage, st.just({})),
    max_size=12,
)
VIEWS = st.builds(
    View,
    st.none() | st.just(frozenset({"text"})) | st.just(frozenset({"text", "usage"})),
    st.booleans(),
    st.none() | st.just(50),
)
PACES = st.lists(st.integers(1, 5), max_size=8).map(tuple)


def texts(events: list[Event]) -> dict[int, str]:
    out: dict[int, str] = {}
    for event in events:
        if isinstance(event, Text):
            out[event.index] = out.get(event.index, "") + event.piece
    return out


@given(EVENTS, VIEWS, PACES)
def test_the_text_of_a_block_is_the_same_in_any_view(
    events: list[Event], view: View, paces: tuple[int, ...]
) -> None:
    pieces = shaped(log_of(*events), view, START, paces)
    assert texts([event for _, event in pieces]) == texts(events)
    assert [cursor for cursor, _ in pieces] == sorted({cursor for cursor, _ in pieces})


@given(EVENTS, VIEWS, VIEWS, PACES)
def test_a_reader_that_is_cut_after_any_piece_goes_on_with_the_next_character(
    events: list[Event], view: View, later: View, paces: tuple[int, ...]
) -> None:
    log = log_of(*events)
    pieces = shaped(log, view, START, paces)
    for at, (cursor, _) in enumerate(pieces):
        log.check(cursor)
        seen = [event for _, event in pieces[: at + 1]]
        rest = [event for _, event in shaped(log, later, Cursor.parse(str(cursor)))]
        assert texts(seen + rest) == texts(events)
