"""What happens to one generation, from a seed and its number alone."""

import hashlib
import random
from dataclasses import dataclass
from typing import Any

MODELS = ("claude-sonnet-5-5", "claude-haiku-4-5")
"""The first is asked to go on after a break, the second takes what it had said as a prefill."""

RETRIES, CONTINUATIONS = 3, 2
"""The gateway's defaults."""

TAILS = (
    " ", " ", " ", "\r\n", "\n", "\n\n", "\u2028", "\u2029", "\x85", "\t", "é ", "ł", "漢字", "🌍", "👩\u200d👩\u200d👧 ", "e\u0301 ",
    '"', '\\"', "\\n", "</script>", "data: [DONE]\n", "\n\ndata: x\n\n", "\x00", "\x7f", "🏳️\u200d🌈", "0\r\n\r\n", "[DONE]",
)  # fmt: skip
"""What stands between words."""

BEFORE = (
    "429",
    "529",
    "503",
    "overloaded at once",
    "reset at once",
    "closed at once",
    "error after the head",
)
"""What can happen to a call before it says anything."""

BREAKS = ("reset", "closed", "overloaded", "error", "dribble, then reset")
"""What can happen in the middle of one."""

SILENCES = ("silence", "pings alone")
"""The same, but they take as long as the stall timeout."""

NETWORK = ("reset", "close", "stall")

READING = (*NETWORK, *NETWORK, "double resume", "reload", "asked again", "slices", "slow", "left the line")


@dataclass(frozen=True)
class Plan:
    """One generation.

    Attributes:
        number: Which.
        model: Who is asked.
        text: What Claude says.
        pieces: How long its deltas are, in characters, over and over.
        thinks: Whether it thinks first.
        gap_s: Seconds between two deltas.
        calls: What happens to the calls of Claude, one after the other; after these nothing does.
        cuts: Where they break, as a part of what is left of the text.
        overlaps: How many characters each call repeats, if it goes on.
        loses_question: Whether the answer to the first POST is lost.
        reading: What happens to the reader, in this order.
        places: When, as a part of the text.
        ends: ``whole``, ``doomed`` (Claude breaks each time), ``cancelled``, ``cancelled by key`` or ``left``.
    """

    number: int
    model: str
    text: str
    pieces: list[int]
    thinks: bool
    gap_s: float
    calls: list[str]
    cuts: list[float]
    overlaps: list[int]
    loses_question: bool
    reading: list[str]
    places: list[float]
    ends: str

    @property
    def question(self) -> dict[str, Any]:
        """What is sent to the gateway."""
        return {"model": self.model, "messages": [{"role": "user", "content": f"chaos:{self.number}"}]}

    @property
    def most_calls(self) -> int:
        """How often Claude may be asked."""
        return 1 + RETRIES + CONTINUATIONS if self.ends == "doomed" else 1 + len(self.calls)

    @property
    def digest(self) -> str:
        """Of the whole text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def make_plan(seed: int, number: int, faults: float) -> Plan:
    """Return the plan of generation *number* with about so many *faults*."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - no secret
    words = [f"{chance.getrandbits(40):x}{chance.choice(TAILS)}" for _ in range(chance.randrange(12, 90))]
    wanted = int(faults) + (chance.random() < faults % 1)
    of_claude = sum(chance.random() < 0.4 for _ in range(wanted))
    calls: list[str] = []
    for _ in range(min(of_claude, 3)):
        if "before" not in map(_when, calls) and chance.random() < 0.35:
            calls.append(chance.choice(BEFORE))
        elif sum(_when(each) == "after" for each in calls) < CONTINUATIONS:
            calls.append(chance.choice(SILENCES) if chance.random() < 0.08 else chance.choice(BREAKS))
    ends = chance.choices(["whole", "doomed", "cancelled", "cancelled by key", "left"], [90, 3, 3, 2, 2])[0]
    count = max(1 if ends in ("whole", "doomed") else 0, wanted - len(calls))
    return Plan(
        number=number,
        model=chance.choice(MODELS),
        text="".join(words),
        pieces=[chance.randrange(1, 16) for _ in range(20)],
        thinks=chance.random() < 0.25,
        gap_s=chance.choice([0, 0.002, 0.005, 0.01]),
        calls=calls,
        cuts=[chance.random() for _ in range(8)],
        overlaps=[chance.choice([0, 0, 0, chance.randrange(8, 200)]) for _ in range(8)],
        loses_question=chance.random() < 0.15,
        reading=[chance.choice(READING) for _ in range(count)],
        places=sorted(chance.random() for _ in range(count)),
        ends=ends,
    )


def _when(what: str) -> str:
    return "before" if what in BEFORE else "after"
