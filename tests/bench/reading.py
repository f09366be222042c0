"""What a reader was sent, looked at when the trial is over: the text, when each delta came, and whether it is right."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import orjson

from tests.bench.answers import Case, blob, sha256
from tests.bench.load import Reader

Json = dict[str, Any]

BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a target says things.

    Attributes:
        text: The text in an event, if it has any.
        last: Whether the answer is complete with these data.
        blob: The tool's result in an event, if it has one; None where the target drops it.
    """

    text: Callable[[Json], str | None]
    last: Callable[[bytes], bool]
    blob: Callable[[Json], Any] | None = None


def _claude_text(event: Json) -> str | None:
    return event["delta"].get("text") if event.get("type") == "content_block_delta" else None


def _blob(event: Json) -> Any:
    block = event.get("content_block") or event.get("block") or {}
    return block["content"][0]["encrypted_content"] if block.get("type") == "web_search_tool_result" else None


def _chat_text(event: Json) -> str | None:
    choices = event.get("choices")
    return choices[0]["delta"].get("content") if choices else None


def _is_done(data: bytes) -> bool:
    return data == b"[DONE]"


DIALECTS = {
    "claude": Dialect(_claude_text, lambda data: data.startswith(b'{"type":"message_stop"'), _blob),
    "gateway": Dialect(lambda event: event["text"] if event.get("type") == "text" else None, _is_done, _blob),
    "tutorial": Dialect(lambda event: event.get("text"), _is_done),
    "openai": Dialect(_chat_text, _is_done),
}


@dataclass(slots=True)
class Answer:
    """What came.

    Attributes:
        status: Of HTTP; 0 if nothing came.
        pieces: Each piece of text and when its frame was complete.
        ids: The id of each frame that had one, in order.
        complete: The answer said that it is.
        blob: The tool's result, if one came.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[tuple[float, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    complete: bool = False
    blob: Any = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for _, text in self.pieces)

    def is_right(self, case: Case, dialect: Dialect, before: str = "") -> bool:
        """Say whether this, after what was read *before*, is exactly what *case* says."""
        if case.kind == "tool" and dialect.blob and self.blob != blob():
            return False
        return self.complete and sha256(before + self.text) == case.digest

    def lateness_s(self, case: Case) -> list[float]:
        """Return each delta's delay against the upstream's schedule, beyond the most punctual delta's."""
        ends = list(accumulate(len(text) for _, text in self.pieces))
        step_s = case.ms / 1000
        arrived = [self.pieces[bisect_left(ends, end)][0] - k * step_s for k, end in enumerate(case.ends)]
        return [each - min(arrived) for each in arrived]


def read(reader: Reader, dialect: Dialect) -> Answer:
    """Return what *reader* was sent."""
    raw = b"".join(data for _, data in reader.reads)
    head, _, _ = raw.partition(b"\r\n\r\n")
    answer = Answer()
    if not head.startswith(b"HTTP/1.1 "):
        return answer
    first, *lines = head.decode("latin-1").split("\r\n")
    answer.status = int(first.split()[1])
    answer.headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if answer.status != 200:
        return answer
    chunked = answer.headers.get("transfer-encoding", "").lower() == "chunked"
    body, came = _dechunk(raw, len(head) + 4) if chunked else (raw[len(head) + 4 :], [(len(raw), len(raw))])
    read_ends = list(accumulate(len(data) for _, data in reader.reads))
    at = 0
    for blank in BLANK_LINE.finditer(body):
        when, _ = reader.reads[_read_of(blank.end(), came, read_ends)]
        _frame(answer, body[at : blank.start()], dialect, when)
        at = blank.end()
    return answer


def _read_of(offset: int, came: Sequence[tuple[int, int]], read_ends: Sequence[int]) -> int:
    """Return which read brought the byte before *offset* of the body."""
    body_end, raw_end = came[bisect_left(came, (offset, 0))]
    return bisect_left(read_ends, raw_end - (body_end - offset))


def _dechunk(raw: bytes, at: int) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the body and, for each chunk, where it ends in the body and in *raw*; a cut body ends where it was cut."""
    parts: list[bytes] = []
    came: list[tuple[int, int]] = []
    size = 0
    while (line := raw.find(b"\r\n", at)) > 0 and (length := int(raw[at:line].partition(b";")[0], 16)):
        parts.append(raw[line + 2 : line + 2 + length])
        size += len(parts[-1])
        at = line + 2 + length + 2
        came.append((size, min(line + 2 + length, len(raw))))
    return b"".join(parts), came or [(0, 0)]


def _frame(answer: Answer, block: bytes, dialect: Dialect, at: float) -> None:
    data = b""
    for line in block.splitlines():
        name, _, value = line.partition(b": ")
        if name == b"data":
            data = value
        elif name == b"id":
            answer.ids.append(value.decode())
    if not data:
        return
    answer.complete = answer.complete or dialect.last(data)
    if not data.startswith(b"{"):
        return
    event = orjson.loads(data)
    if text := dialect.text(event):
        answer.pieces.append((at, text))
    if dialect.blob and (found := dialect.blob(event)):
        answer.blob = found
