"""Streams of Claude's in which deltas, and all that may come between them, are mixed."""

from hypothesis import strategies as st

from app.protocol.sse import Frame
from tests.protocol.frames import (
    block_start,
    block_stop,
    call_start,
    delta,
    frame,
    message_start,
    padded,
    partial_json,
    text,
    text_start,
)

TEXTS = st.text(st.sampled_from('a"\\\n}{,🌍漢\ud83d\udf0d\u2028'), max_size=6) | st.just('"}}\n\nevent: ')

OTHERS = st.sampled_from(
    [
        frame("ping"),
        text_start(0),
        text_start(1),
        block_start(2, "thinking", thinking="", signature=""),
        call_start(3),
        *map(block_stop, range(4)),
        Frame(
            b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}}', "x"
        ),
        Frame(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"}}', "x"),
        delta(0, "text_delta", text="c", more={"d": "e"}),
        frame("novelty", inner={"deep": {"text": "f"}}),
    ]
)

RUNS = st.builds(
    lambda texts, write, index, pads: [padded(write(each, index), pads) for each in texts],
    st.lists(TEXTS, max_size=5),
    st.sampled_from(
        [text, partial_json, lambda piece, index: delta(index, "thinking_delta", thinking=piece)]
    ),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from([0, 0, 1, 9]),
)

STREAMS = st.lists(RUNS | OTHERS.map(lambda one: [one]), max_size=12).map(
    lambda some: [message_start(), text_start(0), *(each for run in some for each in run)]
)
