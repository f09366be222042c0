"""Events in, messages out: what a reader of the stream can send back as the conversation."""

import json
from typing import Any

import pytest

from app.protocol.events import (
    Block,
    BlockStart,
    BlockStop,
    Citation,
    Done,
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
from tests.protocol.frames import fold_of

CALL = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}}
SERVER_CALL = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
SERVER_RESULT = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
FALLBACK: dict[str, Any] = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "sig"}


def text(index: int, *pieces: str, turn: int = 0, stop: bool = True) -> list[Event]:
    events: list[Event] = [BlockStart(index, "text", 0, turn=turn), *[Text(piece, index) for piece in pieces]]
    return [*events, BlockStop(index, 0)] if stop else events


def thinking(index: int, turn: int = 0, signature: str | None = "sig", *, stop: bool = True) -> list[Event]:
    events: list[Event] = [BlockStart(index, "thinking", 0, turn=turn), Thinking("hm", index)]
    events += [Signature(index, signature)] if signature is not None else []
    return [*events, BlockStop(index, 0)] if stop else events


def call(index: int, block: dict[str, Any], turn: int = 0, *, stop: bool = True) -> list[Event]:
    start = BlockStart(index, block["type"], 0, block["id"], block["name"], turn)
    whole = ToolUse(index, block) if block["type"] == "tool_use" else Block(index, block)
    return [start, ToolInput("{", index), *([whole, BlockStop(index, 0)] if stop else [])]


def other(index: int, block: dict[str, Any], *, stop: bool = True) -> list[Event]:
    start = BlockStart(index, block["type"], 0)
    return [start, Block(index, block), BlockStop(index, 0)] if stop else [start]


