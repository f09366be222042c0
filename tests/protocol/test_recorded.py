"""Streams that were recorded from Claude, cut anywhere, are rebuilt as their raw JSON says.

They are other people's words and not part of this project: ``RECORDED_STREAMS`` names a folder with ``.sse``
files and an ``INDEX.tsv`` (``file``, ``features``, ``grammar``: ``ok`` or what is broken on purpose).
"""

import csv
import os
import random
from pathlib import Path

import pytest

from app.protocol.claude import Translator
from app.protocol.errors import Refused
from app.protocol.events import Event, Text, Unknown
from app.protocol.sse import Decoder, Frame
from app.protocol.usage import Ledger
from tests.protocol.cutting import bytewise, cut
from tests.protocol.frames import Accumulated, fold_of, sdk_content

FOLDER = os.environ.get("RECORDED_STREAMS", "")
SMALL = 4096
"""Bytes up to which a stream is also fed byte by byte."""

BROKEN = {"truncated", "error_event", "two_message_starts"}


def rows() -> list[dict[str, str]]:
    if not FOLDER:
        return []
    with Path(FOLDER, "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        return list(csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE))


ROWS = rows()
pytestmark = pytest.mark.skipif(not ROWS, reason="RECORDED_STREAMS names no folder of recorded streams")


def is_broken(row: dict[str, str]) -> bool:
    return row["grammar"] != "ok" or bool(BROKEN & set(row["features"].split()))


def ways(data: bytes) -> list[list[bytes]]:
    """Return *data* whole, cut at random, and byte by byte if that does not take long."""
    seed = random.randrange(2**32)  # noqa: S311 - no secret
    print(f"cut with seed {seed}")  # noqa: T201 - shown when the test fails
    rng = random.Random(seed)  # noqa: S311
    some = [cut(data, [rng.randrange(len(data)) for _ in range(count)]) for count in (3, 30, 300)]
    return [[data], *some, *([bytewise(data)] if len(data) <= SMALL else [])]


def replay(pieces: list[bytes]) -> tuple[Translator, Ledger, list[Event], list[Frame], Refused | None]:
    decoder, ledger = Decoder(), Ledger()
    translator = Translator(ledger, lambda: 0)
    events: list[Event] = []
    frames: list[Frame] = []
    for piece in pieces:
        for frame in decoder.feed(piece):
            frames.append(frame)
            try:
                events += translator.feed(frame)
            except Refused as refused:
                return translator, ledger, events, frames, refused
    return translator, ledger, events, frames, None


@pytest.mark.parametrize("file", [row["file"] for row in ROWS if not is_broken(row)])
def test_a_recorded_stream_is_rebuilt_as_claude_sent_it(file: str) -> None:
    data = Path(FOLDER, file).read_bytes()
    for pieces in ways(data):
        translator, ledger, events, frames, refused = replay(pieces)
        expected = Accumulated(frames)
        assert refused is None
        assert (translator.ended, expected.ended) == (True, True)
        assert fold_of(events).content(0) == expected.blocks == sdk_content(frames)
        assert translator.stop_reason == expected.stop_reason
        assert ledger.total() == expected.usage
        assert not [event for event in events if isinstance(event, Unknown)]


@pytest.mark.parametrize("row", [row for row in ROWS if is_broken(row)], ids=lambda row: row["file"])
def test_a_recorded_stream_that_is_broken_is_not_passed_off_as_whole(row: dict[str, str]) -> None:
    features = set(row["features"].split())
    for pieces in ways(Path(FOLDER, row["file"]).read_bytes()):
        translator, ledger, events, frames, refused = replay(pieces)
        if "two_message_starts" in features:  # a repetition before any content: the answer is there, and once
            expected = Accumulated(frames)
            assert [block["text"] for block in fold_of(events).content(0)] == [
                "".join(event.piece for event in events if isinstance(event, Text))
            ]
            assert fold_of(events).content(0) == expected.blocks
            assert (translator.ended, ledger.total()) == (True, expected.usage)
            continue
        assert not translator.ended
        kinds = [feature.removeprefix("error:") for feature in features if feature.startswith("error:")]
        assert ([refused.type] if refused else []) == kinds
