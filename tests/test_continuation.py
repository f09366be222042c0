"""What a continuation repeats at the joint is left out, and nothing else; what goes on, and how it is asked for."""

from typing import Any

import pytest

from app.continuation import WINDOW, Joint, Mode, plan
from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Event,
    Signature,
    Text,
    Thinking,
    ToolInput,
    ToolUse,
)
from app.protocol.fold import Fold

SAID = "Rivers begin small. A spring, a marsh"
BODY: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Rivers?"}],
}
PREFILL = {**BODY, "model": "claude-haiku-4-5"}


def joined(said: str, pieces: list[str], mode: Mode = "ask") -> str:
    """Return the whole text, the continuation fed in *pieces*."""
    joint = Joint(said, mode)
    for number, piece in enumerate(pieces):
        if joint.feed(piece):
            return said + joint.split()[1] + "".join(pieces[number + 1 :])
    return said + joint.split()[1]


@pytest.mark.parametrize(
    ("said", "goes_on", "whole"),
    [
        (SAID, ", melting snow", SAID + ", melting snow"),
        (SAID, "A spring, a marsh, melting snow", SAID + ", melting snow"),
        (SAID, SAID + ", melting snow", SAID + ", melting snow"),
        (SAID, "A spring,\n a  marsh, melting snow", SAID + ", melting snow"),
        (SAID, "marsh", SAID + "marsh"),
        ("one\n", "\ntwo", "one\n\ntwo"),
        ("w98 w99 ", "w100 w101 ", "w98 w99 w100 w101 "),
        ("ends here", "", "ends here"),
        ("", "begins here", "begins here"),
        ("\n \n", "\n \nbegins", "\n \nbegins"),  # white space alone is nothing that Claude is told
        ("\n", "begins", "\nbegins"),
        ("👩‍👩‍👧‍👦 and 🌍 and ", "👧‍👦 and 🌍 and 漢字", "👩‍👩‍👧‍👦 and 🌍 and 漢字"),
    ],
)
def test_what_repeats_is_left_out_wherever_the_continuation_is_cut(
    said: str, goes_on: str, whole: str
) -> None:
    assert joined(said, [goes_on]) == whole
    assert joined(said, list(goes_on)) == whole
    for at in range(len(goes_on)):
        assert joined(said, [goes_on[:at], goes_on[at:]]) == whole


@pytest.mark.parametrize(
    ("said", "goes_on", "whole"),
    [
        ("one ", "two", "one two"),
        ("one ", " two", "one two"),
        ("one\n", "\n\ntwo", "one\n\ntwo"),
        ("one\n\n", "\n\ntwo", "one\n\ntwo"),
        ("one", " two", "one two"),
    ],
)
def test_white_space_that_a_prefill_hid_is_not_said_twice(said: str, goes_on: str, whole: str) -> None:
    assert joined(said, [goes_on], "prefill") == whole


LONG = "".join(f"{number} " for number in range(2 * WINDOW))
"""In which nothing repeats."""


@pytest.mark.parametrize("length", [WINDOW - 1, WINDOW, WINDOW + 1])
def test_a_repetition_is_found_as_far_back_as_the_window_wherever_the_continuation_is_cut(
    length: int,
) -> None:
    again = LONG[-length:] + "and on"
    whole = LONG + ("and on" if length <= WINDOW else again)
    for pieces in ([again], list(again), [again[:9], again[9:]]):
        assert joined(LONG, pieces) == whole


def test_a_piece_of_megabytes_costs_no_more_than_the_window() -> None:
    """A gateway that compares all of it stands still for minutes."""
    piece = "x" * 4_000_000
    assert joined(piece + "y", [piece]) == piece + "y" + piece


def folded(*events: Event) -> Fold:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold


def text(index: int, said: str, *, complete: bool = False) -> list[Event]:
    return [BlockStart(index, "text", 0), Text(said, index), *([BlockStop(index, 1)] if complete else [])]


def thinking(index: int, *, complete: bool = True) -> list[Event]:
    end: list[Event] = [Signature(index, "s"), BlockStop(index, 1)] if complete else []
    return [BlockStart(index, "thinking", 0), Thinking("hm", index), *end]


def test_nothing_said_is_asked_for_again_as_it_was() -> None:
    again = plan(BODY, folded(*thinking(0, complete=False)), 0)
    assert again is not None
    assert (again.body, again.discard, again.goes_on) == (BODY, [0], None)


