"""Frames that say no, and frames that nobody should have sent: each is a Problem, or goes on as it came."""

import json
from typing import Any

import pytest

from app.protocol.encoding import parse, render
from app.protocol.errors import Garbled, Misconfigured, Problem, Refused
from app.protocol.events import Event
from app.protocol.sse import Frame
from tests.protocol.expected import CITATION
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
    translator,
)

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
        message_start(id=["m"]),
        message_start(model=["m"]),
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
        block_start(0, "text", text="", citations=True),
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
        message_delta(["end_turn"]),  # type: ignore[arg-type]
    ],
)
def test_a_frame_without_the_fields_it_must_have_is_refused_by_its_name(given: Frame) -> None:
    with pytest.raises(Garbled, match=f"a {given.event} frame without the fields"):
        events_of(given)


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
    block_start(0, "text", text="", citations=[]),
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
