"""An answer that broke off: what to ask for so that it goes on, and what to leave out where it does. Pure.

Claude's stream cannot be rejoined, so going on means new model text. Models up to 4.5 take the partial answer
as a prefilled assistant turn; later ones refuse that with a 400 and are asked to go on instead (Claude's
streaming guide, "Error recovery"). Partial thinking has no signature yet and a partial call is no JSON: both
are void and come anew.
"""

import re
from collections.abc import Container, Iterable
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from app.protocol.fold import Fold, Part

PREFILLABLE = re.compile(
    r"claude-(3|2|instant|(opus|sonnet)-4-(0|1|20\d{6})\b|(opus|sonnet|haiku)-4-5\b)",
)
"""Models that go on from a prefilled assistant turn. The Models API has no flag for it."""

TAIL_CHARACTERS = 300
"""How much of the partial answer the request to go on repeats, so that the place cannot be mistaken."""

MAX_CACHE_MARKS = 4
"""Claude's limit of ``cache_control`` marks in one request."""

MIN_OVERLAP = 8
"""Fewer characters than this that repeat at the joint are a coincidence more often than a repetition."""

WINDOW = 4000
"""How far back a repetition is looked for, in characters, and how much is held back while looking."""

SPACE = re.compile(r"\s+")

SPACED = re.compile(r"\s+|\S")
"""What becomes one character where white space is folded."""