def test_whole_thinking_without_text_is_void_too_since_new_thinking_comes() -> None:
    again = plan(BODY, folded(*thinking(0)), 0)
    assert again is not None
    assert (again.body, again.discard) == (BODY, [0])


def test_a_partial_text_goes_on_by_asking_and_the_prompt_is_cached() -> None:
    on = plan(BODY, folded(*thinking(0), *text(1, "Rivers begin ")), 0)
    assert on is not None
    assert (on.goes_on, on.said, on.mode, on.discard) == (1, "Rivers begin ", "ask", [])
    first, said, asked = on.body["messages"]
    assert first["content"] == [{"type": "text", "text": "Rivers?", "cache_control": {"type": "ephemeral"}}]
    assert [block["type"] for block in said["content"]] == ["thinking", "text"]
    assert said["content"][1]["text"] == "Rivers begin "
    assert "Rivers begin " in asked["content"]
    assert BODY["messages"] == [{"role": "user", "content": "Rivers?"}]


def test_a_prefill_does_not_end_in_white_space() -> None:
    on = plan(PREFILL, folded(*text(0, "Rivers begin \n")), 0)
    assert on is not None
    assert on.mode == "prefill"
    assert on.body["messages"][-1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Rivers begin"}],
    }


def test_with_thinking_on_a_prefill_is_not_taken() -> None:
    body = {**PREFILL, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    on = plan(body, folded(*text(0, "Rivers")), 0)
    assert on is not None
    assert on.mode == "ask"


def test_white_space_alone_is_no_partial_answer_for_claude_but_stays_for_the_reader() -> None:
    on = plan(BODY, folded(*text(0, "\n")), 0)
    assert on is not None
    assert (on.body, on.discard, on.goes_on) == (BODY, [], 0)


def test_no_more_cache_marks_than_claude_takes() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    body = {**BODY, "system": [marked] * 2, "messages": [{"role": "user", "content": [marked, marked]}]}
    on = plan(body, folded(*text(0, "Rivers")), 0)
    assert on is not None
    assert on.body["messages"][0] == body["messages"][0]


def test_half_a_json_is_not_gone_on_with() -> None:
    body = {**BODY, "output_config": {"format": {"type": "json_schema", "schema": {}}}}
    assert plan(body, folded(*text(0, '{"a":')), 0) is None
    assert plan(body, folded(*thinking(0)), 0) is not None


def call(index: int, *, complete: bool) -> list[Event]:
    use = ToolUse(index, {"type": "tool_use", "id": "t", "name": "find", "input": {}})
    start: list[Event] = [BlockStart(index, "tool_use", 0, "t", "find"), ToolInput("{", index)]
    return [*start, use, BlockStop(index, 1)] if complete else start


def test_a_partial_call_is_void_and_a_whole_one_of_the_clients_ends_it() -> None:
    partial = plan(BODY, folded(*text(0, "Look: ", complete=True), *call(1, complete=False)), 0)
    assert partial is not None
    assert (partial.discard, partial.goes_on) == ([1], 0)
    assert plan(BODY, folded(*text(0, "Look: "), *call(1, complete=True)), 0) is None


def test_a_whole_call_that_runs_here_ends_the_turn() -> None:
    done = plan(BODY, folded(*call(0, complete=True), *thinking(1, complete=False)), 0, {"t"})
    assert done is not None
    assert (done.ended, done.discard) == (True, [1])


def test_a_call_that_claude_runs_is_void_without_its_result_and_stays_with_it() -> None:
    use: tuple[Event, Event] = (BlockStart(0, "server_tool_use", 0, "s", "web_search"), BlockStop(0, 1))
    search = Block(0, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
    found = Block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []})
    without = plan(BODY, folded(use[0], search, use[1]), 0)
    with_it = plan(
        BODY,
        folded(use[0], search, use[1], BlockStart(1, "web_search_tool_result", 1), found, BlockStop(1, 2)),
        0,
    )
    assert without is not None
    assert with_it is not None
    assert (without.discard, without.body) == ([0], BODY)
    assert (with_it.discard, with_it.goes_on) == ([], None)
    assert [block["type"] for block in with_it.body["messages"][1]["content"]] == [
        "server_tool_use",
        "web_search_tool_result",
    ]
