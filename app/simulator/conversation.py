"""A request's messages as turns: merged, normalised, and asked what matters for the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Any

from app.simulator.blocks import Json
from app.simulator.directives import Directive, split, without_directives

QUESTION_CHARACTERS = 20_000
"""Of a prompt, by which the answer to it is chosen: to look for all its words in megabytes takes seconds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Neighbouring messages of one role, as one list of content blocks."""

    role: str
    blocks: tuple[Json, ...]

    @property
    def text(self) -> str:
        """The text of its text blocks."""
        return "\n".join(self.texts)

    @property
    def texts(self) -> list[str]:
        """Its text blocks."""
        return [block["text"] for block in self.blocks if block.get("type") == "text"]

    def of_type(self, kind: str) -> list[Json]:
        """Return its blocks of one type."""
        return [block for block in self.blocks if block.get("type") == kind]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said so far; ends with the user's turn that is to be answered."""

    turns: tuple[Turn, ...]

    @property
    def last(self) -> Turn:
        """The latest turn."""
        return self.turns[-1]

    @property
    def prompt(self) -> str:
        """What the user asked, directives included: the last user turn that is not the results of tools."""
        for turn in reversed(self.turns):
            if turn.role == "user" and not turn.of_type("tool_result") and turn.text:
                return turn.text
        return self.last.text

    @property
    def question(self) -> str:
        """The prompt without its directives; of a long one the beginning."""
        return without_directives(self.prompt)[:QUESTION_CHARACTERS]

    @property
    def directives(self) -> tuple[Directive, ...]:
        """What the prompt makes the simulator do.

        Raises:
            ClaudeError: 400, for a directive that is unknown or malformed.
        """
        return split(self.prompt)[0]

    @property
    def tool_rounds(self) -> int:
        """How often tools have answered since the prompt."""
        rounds = 0
        for turn in reversed(self.turns):
            if turn.role == "user" and not turn.of_type("tool_result"):
                break
            rounds += turn.role == "user"
        return rounds

    @property
    def results(self) -> list[tuple[str, Json]]:
        """The tool results to be answered, in order, each with the name of its tool."""
        if len(self.turns) < 2:
            return []
        names = {block["id"]: block["name"] for block in self.turns[-2].of_type("tool_use")}
        return [
            (names.get(block["tool_use_id"], "tool"), block) for block in self.last.of_type("tool_result")
        ]

    def random(self, seed: int, purpose: str = "") -> Random:
        """Return randomness that depends only on what was said, the *seed* and the *purpose*."""
        digest = blake2b(f"{seed}\0{purpose}".encode(), digest_size=8)
        for turn in self.turns:
            digest.update(b"\x00" + turn.role.encode())
            for block in turn.blocks:
                digest.update(b"\x01" + _said(block).encode("utf-8", "replace"))
        return Random(int.from_bytes(digest.digest()))  # noqa: S311 variety, not secrecy


def conversation(messages: Sequence[Json]) -> Conversation:
    """Return *messages* as turns; mid-conversation system messages are instructions, not turns."""
    turns: list[Turn] = []
    for message in messages:
        role, blocks = message["role"], content_blocks(message["content"])
        if role == "system":
            continue
        if turns and turns[-1].role == role:
            turns[-1] = Turn(role, turns[-1].blocks + blocks)
        else:
            turns.append(Turn(role, blocks))
    return Conversation(tuple(turns))


def content_blocks(content: Any) -> tuple[Json, ...]:
    """Return a message's content as blocks; a string is one text block."""
    return ({"type": "text", "text": content},) if isinstance(content, str) else tuple(content)


def result_text(result: Json) -> str:
    """Return what a ``tool_result`` says, as far as it is text."""
    content = result.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(_texts(content))


def _texts(blocks: Iterable[Json]) -> Iterable[str]:
    for block in blocks:
        yield str(block.get("text") or f"[{block.get('type', 'block')}]")


def _said(block: Json) -> str:
    """Return what a block contributes to the topic: no ids, no thinking, no directives."""
    match block.get("type"):
        case "text":
            return without_directives(block["text"]).strip()
        case "tool_use":
            return f"{block.get('name')}"
        case "tool_result":
            return result_text(block)
        case _:
            return ""