def said(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


CONTENT: dict[str, tuple[list[Event], list[dict[str, Any]], list[dict[str, Any]]]] = {
    "nothing": ([], [], []),
    "text": (text(0, "a", "b"), [said("ab")], [said("ab")]),
    "text that is not finished": (text(0, "a", stop=False), [said("a")], [said("a")]),
    "text of nothing cannot be sent back": (text(0), [said("")], []),
    "text of white space cannot be sent back": (text(0, "\n", "\n"), [said("\n\n")], []),
    "a character cut in two": (text(0, "a\ud83c", "\udf0db"), [said("a🌍b")], [said("a🌍b")]),
    "text with citations": (
        [
            BlockStart(0, "text", 0, extra={"citations": []}),
            Citation(0, {"n": 1}),
            Text("a", 0),
            Citation(0, {"n": 2}),
            BlockStop(0, 0),
        ],
        [said("a") | {"citations": [{"n": 1}, {"n": 2}]}],
        [said("a") | {"citations": [{"n": 1}, {"n": 2}]}],
    ),
    "text with citations that are null at the start": (
        [BlockStart(0, "text", 0, extra={"citations": None}), Citation(0, {"n": 1}), Text("a", 0)],
        [said("a") | {"citations": [{"n": 1}]}],
        [said("a") | {"citations": [{"n": 1}]}],
    ),
    "thinking": (thinking(0), [SIGNED], [SIGNED]),
    "the last signature counts": (
        [*thinking(0, stop=False), Signature(0, "new"), BlockStop(0, 0)],
        [SIGNED | {"signature": "new"}],
        [SIGNED | {"signature": "new"}],
    ),
    "thinking without its signature cannot be sent back": (
        thinking(0, signature=None),
        [{"type": "thinking", "thinking": "hm"}],
        [],
    ),
    "thinking that is not finished cannot be sent back": (thinking(0, stop=False), [SIGNED], []),
    "a call": (call(0, CALL), [CALL], [CALL]),
    "a call that was cut off cannot be sent back": (
        call(0, CALL | {"input": None}),
        [CALL | {"input": None}],
        [],
    ),
    "a call that is not finished": (call(0, CALL, stop=False), [CALL | {"input": None}], []),
    "a call that Claude runs": (call(0, SERVER_CALL), [SERVER_CALL], [SERVER_CALL]),
    "a call that Claude runs, cut off": (
        call(0, SERVER_CALL | {"input": None}),
        [SERVER_CALL | {"input": None}],
        [],
    ),
    "a block of any other kind": (other(0, SERVER_RESULT), [SERVER_RESULT], [SERVER_RESULT]),
    "a block of any other kind, not finished": (
        other(0, SERVER_RESULT, stop=False),
        [{"type": "web_search_tool_result"}],
        [],
    ),
    "blocks stand in the order of their indices": (
        [*text(1, "b", stop=False), *text(0, "a"), Text("c", 1)],
        [said("a"), said("bc")],
        [said("a"), said("bc")],
    ),
    "what is not content changes nothing": (
        [
            *[Start("g", "m", None), Usage({}), *text(0, "a"), Unknown("x", {})],
            Done("end_turn", None, {}, {}, None, {}, ""),
        ],
        [said("a")],
        [said("a")],
    ),
    # Breaks
    "what retry discards is gone": (
        [*thinking(0), *call(1, CALL, stop=False), Retry("reset", 2, 0, [0, 1, 9]), *text(2, "a")],
        [said("a")],
        [said("a")],
    ),
    "text goes on after a seam": (
        [
            *text(0, "a", stop=False),
            Retry("reset", 2, 0, []),
            Seam(0, 1, 0, 2, "ask"),
            Text("b", 0),
            BlockStop(0, 0),
        ],
        [said("ab")],
        [said("ab")],
    ),
    "a continuation's own thinking is not part of it": (
        [
            *[*thinking(0), *text(1, "a", stop=False), Retry("reset", 2, 0, [])],
            *[
                *thinking(2),
                *other(3, {"type": "redacted_thinking", "data": "x"}),
                *other(4, {"type": "hologram"}),
            ],
            *[Seam(1, 1, 0, 2, "ask"), Text("b", 1), BlockStop(1, 0), *thinking(5)],
        ],
        [SIGNED, said("ab"), {"type": "hologram"}],
        [SIGNED, said("ab"), {"type": "hologram"}],
    ),
    "what a model thought and called before another took over cannot be sent back": (
        [
            *[*text(0, "a"), *other(1, FALLBACK), *thinking(2)],
            *[*other(3, {"type": "redacted_thinking", "data": "x"}), *call(4, CALL), *text(5, "b")],
            *[*other(6, FALLBACK), *thinking(7), *call(8, CALL | {"id": "t2"})],
        ],
        [
            *[said("a"), FALLBACK, SIGNED, {"type": "redacted_thinking", "data": "x"}, CALL, said("b")],
            *[FALLBACK, SIGNED, CALL | {"id": "t2"}],
        ],
        [said("a"), FALLBACK, said("b"), FALLBACK, SIGNED, CALL | {"id": "t2"}],
    ),
    "nor is that of one that goes on behind what Claude has found": (
        [
            *[*thinking(0), *call(1, SERVER_CALL), *other(2, SERVER_RESULT), *thinking(3, stop=False)],
            *[Retry("reset", 2, 0, [3]), *thinking(4), *text(5, "a")],
        ],
        [SIGNED, SERVER_CALL, SERVER_RESULT, said("a")],
        [SIGNED, SERVER_CALL, SERVER_RESULT, said("a")],
    ),
    "a fresh start's thinking is": (
        [*thinking(0, stop=False), Retry("reset", 2, 0, [0]), *thinking(1), *text(2, "a", stop=False)],
        [SIGNED, said("a")],
        [SIGNED, said("a")],
    ),
    "a seam after a fresh start takes only what came after the last retry": (
        [
            *[Retry("reset", 2, 0, []), *thinking(0), *text(1, "a", stop=False), Retry("reset", 3, 0, [])],
            *[*thinking(2), Seam(1, 1, 0, 3, "ask"), Text("b", 1), Seam(1, 2, 0, 3, "ask")],
        ],
        [SIGNED, said("ab")],
        [SIGNED, said("ab")],
    ),
    "a call that Claude runs is a fresh start too, and what it found is kept": (
        [
            *[
                *text(0, "a", stop=False),
                Retry("reset", 2, 0, []),
                *call(1, SERVER_CALL),
                *other(2, SERVER_RESULT),
            ],
            *text(3, "b"),
        ],
        [said("a"), SERVER_CALL, SERVER_RESULT, said("b")],
        [said("a"), SERVER_CALL, SERVER_RESULT, said("b")],
    ),
}


@pytest.mark.parametrize("name", CONTENT)
def test_events_become_content(name: str) -> None:
    events, content, returnable = CONTENT[name]
    fold = fold_of(events)
    assert fold.content(0) == content
    assert fold.returnable(0) == returnable
    assert fold.turns() == ([{"role": "assistant", "content": returnable}] if returnable else [])
    json.dumps(fold.turns())


def test_a_text_that_goes_on_is_not_finished() -> None:
    events = [*text(0, "a"), Retry("reset", 2, 0, []), Seam(0, 1, 0, 2, "ask"), Text("b", 0)]
    assert not fold_of(events).parts[0].complete
    assert fold_of([*events, BlockStop(0, 1)]).parts[0].complete


def test_the_thinking_of_the_turn_after_a_continued_one_can_be_sent_back() -> None:
    broken = [*text(0, "a", stop=False), Retry("reset", 2, 0, []), Seam(0, 1, 0, 2, "ask"), Text("b", 0)]
    own = [BlockStop(0, 1), *thinking(1), *call(2, CALL)]
    events = [*broken, *own, ToolResult("t1", "x", is_error=False), *thinking(3, turn=1)]
    assert fold_of(events).content(0) == [said("ab"), CALL]
    assert fold_of(events).content(1) == [SIGNED]


def test_a_continuations_thinking_that_broke_too_is_still_there_to_be_discarded() -> None:
    broken = [*text(0, "a", stop=False), Retry("reset", 2, 0, []), Seam(0, 1, 0, 2, "ask"), *text(1, "b")]
    fold = fold_of([*broken, *thinking(2, stop=False)])
    assert list(fold.parts) == [0, 1, 2]
    fold.feed(Retry("reset", 3, 0, [2]))
    assert fold.content(0) == [said("a"), said("b")]


def test_results_stand_between_turns_in_the_order_of_the_calls() -> None:
    events = [
        *[*text(0, "a"), *call(1, CALL), *call(2, CALL | {"id": "t2"}), *call(3, CALL | {"id": "t3"})],
        ToolResult("t2", "second", is_error=True),
        ToolResult("t1", [said("first")], is_error=False),
        *text(4, "b", turn=1),
    ]
    fold = fold_of(events)
    assert fold.turns() == [
        {"role": "assistant", "content": [said("a"), CALL, CALL | {"id": "t2"}, CALL | {"id": "t3"}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [said("first")]},
                {"type": "tool_result", "tool_use_id": "t2", "content": "second", "is_error": True},
            ],
        },
        {"role": "assistant", "content": [said("b")]},
    ]
    assert fold.content(1) == [said("b")]


def test_what_was_cut_off_has_no_calls_that_nobody_will_answer() -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    events = [
        *call(0, search),
        *other(1, found),
        *call(2, CALL),
        *call(3, CALL | {"id": "t2"}),
        *thinking(4),
        *call(5, search | {"id": "s2"}),
        ToolResult("t1", "first", is_error=False),
    ]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "first"}
    assert fold_of(events).turns(cut_off=True) == [
        {"role": "assistant", "content": [search, found, CALL]},
        {"role": "user", "content": [result]},
    ]
    assert len(fold_of(events).turns()[0]["content"]) == 6
    assert fold_of([*thinking(0), *call(1, CALL)]).turns(cut_off=True) == []


def test_folding_leaves_the_events_as_they_were() -> None:
    extra = {"citations": [{"n": 0}]}
    events: list[Event] = [BlockStart(0, "text", 0, extra=extra), Citation(0, {"n": 1}), Text("a", 0)]
    fold_of(events)
    assert extra == {"citations": [{"n": 0}]}
    assert fold_of(events).content(0) == fold_of(events).content(0)
