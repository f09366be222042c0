"""Nothing of Claude's stream is lost: what is rebuilt from our events is what Claude sent, byte for byte."""

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.protocol.claude import Translator
from app.protocol.encoding import parse
from app.protocol.events import Event, Text, Unknown
from app.protocol.jsontext import whole
from app.protocol.log import Log
from app.protocol.sse import Decoder, Frame
from app.protocol.usage import Ledger, TextDigest
from tests.protocol.cutting import PLACES, cut, cut_text
from tests.protocol.frames import (
    STOP,
    Accumulated,
    as_stream,
    block_start,
    block_stop,
    delta,
    fold_of,
    frame,
    message_delta,
    message_start,
    sdk_content,
    translator,
)

PLAIN = st.text(max_size=10)
TORN = st.text(st.characters(exclude_categories=[]) | st.sampled_from("🌍漢"), max_size=10)
"""May be cut inside characters, or be half of one."""

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(PLAIN, VALUES, max_size=3)
FURTHER = st.dictionaries(st.sampled_from(["citations", "caller", "future"]), st.none() | PLAIN, max_size=2)
CITATIONS = st.lists(st.just({"type": "char_location", "cited_text": "x", "document_index": 0}), max_size=2)

Script = list[Frame]
"""The frames of one block, whose index is filled in later."""


def pieces(kind: str, name: str, text: str, places: list[int]) -> Script:
    return [delta(-1, kind, **{name: piece}) for piece in cut_text(text, places)]


def text_block(
    text: str, places: list[int], more: dict[str, Any], citations: list[Any], first: str
) -> Script:
    more = {"citations": None} if "citations" in more else {}
    cited = [delta(-1, "citations_delta", citation=citation) for citation in citations]
    said = pieces("text_delta", "text", text, places)
    return [block_start(-1, "text", text=first, **more), *said[:1], *cited, *said[1:]]


def thinking_block(text: str, places: list[int], signature: str) -> Script:
    said = pieces("thinking_delta", "thinking", text, places)
    signed = delta(-1, "signature_delta", signature=signature)
    return [block_start(-1, "thinking", thinking="", signature=""), *said, signed]


def call_block(kind: str, input_: Any, places: list[int], *, escaped: bool) -> Script:
    raw = json.dumps(input_, ensure_ascii=escaped) if input_ else ""
    start = block_start(-1, kind, id=f"id_{len(raw)}", name="n", input={})
    return [
        start,
        delta(-1, "input_json_delta", partial_json=""),
        *pieces("input_json_delta", "partial_json", raw, places),
    ]


def whole_block(kind: str, fields: dict[str, Any]) -> Script:
    return [
        block_start(
            -1,
            kind,
            **{
                name: value
                for name, value in fields.items()
                if name not in ("type", "kind", "index", "input")
            },
        )
    ]


def compaction_block(content: str) -> Script:
    start = block_start(-1, "compaction", content=None, encrypted_content=None)
    return [start, delta(-1, "compaction_delta", content=content, encrypted_content="x")]


SDK_KNOWS = st.one_of(
    st.builds(text_block, PLAIN, st.just([]), FURTHER, CITATIONS, PLAIN),
    st.builds(thinking_block, PLAIN, PLACES, st.text(min_size=1, max_size=5)),
    st.builds(
        call_block,
        st.sampled_from(["tool_use", "server_tool_use", "mcp_tool_use"]),
        FIELDS,
        PLACES,
        escaped=st.just(True),
    ),
    st.builds(whole_block, st.just("redacted_thinking"), st.builds(lambda data: {"data": data}, PLAIN)),
    st.builds(compaction_block, PLAIN),
)
ANYTHING = st.one_of(
    SDK_KNOWS,
    st.builds(call_block, st.just("tool_use"), FIELDS, PLACES, escaped=st.just(False)),
    st.builds(text_block, TORN, PLACES, FURTHER, CITATIONS, TORN),
    st.builds(thinking_block, TORN, PLACES, st.text(min_size=1, max_size=5)),
    st.builds(whole_block, st.sampled_from(["web_search_tool_result", "hologram", "fallback"]), FIELDS),
)
USAGE = st.dictionaries(
    st.sampled_from(["input_tokens", "output_tokens", "cache_read_input_tokens", "future_tokens"]),
    st.none() | st.integers(0, 10**6),
)


