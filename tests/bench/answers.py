"""What both ends of the benchmark know: the answers that the fake Claude gives, and the requests that ask for them.

A request carries its case as a word in the last message, ``bench:N:MS:VARIANT:KIND``, which every gateway passes
on. The frames look like Claude's: ~126 bytes for a delta of 1 to 20 characters, with everything in the text that
makes encoders stumble. Variants are rotations of the same pieces, so that an answer given to the wrong reader has
the wrong hash.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import orjson

Json = dict[str, Any]

PIECES = (
    "The ", "answer", " is", ' "quoted"', " and", " back\\slashed", ",", "\n\n", "- item", " one\n",
    "and then ", "data: [DONE]", "\n\ndata: x", " więc", " źdźbło", " trawy", " — ", "„cudzysłów”",
    "日本語の", "文章です。", "Ещё ", "немного", " 👩\u200d👩\u200d👧 ", "😀", "\u2028", "</script>", " `code`",
    "\tindented", ' {"a": [1, 2]}', " end. ", " something longer", " of about twenty", " characters",
    "é", "%", "0\r\n\r\n", "\\n", " again",
)  # fmt: skip

VARIANTS = 8

BLOB_BYTES = 2 * 1024 * 1024
"""The size of a tool's result, which Claude sends as one frame."""

HISTORY_BYTES = 200 * 1024

MODEL = "claude-opus-5-5"

MARK = re.compile(rb"bench:(\d{1,6}):(\d{1,5}):(\d):(plain|altered|tool)")


@dataclass(frozen=True)
class Case:
    """One answer.

    Attributes:
        n: How many deltas.
        ms: Milliseconds between them; 0 is as fast as it can.
        variant: Which rotation of the pieces.
        kind: ``plain``; ``altered`` differs in one character from what the load generator expects; ``tool`` has a
            tool's result of ``BLOB_BYTES`` in one frame before its text.
    """

    n: int
    ms: int = 0
    variant: int = 0
    kind: str = "plain"

    def other(self, variant: int) -> "Case":
        """Return the same case with another text."""
        return replace(self, variant=variant % VARIANTS)

    @property
    def texts(self) -> list[str]:
        """The text of each delta."""
        return [PIECES[(self.variant * 5 + k) % len(PIECES)] for k in range(self.n)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text that must arrive."""
        return sha256("".join(self.texts))

    @cached_property
    def ends(self) -> list[int]:
        """How many characters have arrived when delta k has."""
        return list(accumulate(map(len, self.texts)))

    def body(self, *, history: bool = False) -> bytes:
        """Return the request, in Claude's shape, which the gateways under test also take."""
        mark = f"Please: bench:{self.n}:{self.ms}:{self.variant}:{self.kind}"
        messages = [*(_history() if history else ()), {"role": "user", "content": mark}]
        return orjson.dumps({"model": MODEL, "max_tokens": 4096, "stream": True, "messages": messages})

    @staticmethod
    def of(body: bytes) -> "Case | None":
        """Return the case that *body* asks for."""
        if (found := MARK.search(body, max(0, len(body) - 4096)) or MARK.search(body)) is None:
            return None
        n, ms, variant, kind = found.groups()
        return Case(int(n), int(ms), int(variant) % VARIANTS, kind.decode())


@dataclass(frozen=True)
class Script:
    """An answer as the fake Claude writes it: HTTP chunks, one frame each.

    Attributes:
        head: The response's head and what comes before the first delta.
        deltas: A chunk each.
        tail: What comes after the last delta, and the end of the body.
    """

    head: bytes
    deltas: list[bytes]
    tail: bytes


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@lru_cache(maxsize=64)
def script(case: Case) -> Script:
    """Return what the fake Claude writes for *case*; built once."""
    texts = case.texts
    if case.kind == "altered":
        at = len(texts) // 2
        texts[at] = chr(ord(texts[at][0]) ^ 1) + texts[at][1:]
    usage: Json = {"input_tokens": 25, "output_tokens": 1, "cache_read_input_tokens": 0}
    message = {
        "id": f"msg_bench{case.variant}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
    }
    message |= dict[str, Any](stop_reason=None, stop_sequence=None, usage=usage)
    before: list[Json] = [{"type": "message_start", "message": message}]
    index = 0
    if case.kind == "tool":
        call: Json = {"type": "server_tool_use", "id": "srvtoolu_bench", "name": "web_search", "input": {}}
        result: Json = {
            "type": "web_search_result",
            "url": "https://example.org/",
            "title": "Result",
            "page_age": None,
        }
        result["encrypted_content"] = blob()
        found: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_bench", "content": [result]}
        for block in (call, found):
            before.append({"type": "content_block_start", "index": index, "content_block": block})
            before.append({"type": "content_block_stop", "index": index})
            index += 1
    before += [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    deltas: list[Json] = [
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
        for text in texts
    ]
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    after: list[Json] = [
        {"type": "content_block_stop", "index": index},
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": case.n}},
        {"type": "message_stop"},
    ]
    return Script(
        HEAD + b"".join(map(_chunk, before)),
        list(map(_chunk, deltas)),
        b"".join(map(_chunk, after)) + b"0\r\n\r\n",
    )


@lru_cache(maxsize=1)
def blob() -> str:
    """Return the 2 MB of a tool's result."""
    unit = 'Zażółć "gęślą" \\jaźń\\ 0123456789 abcdefghijklmnopqrstuvwxyz '
    return unit * (BLOB_BYTES // len(unit.encode()))


@lru_cache(maxsize=1)
def _history() -> tuple[dict[str, str], ...]:
    said = "".join(PIECES) * 5
    turns = HISTORY_BYTES // (2 * len(said.encode()))
    return ({"role": "user", "content": said}, {"role": "assistant", "content": said}) * turns


def _chunk(event: Json) -> bytes:
    frame = b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), orjson.dumps(event))
    return b"%x\r\n%b\r\n" % (len(frame), frame)


def sha256(text: str) -> str:
    """Return the digest of *text* in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
