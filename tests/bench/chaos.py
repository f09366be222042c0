"""Generations under random faults, every reader checked at every moment.

    uv run python -m tests.bench.chaos --generations 2000 --seed 1

A scripted Claude writes a seeded text for each generation and, asked to go on, goes on exactly, sometimes
repeating what was there. Its connection is reset, closed, silent or overloaded, before content and after.
Readers are cut and resume, twice at once at times, or send their POST again with the same Idempotency-Key.

Checked: what a reader has is a prefix of the text, always (I1); in the end it is all of it, and its digest is
the one that was sent (I2, I6); ids rise (I3); there is exactly one terminal event (I4); Claude is called no
more often than its faults explain (I5); memory does not grow with generations. Exits with 1 if anything is wrong.
"""

import argparse
import asyncio
import gc
import hashlib
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.reading import Stream, ask
from tests.running import Gateway, serving
from tests.scripted import (
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    ending,
    frame,
    message_start,
    refusing,
    text_delta,
)

# No two of one kind stand side by side in a text: where a text repeats itself for eight characters and more, nobody
# can tell a repetition at the joint from the text.
ALPHABET = [
    "river ",
    "żółw ",
    "🌍",
    "漢字",
    "\n\n",
    "\r\n",
    "\u2028",
    '"quote" ',
    "\\n",
    "data: [DONE]",
    "👩‍👩‍👧‍👦",
    "é",
    "42 ",
    "<b>",
]
OVERLOADED = frame("error", error={"type": "overloaded_error", "message": "Overloaded"})
BEFORE = ("refused", "overloaded", "reset")
AFTER = (Ending.RESET, Ending.CLOSE, Ending.STALL, "overloaded")
GAP_S = 0.002
"""Between two deltas, so that there is a middle to cut in."""


@dataclass
class Case:
    """One generation: what Claude says, and what goes wrong."""

    number: int
    chance: random.Random
    pieces: list[str]
    before: list[str]
    after: list[str]
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def answer(self, call: Call) -> Answer:
        """Say what is left to say, until the next fault."""
        self.calls += 1
        if self.before:
            return self._refuse(self.before.pop())
        said = _said(call)
        assert self.text.startswith(said), "Claude was told that it said something else"
        overlap = self.chance.choice((0, 0, 9, 30)) if len(said) > 60 else 0
        start = len(said) - overlap if said[-overlap:].strip() == said[-overlap:] else len(said)
        return list(self._steps(self.text[start:]))

    def _refuse(self, how: str) -> Answer:
        self.faults[f"before content: {how}"] += 1
        match how:
            case "refused":
                return refusing(529, "overloaded_error", retry_after_ms="20")
            case "overloaded":
                return [message_start(), OVERLOADED]
            case _:
                return [message_start(), Ending.RESET]

    def _steps(self, rest: str) -> Iterator[Any]:
        yield message_start()
        yield frame("content_block_start", index=0, content_block={"type": "text", "text": ""})
        pieces = list(_cut(rest, self.chance))
        breaks = self.chance.randrange(2, max(3, len(pieces))) if self.after and len(pieces) > 4 else None
        for number, piece in enumerate(pieces):
            if number == breaks:
                how = self.after.pop()
                self.faults[f"after content: {how}"] += 1
                yield OVERLOADED if how == "overloaded" else how
                return
            yield text_delta(piece)
            yield GAP_S
        yield frame("content_block_stop", index=0)
        yield from ending()


def _said(call: Call) -> str:
    messages = call.body["messages"]
    if len(messages) == 1:
        return ""
    return "".join(block["text"] for block in messages[1]["content"] if block["type"] == "text")


