"""The event stream, both ways, held against the standard: WHATWG HTML, §9.2 "Server-sent events"."""

import re
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.protocol.sse import BOM, KEEP_ALIVE, Decoder, Frame, FrameTooLarge, encode, retry
from tests.protocol.cutting import PLACES, cut, every_way

STREAMS = {
    # The standard's own examples, in its order.
    "WHATWG, data on several lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Frame(b"YHOO\n+2\n10")]),
    "WHATWG, four blocks": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [Frame(b"first event", id="1"), Frame(b"second event", id=""), Frame(b" third event", id="")],
    ),
    "WHATWG, empty data, the last block without its blank line": (
        b"data\n\ndata\ndata\n\ndata:",
        [Frame(b""), Frame(b"\n")],
    ),
    "WHATWG, one space after the colon means nothing": (
        b"data:test\n\ndata: test\n\n",
        [Frame(b"test"), Frame(b"test")],
    ),
    "WHATWG, named events": (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [Frame(b"73857293", "add"), Frame(b"2153", "remove"), Frame(b"113411", "add")],
    ),
    # The rules around them.
    "nothing": (b"", []),
    "blank lines alone": (b"\n\n\n\n\n", []),
    "blank lines before, between and after": (
        b"\n\ndata: a\n\n\n\n\ndata: b\n\n\n",
        [Frame(b"a"), Frame(b"b")],
    ),
    "one blank line is one frame, also with an id before": (b"id: 1\ndata: x\n\n\n\n", [Frame(b"x", id="1")]),
    "a comment between data lines": (b"data: a\n: hm\ndata: b\n\n", [Frame(b"a\nb")]),
    "keep-alives": (KEEP_ALIVE + b"data: a\n\n" + KEEP_ALIVE, [Frame(b"a")]),
    "an event without data is none, and its name is forgotten": (
        b"event: gone\n\ndata: a\n\n",
        [Frame(b"a")],
    ),
    "an id without data is kept for what follows": (b"id: 7\n\ndata: a\n\n", [Frame(b"a", id="7")]),
    "an id stays until the next": (
        b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n",
        [Frame(b"a", id="1"), Frame(b"b", id="1"), Frame(b"c", id="2")],
    ),
    "an id with NUL is ignored": (
        b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
        [Frame(b"a", id="1"), Frame(b"b", id="1")],
    ),
    "the last event name counts, an empty one is none": (
        b"event: a\nevent: b\ndata: 1\n\nevent: a\nevent\ndata: 2\n\n",
        [Frame(b"1", "b"), Frame(b"2")],
    ),
    "fields are named exactly": (b"Data: a\n data: b\ndata : c\ndatax: d\nretry: 5\n\n", []),
    "retry": (retry(1500) + b"data: a\n\n", [Frame(b"a")]),
    "a colon in the data": (b"data: a: b\n\n", [Frame(b"a: b")]),
    "a byte order mark": (BOM + b"data: a\n\n", [Frame(b"a")]),
    "a byte order mark counts once": (BOM + BOM + b"data: a\n\ndata: b\n\n", [Frame(b"b")]),
    "a byte order mark counts only at the start": (b"\n" + BOM + b"data: a\n\n", []),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", [Frame(b"b")]),
    "what str.splitlines would split at": (
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\n\n".encode(),
        [Frame("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei".encode())],
    ),
    "bytes that are not UTF-8": (b"data: \xff\xf0\x9f\n\n", [Frame(b"\xff\xf0\x9f")]),
    "NUL in data": (b"data: a\0b\n\n", [Frame(b"a\0b")]),
    "a character of four bytes": ("data: 🌍\n\n".encode(), [Frame("🌍".encode())]),
    "every line end beside every other": (
        b"data: a\rdata: b\r\ndata: c\ndata: d\r\n\rdata: e\n\r\ndata: f\r\r",
        [Frame(b"a\nb\nc\nd"), Frame(b"e"), Frame(b"f")],
    ),
    "CR at the end may become CRLF, and is a line end already": (b"data: a\r\r", [Frame(b"a")]),
    "CRLF is one line end, not a blank line": (b"data: a\r\ndata: b\r\n\r\n", [Frame(b"a\nb")]),
    "as Claude sends it": (
        b'event: message_stop\ndata: {"type":"message_stop"   }\n\n',
        [Frame(b'{"type":"message_stop"   }', "message_stop")],
    ),
}


def decoded(pieces: Iterable[bytes]) -> list[Frame]:
    decoder = Decoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)]


def standard(data: bytes) -> list[Frame]:
    """Return the frames of a whole stream by the letter of the standard, line after line."""
    lines = re.split(rb"\r\n|\r|\n", data.removeprefix(BOM))[:-1]  # the last one has no end
    frames: list[Frame] = []
    values: list[bytes] = []
    event, last_id = b"", None
    for line in lines:
        if not line:
            if values:
                frames.append(Frame(b"\n".join(values), event.decode(errors="replace") or "message", last_id))
            values, event = [], b""
            continue
        name, colon, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if colon and not name:
            continue
        if name == b"event":
            event = value
        if name == b"data":
            values.append(value)
        if name == b"id" and b"\0" not in value:
            last_id = value.decode(errors="replace")
    return frames


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_has_its_frames_however_it_is_cut(name: str) -> None:
    data, frames = STREAMS[name]
    for pieces in every_way(data):
        assert decoded(pieces) == frames, pieces


@pytest.mark.parametrize("end", [b"\r", b"\r\n"], ids=["CR", "CRLF"])
@pytest.mark.parametrize("name", [name for name in STREAMS if b"\r" not in STREAMS[name][0]])
def test_any_line_end_means_the_same(name: str, end: bytes) -> None:
    data, frames = STREAMS[name]
    for pieces in every_way(data.replace(b"\n", end)):
        assert decoded(pieces) == frames, pieces