def placed(each: Frame, index: int) -> Frame:
    return Frame(json.dumps(json.loads(each.data) | {"index": index}).encode(), each.event)


@st.composite
def messages(draw: st.DrawFn, blocks: st.SearchStrategy[Script]) -> list[Frame]:
    """Return a whole message whose blocks start in order and otherwise come as they like, pings between."""
    scripts = [[*script, block_stop(-1)] for script in draw(st.lists(blocks, max_size=5))]
    queues = [[placed(each, index) for each in script] for index, script in enumerate(scripts)]
    shuffled = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - no secret
    interleaving = draw(st.booleans())
    out = [message_start(usage=draw(USAGE))]
    begun = 0
    while any(queues):
        ready = [queue for queue in queues[:begun] if queue]
        if begun < len(queues) and (not ready or (interleaving and shuffled.random() < 0.3)):
            ready = [queues[begun]]
            begun += 1
        out.append((shuffled.choice(ready) if interleaving else ready[0]).pop(0))
        if shuffled.random() < 0.1:
            out.append(frame("ping"))
    ends = [message_delta("end_turn", draw(USAGE))]
    if draw(st.booleans()):
        ends.append(message_delta(None, draw(USAGE)))
    return [*out, *ends, STOP]


def healed(value: Any) -> Any:
    """Return *value* with the characters whole that a stream cut in two."""
    match value:
        case str():
            return whole(value)
        case list():
            return [healed(item) for item in value]
        case dict():
            return {whole(name): healed(item) for name, item in value.items()}
        case _:
            return value


@given(messages(ANYTHING), PLACES)
def test_any_message_cut_anywhere_is_rebuilt_as_claude_sent_it(
    message: list[Frame], places: list[int]
) -> None:
    decoder, ledger = Decoder(), Ledger()
    one = Translator(ledger, lambda: 7)
    pieces = cut(as_stream(message), places)
    events: list[Event] = []
    for piece in pieces:
        one.read(decoder.whole(piece), events)
    expected = Accumulated(message)
    fold = fold_of(events)
    assert fold.content(0) == healed(expected.blocks)
    assert one.stop_reason == expected.stop_reason
    assert one.ended
    assert one.open_indices == []
    assert {name: value for name, value in ledger.total().items() if value is not None} == {
        name: value for name, value in expected.usage.items() if value is not None
    }
    assert not [event for event in events if isinstance(event, Unknown)]


@given(messages(ANYTHING), st.integers(0, 10**6))
def test_a_reader_rebuilds_the_same_from_the_bytes_it_gets_wherever_it_was_cut_off(
    message: list[Frame], place: int
) -> None:
    one = translator()
    log = Log(10**9)
    digest = TextDigest()
    for each in message:
        for event in one.feed(each):
            log.append(event)
            if isinstance(event, Text):
                digest.update(event.piece)
    cursor = place % (len(log) + 1)
    before, (data, _, _) = log.after(0)[:cursor], log.slice(cursor)
    got = before + [parse(each.data) for each in Decoder().feed(data)]
    assert fold_of(got).content(0) == healed(Accumulated(message).blocks)
    again = TextDigest()
    for event in got:
        if isinstance(event, Text):
            again.update(event.piece)
    assert again.hexdigest() == digest.hexdigest()


@given(messages(SDK_KNOWS))
def test_the_rebuilt_message_is_the_one_that_the_sdk_accumulates(message: list[Frame]) -> None:
    one = translator()
    events = [event for each in message for event in one.feed(each)]
    assert fold_of(events).content(0) == healed(sdk_content(message))
