"""Requests that ask for the rest of an answer: after a break, after ``max_tokens``, after ``pause_turn``.

They come in four forms: the assistant's turn last (prefill, and ``pause_turn``); a user's turn after it that
quotes the end of the answer and asks to go on with it, or only says "go on"; and a second user's message that
quotes what the answer was, with no turn of the assistant's.
"""

import re
from dataclasses import dataclass

from app.simulator.blocks import Block, Call, Json, Text, Thinking, Whole
from app.simulator.conversation import Conversation, Turn

QUOTING_CHARACTERS = 20_000
"""A message that is longer does not only ask to go on with the answer."""

QUOTED_CHARACTERS = 20
"""So much of the answer's end has to be in the request that asks to go on with it."""

_GO_ON = re.compile(
    r"\W*(please\W+)?(continue|go on|keep going|carry on|your answer was interrupted)\b", re.IGNORECASE
)
_GO_ON_CHARACTERS = 90
_QUOTES = re.compile(
    r"(?=.*\b(interrupted|cut off|broke off|left off|broken off|ended with)\b).*\b(continue|go on|keep going|carry on)\b",
    re.IGNORECASE | re.DOTALL,
)
SERVER_CALLS = ("server_tool_use", "mcp_tool_use")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered, and how much of the answer is already there.

    Attributes:
        original: The conversation up to the turn that is answered, without any request to go on.
        said: The text of the answer so far; empty for a new answer.
        server_calls: How many calls of server tools the answer has so far.
        quoting: A user's message that quotes what the answer was; empty if there is none.
    """

    original: Conversation
    said: str = ""
    server_calls: int = 0
    quoting: str = ""


def asked_of(talk: Conversation) -> Asked:
    """Return what *talk* asks for."""
    turns = talk.turns
    parts: list[Turn] = []
    while turns:
        if turns[-1].role == "assistant" and len(turns) > 1:
            parts.append(turns[-1])
            turns = turns[:-1]
        elif len(turns) > 2 and _wants_more(turns[-1], turns[-2]):
            parts.append(turns[-2])
            turns = turns[:-2]
        else:
            break
    if not parts and (split := _quoting(turns[-1])):
        first, quoting = split
        return Asked(Conversation((*turns[:-1], first)), quoting=quoting)
    blocks = [block for part in reversed(parts) for block in part.blocks]
    said = "".join(block["text"] for block in blocks if block.get("type") == "text")
    calls = sum(block.get("type") in SERVER_CALLS for block in blocks)
    return Asked(Conversation(turns), said, calls)


def _wants_more(request: Turn, answer: Turn) -> bool:
    if answer.role != "assistant" or answer.of_type("tool_use") or request.of_type("tool_result"):
        return False
    end = "".join(answer.texts).strip()[-QUOTED_CHARACTERS:]
    text = request.text
    return bool(end and end in text) or (
        len(text) <= _GO_ON_CHARACTERS and _GO_ON.match(text.strip()) is not None
    )


def _quoting(turn: Turn) -> tuple[Turn, str] | None:
    """Return what a user's turn first asked, and the message after it that quotes the answer, if it does."""
    *first, last = turn.blocks
    if turn.role != "user" or not first or last.get("type") != "text":
        return None
    if len(last["text"]) > QUOTING_CHARACTERS or not _QUOTES.match(last["text"]):
        return None
    return Turn("user", tuple(first)), last["text"]


def rest(blocks: tuple[Block, ...], so_far: Asked, overlap: str = "") -> tuple[Block, ...]:
    """Return what of *blocks* comes after what was said, thinking excepted: that is done anew.

    Args:
        blocks: The whole answer.
        so_far: What of it was said.
        overlap: How much is said again: ``12`` characters, or ``3 words``.
    """
    left: list[Block] = []
    calls = so_far.server_calls
    waiting = so_far.said or _quoted(blocks, so_far.quoting)
    for block in blocks:
        match block:
            case Thinking():
                left.append(block)
            case Text(text, citations) if waiting:
                cut = _common(text, waiting)
                waiting = waiting[cut:] if cut == len(text) else ""
                if text[cut:]:
                    left.append(Text(text[_back(text, cut, overlap) :], citations))
            case Call(start) if start["type"] in SERVER_CALLS and calls:
                calls -= 1
            case Whole(whole) if whole["type"].endswith("_result") and not _called(whole, left):
                pass  # its call was there before
            case _ if waiting and not isinstance(block, Call):
                pass
            case _:
                left.append(block)
    return tuple(left)


def _quoted(blocks: tuple[Block, ...], quoting: str) -> str:
    """Return the text of the answer up to the last place that *quoting* has the end of; empty if it has none."""
    whole = "".join(block.text for block in blocks if isinstance(block, Text))
    ends = range(len(whole), QUOTED_CHARACTERS - 1, -1) if quoting else ()
    return next((whole[:end] for end in ends if whole[end - QUOTED_CHARACTERS : end] in quoting), "")


def _called(result: Json, blocks: list[Block]) -> bool:
    return any(isinstance(each, Call) and each.start["id"] == result.get("tool_use_id") for each in blocks)


def _common(text: str, said: str) -> int:
    """Return where in *text* the part ends that *said* begins with; white space at an end may be missing."""
    if said.startswith(text):
        return len(text)
    for end in (said, said.rstrip()):
        if text.startswith(end):
            return len(end)
    # said in other words at first, e.g. by another seed: find at least the place
    tail = said.rstrip()[-QUOTED_CHARACTERS:]
    return text.find(tail) + len(tail) if tail in text else 0


def _back(text: str, cut: int, overlap: str) -> int:
    count, _, unit = overlap.partition(" ")
    number = int(count or 0)
    if not unit:
        return max(0, cut - number)
    starts = [match.start() for match in re.finditer(r"\S+", text[:cut])]
    return starts[-number] if number and number <= len(starts) else 0 if number else cut
