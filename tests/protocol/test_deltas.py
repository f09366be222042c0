"""Pieces of one thing join into one event that says what they said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.deltas import join, joins, utf16_length
from app.protocol.encoding import parse, render
from app.protocol.events import BlockStop, Event, Signature, Text, Thinking, ToolInput, Usage
from app.protocol.jsontext import whole
from tests.protocol.test_events import WIRE


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (Text("a", 0), Text("b", 0), Text("ab", 0)),
        (Thinking("a", 0), Thinking("b", 0), Thinking("ab", 0)),
        (Thinking("", 0, 50), Thinking("", 0, 50), Thinking("", 0, 100)),
        (Thinking("", 0, 50), Thinking("a", 0), Thinking("a", 0, 50)),
        (ToolInput("{", 0), ToolInput("}", 0), ToolInput("{}", 0)),
        (Text("\ud83c", 0), Text("\udf0d", 0), Text("\ud83c\udf0d", 0)),
        (Text("a", 0), Text("b", 1), None),
        (Text("a", 0), Thinking("b", 0), None),
        (BlockStop(0, 1), BlockStop(0, 1), None),
        (Signature(0, "a"), Signature(0, "b"), None),
        (Usage({}), Usage({}), None),
    ],
)
def test_only_pieces_of_one_thing_join(first: Event, second: Event, together: Event | None) -> None:
    assert joins(first, second) == (together is not None)
    if together is not None:
        assert join([first, second]) == together


def test_an_event_alone_is_joined_to_itself() -> None:
    assert all(join([event]) == event for event, _ in WIRE)


def test_a_character_that_was_cut_between_two_events_is_whole_on_the_wire_once_they_are_joined() -> None:
    assert parse(render(join([Text("a\ud83c", 0), Text("\udf0db", 0)]))) == Text("a🌍b", 0)


@pytest.mark.parametrize(
    ("text", "units"), [("", 0), ("aé漢", 3), ("🌍", 2), ("\ud83c", 1), ("\ud83c\udf0d", 2)]
)
def test_length_is_counted_in_code_units(text: str, units: int) -> None:
    assert utf16_length(text) == units


@given(st.text(st.characters(exclude_categories=[])))
def test_length_is_counted_as_javascript_counts_it(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert utf16_length(whole(text)) == utf16_length(text)