def _cut(text: str, chance: random.Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = chance.randrange(1, 20)
        yield text[at : at + size]
        at += size


def case(number: int, seed: int) -> Case:
    chance = random.Random(f"{seed}-{number}")  # noqa: S311 - variety, not secrecy
    pieces = [f"{number}:{n} " + "".join(chance.sample(ALPHABET, 3)) for n in range(chance.randrange(20, 60))]
    before = chance.choices(BEFORE, k=chance.choice((0, 0, 0, 1, 2)))
    after = chance.choices(AFTER, k=chance.choice((0, 0, 1, 1, 2)))
    return Case(number, chance, pieces, before, after)


class Checked:
    """A reader of one case, over as many connections as it takes."""

    def __init__(self, gateway: Gateway, case: Case) -> None:
        self._gateway = gateway
        self._case = case
        self._body = ask(f"case {case.number}.")
        self._key = {"Idempotency-Key": f"case-{case.number}"}
        self._text = ""
        self._last: tuple[int, ...] = (0,)
        self._last_id = ""

    async def read(self) -> None:
        """Read to the end, cut and resuming on the way."""
        cuts = self._case.chance.choice((0, 1, 1, 2, 3))
        stream = await self._gateway.stream(self._body, headers=self._key)
        generation = stream.id
        while True:
            after = self._case.chance.randrange(1, 25) if cuts else None
            if await self._follow(stream, after):
                break
            cuts -= 1
            stream = await self._return(generation)
        done = stream.terminal
        assert done["type"] == "done", done
        assert self._text == self._case.text, "the whole text is another"
        assert done["digest"] == hashlib.sha256(self._case.text.encode()).hexdigest()
        assert stream.done == 1

    async def _return(self, generation: str) -> Stream:
        """Come back in one of the ways that a reader may."""
        match self._case.chance.choice(("resume", "resume", "twice", "post")):
            case "twice":
                self._case.faults["reader: resumed twice at once"] += 1
                other = await self._gateway.resume(generation, self._last_id)
                await other.rest()
                assert self._text + other.text == self._case.text, _difference(
                    self._case.text, self._text + other.text
                )
            case "post":
                self._case.faults["reader: POST again"] += 1
                self._text, self._last, self._last_id = "", (0,), ""
                stream = await self._gateway.stream(self._body, headers=self._key)
                assert stream.id == generation, "billed twice"
                return stream
            case _:
                self._case.faults["reader: cut and resumed"] += 1
        return await self._gateway.resume(generation, self._last_id or None)

    async def _follow(self, stream: Stream, events: int | None) -> bool:
        """Take events, at most so many, then cut the line; return whether the end came."""
        taken = 0
        while events is None or taken < events:
            event = await stream.next()
            taken += 1
            number = stream.ids[taken - 1]
            place = tuple(int(part) for part in number.split("-"))
            assert place > self._last, "an id that does not rise"
            self._last, self._last_id = place, number
            if event["type"] == "text":
                self._text += event["text"]
                assert self._case.text.startswith(self._text), _difference(self._case.text, self._text)
            if event["type"] in ("done", "error"):
                await stream.rest()
                return True
        stream.close()
        return False


def _difference(text: str, had: str) -> str:
    at = next((n for n, (one, other) in enumerate(zip(text, had, strict=False)) if one != other), len(text))
    around = slice(max(0, at - 40), at + 40)
    return f"what a reader has is no prefix: at {at}, said {text[around]!r}, has {had[around]!r}"


async def run(generations: int, seed: int, at_once: int) -> dict[str, Any]:
    """Run so many generations and return what was seen."""
    cases: dict[str, Case] = {}
    wrong: list[str] = []
    resident: list[int] = []
    characters = calls = 0
    faults: Counter[str] = Counter()

    def script(call: Call) -> Answer:
        return cases[call.prompt.partition("case ")[2].partition(".")[0]].answer(call)

    async with (
        ScriptedClaude(script) as claude,
        serving(claude.url, stall_timeout=1, retention=2, max_streams_per_client=at_once * 2) as gateway,
    ):
        gate = asyncio.Semaphore(at_once)

        async def one(number: int) -> None:
            nonlocal characters, calls
            async with gate:
                each = cases[str(number)] = case(number, seed)
                allowed = 1 + len(each.before) + len(each.after)
                try:
                    await Checked(gateway, each).read()
                    assert each.calls <= allowed, f"{each.calls} calls of Claude, {allowed} explained"
                except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                    wrong.append(f"case {number}: {type(error).__name__}: {str(error)[:200]}")
                characters += len(each.text)
                calls += each.calls
                faults.update(each.faults)
                del cases[str(number)]
                claude.calls.clear()
                if number % max(1, generations // 8) == 0:
                    gc.collect()
                    resident.append(_resident_kib())

        await asyncio.gather(*(one(number) for number in range(generations)))
    return {
        "seed": seed,
        "generations": generations,
        "characters": characters,
        "claude_calls": calls,
        "faults": sum(faults.values()),
        "faults_by_kind": dict(sorted(faults.items())),
        "resident_kib": resident,
        "wrong": wrong,
    }


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--generations", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - variety, not secrecy
    given = parser.parse_args()
    logging.disable(logging.ERROR)
    began = time.monotonic()
    seen = asyncio.run(run(given.generations, given.seed, given.at_once))
    print(json.dumps(seen, indent=2))  # noqa: T201 - it is what this is for
    print(  # noqa: T201
        f"{seen['generations']} generations, {seen['characters']:,} characters, {seen['faults']} faults, "
        f"{seen['claude_calls']} calls of Claude, seed {seen['seed']}: {len(seen['wrong'])} wrong, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if seen["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