@pytest.mark.parametrize("name", STREAMS)
def test_the_reference_of_these_tests_agrees_with_their_table(name: str) -> None:
    data, frames = STREAMS[name]
    assert standard(data) == frames


ATOMS = [
    b"\n",
    b"\r",
    b"\r\n",
    b"data",
    b"event",
    b"id",
    b":",
    b": ",
    b" ",
    b"x",
    b"\0",
    BOM,
    b"\xef\xbb",
    "é\u2028".encode(),
]


@given(st.lists(st.sampled_from(ATOMS), max_size=40).map(b"".join) | st.binary(max_size=60), PLACES)
def test_any_bytes_cut_anywhere_have_the_frames_of_the_standard(data: bytes, places: list[int]) -> None:
    assert decoded(cut(data, places)) == standard(data)


def test_a_frame_comes_with_the_byte_that_completes_it() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [Frame(b"a")]
    assert decoder.feed(b"data: b\r") == []
    assert decoder.feed(b"\r") == [Frame(b"b")]
    assert decoder.feed(b"\ndata: c\r\n\r") == [Frame(b"c")]


def outcome(pieces: Sequence[bytes], limit: int) -> tuple[list[Frame], bool]:
    """Return the frames that came, and whether the stream failed."""
    decoder = Decoder(limit)
    frames: list[Frame] = []
    try:
        for piece in [*pieces, b""]:
            frames += decoder.feed(piece)
    except FrameTooLarge:
        return frames, True
    return frames, False


@pytest.mark.parametrize(
    ("data", "frames", "fails"),
    [
        (b"data: 789\n\n", [Frame(b"789")], False),
        (b"data: 7890\n\n", [], True),
        (b"data: 78901", [], True),
        (b"data: a\n\ndata: b\n\ndata: 7890\ndata: c", [Frame(b"a"), Frame(b"b")], True),
        (b"data: a\n\ndata: 7890\n\ndata: b\n\n", [Frame(b"a")], True),
        (b"data: a\r\n\r\ndata: b\r\n\r\n" * 3, [Frame(b"a"), Frame(b"b")] * 3, False),
    ],
)
def test_a_frame_that_is_too_large_fails_after_all_before_it_have_come(
    data: bytes, frames: list[Frame], fails: bool
) -> None:
    for pieces in every_way(data):
        assert outcome(pieces, 10) == (frames, fails), pieces


def test_a_frame_that_is_too_large_says_both_numbers() -> None:
    with pytest.raises(FrameTooLarge, match=r"^a frame has 2,000 bytes or more, limit 1,000$"):
        Decoder(1000).feed(b"x" * 2000)


@given(st.lists(st.sampled_from([b"data: ", b"x", b"\n", b"\r\n", b"\n\n"]), max_size=40), PLACES)
@example([b"data: ", b"x", b"\n\n", b"\n\n", b"data: ", b"x", b"\n\n"], [])
def test_whether_a_frame_is_too_large_does_not_depend_on_the_cuts(
    atoms: list[bytes], places: list[int]
) -> None:
    data = b"".join(atoms)
    assert outcome(cut(data, places), 12) == outcome([data], 12)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b" leading space", b"a: b", b":", BOM, "🌍\u2028\x85".encode(), b"\0"]
)
def test_what_is_encoded_is_decoded_as_it_was(data: bytes) -> None:
    for pieces in every_way(encode(data, "1-7")):
        assert decoded(pieces) == [Frame(data, id="1-7")]


def test_an_encoded_frame_is_its_id_its_data_and_a_blank_line() -> None:
    assert encode(b"{}", "1-7") == b"id: 1-7\ndata: {}\n\n"
    assert retry(1500) == b"retry: 1500\n\n"


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])),
            st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
        ),
        max_size=6,
    ),
    PLACES,
)
def test_any_data_and_ids_survive_encoding_and_any_cutting(
    items: list[tuple[str, str]], places: list[int]
) -> None:
    data = b"".join(encode(text.encode(), id_) for text, id_ in items)
    assert decoded(cut(data, places)) == [Frame(text.encode(), id=id_) for text, id_ in items]


@pytest.mark.parametrize(
    ("data", "event_id"),
    [
        (b"a\nb", "1"),
        (b"a\rb", "1"),
        (b"a", "1\n"),
        (b"a", "1\r"),
        (b"a", "1\0"),
        (b"a", "1\u2028"),
        (b"a", "\ud83d"),
    ],
)
def test_what_would_forge_fields_is_not_encoded(data: bytes, event_id: str) -> None:
    with pytest.raises(ValueError, match="must each be one line"):
        encode(data, event_id)


@given(
    st.lists(st.sampled_from([b"data: x", b"\n", b"\r\n", b"\n\n", b"\r"]), max_size=12).map(b"".join), PLACES
)
def test_who_is_idle_would_say_the_same_if_the_stream_began_here(data: bytes, places: list[int]) -> None:
    decoder = Decoder()
    for piece in cut(data, places):
        decoder.whole(piece)
    if decoder.idle:
        assert decoder.whole(b"data: y\n\n") == b"data: y\n\n"


def test_who_has_seen_whole_frames_is_idle_and_who_has_seen_nothing_or_more_is_not() -> None:
    decoder = Decoder()
    idle = []
    for piece in (b"data: x\n\n", b"data", b": y\n\n", b"data: z\n\n", b"data: z\r\n\r", b"\n"):
        idle.append(decoder.idle)
        decoder.whole(piece)
    assert idle == [False, True, False, True, True, False]
    assert decoder.idle