Mode = Literal["prefill", "ask"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer that broke off goes on.

    Attributes:
        body: The next request.
        discard: Indices of the blocks that are void and come anew.
        goes_on: Index of the text block that the next message's first text continues, if any.
        said: That block's text so far.
        mode: How Claude is brought to go on.
        ended: The turn need not go on: what it called has been run here, and the results are the next turn.
    """

    body: dict[str, Any]
    discard: list[int]
    goes_on: int | None
    said: str
    mode: Mode
    ended: bool = False


def plan(body: dict[str, Any], fold: Fold, turn: int, ran: Container[str] = ()) -> Plan | None:
    """Return how the answer to *body* goes on after a break, None if it cannot.

    Args:
        body: The request of the turn that broke, without any request to go on.
        fold: What readers have been shown.
        turn: Which assistant message broke.
        ran: Ids of the calls that have been started here, which must never be started again.
    """
    parts = [(index, part) for index, part in sorted(fold.parts.items()) if part.turn == turn]
    anchor = max((index for index, part in parts if _stays(part)), default=None)
    kept = [
        (i, part)
        for i, part in parts
        if anchor is not None and i <= anchor and (_stays(part) or part.returnable)
    ]
    discard = [index for index, _ in parts if index not in dict(kept)]
    if calls := [part.fields["id"] for _, part in kept if part.kind == "tool_use"]:
        # A whole call of the client's may have been the only one or not: it cannot be asked for the rest.
        return (
            Plan(body, discard, None, "", "ask", ended=True) if all(call in ran for call in calls) else None
        )
    if kept and "format" in (body.get("output_config") or {}):
        return None  # a second half of JSON does not come without its first
    last = kept[-1] if kept else None
    goes_on = last[0] if last and last[1].kind == "text" else None
    said = last[1].text if last and goes_on is not None else ""
    mode: Mode = "prefill" if _takes_prefill(body) else "ask"
    content = [block for _, part in kept if (block := _sent_back(part)) is not None]
    if not content:
        return Plan(body, discard, goes_on, said, mode)
    if mode == "prefill" and content[-1]["type"] == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()  # a prefill must not end in white space
    messages = [*_with_cache_mark(body), {"role": "assistant", "content": content}]
    if mode == "ask":
        messages.append({"role": "user", "content": _request_to_go_on(said)})
    return Plan({**body, "messages": messages}, discard, goes_on, said, mode)


def _stays(part: Part) -> bool:
    """Say whether a block cannot be taken back: text that was shown, or something whole that is not thinking."""
    if part.kind == "text":
        return bool(part.pieces)
    return part.complete and part.kind not in (
        "thinking",
        "redacted_thinking",
        "server_tool_use",
        "mcp_tool_use",
    )


def _sent_back(part: Part) -> dict[str, Any] | None:
    if not part.returnable or (part.kind == "text" and not part.text.strip()):
        return None  # text of white space alone is a 400
    block = copy(part.block())
    if part.kind == "text":
        block.pop("citations", None)  # their places are those of a text that goes on
    return block


def _takes_prefill(body: dict[str, Any]) -> bool:
    thinking = (body.get("thinking") or {}).get("type", "disabled")
    return thinking == "disabled" and PREFILLABLE.match(body["model"]) is not None


def _request_to_go_on(said: str) -> str:
    if not said:
        return "Your answer was interrupted. Go on with it from exactly where it stopped."
    return (
        "Your answer was interrupted by a lost connection. Its last characters were:\n\n"
        f"{said[-TAIL_CHARACTERS:]}\n\n"
        "Go on from exactly there, in the middle of a word if need be. Repeat nothing, and begin with the very "
        "next character of the answer: no introduction, no remark about the interruption."
    )


def _with_cache_mark(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of *body*, marked so that going on does not pay for the prompt again and again."""
    messages = list(body["messages"])
    if sum(_marks((body.get("system"), body.get("tools"), messages, [body]))) >= MAX_CACHE_MARKS:
        return messages
    last = messages[-1]
    content = last["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    if blocks and blocks[-1].get("type") not in ("thinking", "redacted_thinking"):
        blocks[-1] = {"cache_control": {"type": "ephemeral"}} | blocks[-1]
        messages[-1] = {**last, "content": blocks}
    return messages


def _marks(groups: Iterable[Any]) -> Iterable[bool]:
    for group in groups:
        for item in group if isinstance(group, list) else ():
            yield bool(item.get("cache_control"))
            if isinstance(item.get("content"), list):
                yield from _marks([[block for block in item["content"] if isinstance(block, dict)]])


class Joint:
    """Finds out what the beginning of a continuation repeats of the text before it.

    What comes is held back for as long as it may still be a repetition.

    Args:
        said: The text before it.
        mode: With a prefill Claude has not seen the white space at the end of that text, and may say it again; so it is
            with text of white space alone.
    """

    def __init__(self, said: str, mode: Mode) -> None:
        self._said = said
        seen = said.rstrip()
        self._unseen = said[len(seen) :] if mode == "prefill" or not seen else ""
        self._before = _spaced(said[-WINDOW:])
        self.held = ""

    def feed(self, text: str) -> bool:
        """Take the next piece; return whether it is settled now what is repeated."""
        self.held += text
        return len(self.held) >= WINDOW or _spaced(self.held) not in self._before

    def split(self) -> tuple[str, str]:
        """Return what was held back in two parts: what repeats, and what is new."""
        at = self._repeated()
        return self.held[:at], self.held[at:]

    def _repeated(self) -> int:
        head = self.held[:WINDOW]  # the piece that came last may be of any length
        for length in range(min(len(head), len(self._said)), MIN_OVERLAP - 1, -1):
            if self._said.endswith(head[:length]):
                return length
        spaced = _spaced(head)
        for length in range(min(len(spaced), len(self._before)), MIN_OVERLAP - 1, -1):
            if self._before.endswith(spaced[:length]):
                return _unspaced(head, length)
        pairs = enumerate(zip(self._unseen, self.held, strict=False))
        return next(
            (at for at, (one, other) in pairs if one != other), min(len(self._unseen), len(self.held))
        )


def _spaced(text: str) -> str:
    return SPACE.sub(" ", text)


def _unspaced(text: str, length: int) -> int:
    """Return how much of *text* has *length* characters once its white space is folded."""
    parts = islice(SPACED.finditer(text), length - 1, length)
    return next((part.end() for part in parts), len(text))
