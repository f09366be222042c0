"""A large block goes on as Claude wrote it, and means the same however it is written."""

import json
from typing import Any

import pytest

from app.protocol.encoding import parse, read_block, render
from app.protocol.errors import Garbled
from app.protocol.events import Block, BlockStart, Event
from app.protocol.frames import LARGE_BYTES
from app.protocol.jsontext import MAX_DEPTH
from app.protocol.log import Log
from app.protocol.sse import Decoder, Frame
from tests.protocol.frames import (
    as_stream,
    block_stop,
    call_start,
    delta,
    events_of,
    message_start,
    partial_json,
    text_start,
    translator,
)

LONG = "x" * LARGE_BYTES


def start(block: str, index: str = "0") -> Frame:
    data = f'{{"type":"content_block_start","index":{index},"content_block":{block}}}'
    return Frame(data.encode("utf-8", "surrogatepass"), "content_block_start")


def relayed(*frames: Frame) -> tuple[list[Event], list[Any]]:
    """Return the events of *frames* but for the clock, and the JSON that a reader gets of them."""
    events = events_of(message_start(), *frames)
    log = Log(10**9)
    log.append(*events)
    assert log.after(0) == events
    data = [each.data for at in range(len(log)) for each in Decoder().feed(log.slice(at)[0])[:1]]
    return events, data


def written(*frames: Frame) -> bytes:
    """Return the JSON of the one block that readers get."""
    events, data = relayed(*frames)
    [block] = [each for event, each in zip(events, data, strict=True) if isinstance(event, Block)]
    return bytes(block)


def test_what_is_large_is_sent_as_it_came_with_each_digit_and_escape_and_is_what_it_was() -> None:
    block = f'{{"type":"result","a":[1.50,1e2,123456789012345678901],"b":"\\u00e9\\ud83d{LONG}"}}'
    assert written(start(block), block_stop(0)) == f'{{"type":"block","index":0,"block":{block}}}'.encode()


@pytest.mark.parametrize(
    ("frames", "goes_on_as"),
    [
        pytest.param([start('{"type":"result","a":1.50}')], {"a": 1.5}, id="it is small"),
        pytest.param(
            [start(f'{{"type":"result","a":"{LONG}"}}'), delta(0, "text_delta", text="b")],
            {"a": LONG, "text": "b"},
            id="a delta adds to it",
        ),
        pytest.param(
            [start(f'{{"type":"result","a":"{LONG}"}},"index":0,"content_block":{{"type":"other","b":1}}')],
            {"b": 1},
            id="the field is there twice",
        ),
        pytest.param(
            [start(f'{{"type":"result","a":"{LONG}"}},"new":{{}}')],
            {"a": LONG},
            id="a field stands behind it",
        ),
        pytest.param(
            [start(f'{{"type":"result",\n"a":"{LONG}"}}')], {"a": LONG}, id="it is on several lines"
        ),
        pytest.param(
            [start(f'{{"type":"result","a":"{LONG}"}}', index=" 0")],
            {"a": LONG},
            id="there is a blank before",
        ),
    ],
)
def test_it_is_written_anew_where(frames: list[Frame], goes_on_as: dict[str, Any]) -> None:
    got = json.loads(written(*frames, block_stop(0)))
    kind = got["block"].pop("type")
    assert kind in ("result", "other")
    assert got == {"type": "block", "index": 0, "block": goes_on_as}


def test_what_has_an_input_is_written_anew_with_what_came_in_pieces() -> None:
    call = start(f'{{"type":"server_tool_use","id":"a","name":"b","input":{{}},"c":"{LONG}"}}')
    events: list[Event] = []
    translator().read(as_stream([message_start(), call, partial_json('{"d":1}'), block_stop(0)]), events)
    assert json.loads(render(events[-2]))["block"]["input"] == {"d": 1}


def test_a_large_text_and_a_large_call_are_what_they_always_are() -> None:
    text = start(f'{{"type":"text","text":"{LONG}"}}')
    assert events_of(message_start(), text) == [
        BlockStart(0, "text", 7),
        *events_of(message_start(), text_start(), delta(0, "text_delta", text=LONG))[1:],
    ]
    call = call_start(0, extra=LONG)
    assert events_of(message_start(), Frame(call.data.replace(b": ", b":")), block_stop(0)) == events_of(
        message_start(), Frame(json.dumps(json.loads(call.data)).encode()), block_stop(0)
    )


@pytest.mark.parametrize(
    "block",
    [
        f'{{"type":"result","a":"{LONG}}}',
        f'{{"type":"result","a":"{LONG}\\x"}}',
        f'["{LONG}"]',
        f'"{LONG}"',
        f'{{"type":"result","a":{"[" * (MAX_DEPTH + 1)}"{LONG}"{"]" * (MAX_DEPTH + 1)}}}',
    ],
)
def test_what_is_no_block_is_refused_as_if_it_were_small(block: str) -> None:
    with pytest.raises(Garbled):
        events_of(message_start(), start(block))


def test_it_may_be_as_deep_as_any() -> None:
    deep = f'{{"type":"result","a":{"[" * (MAX_DEPTH - 1)}"{LONG}"{"]" * (MAX_DEPTH - 1)}}}'
    assert written(start(deep), block_stop(0)).count(b"[") == MAX_DEPTH - 1


def test_a_frame_that_is_no_block_is_not_read_as_one() -> None:
    with pytest.raises(ValueError, match="not a block"):
        read_block(b'id: 1-1\ndata: {"type":"text","text":"a","index":0}\n\n')


def test_it_can_be_read_again() -> None:
    block = Block(3, {"type": "result", "a": "b"}, b'{"type":"result",  "a":"\\u0062"}')
    assert render(block) == b'{"type":"block","index":3,"block":{"type":"result",  "a":"\\u0062"}}'
    assert parse(render(block)) == block
