"""What the simulator says: prose to look at, chosen by what the prompt asks for.

The texts are the Markdown files of ``prose/``. The comment on a file's first line lists the words that choose
it, ``any`` for one that fits every question; ``{topic}`` is replaced by what the question is about.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from app.simulator.conversation import Conversation, result_text

FOLDER = Path(__file__).parent / "prose"
LONG_WORDS = 800
SHOWN_RESULT_CHARACTERS = 400

THOUGHTS = (
    "The question is about {topic}. Let me see what matters most here, and in what order to say it.",
    "First the plain idea, then an example that can be checked, then where it stops being true.",
    "I should keep it short, and say what I am not sure of.",
)
OPENINGS = ("Here is what I found:", "I looked it up:", "The tools have answered:")
CLOSINGS = ("So that settles the question.", "That should be enough to go on with.", "Shall I look further?")


@dataclass(frozen=True, slots=True)
class Prose:
    """One text and the words that choose it."""

    keys: tuple[str, ...]
    text: str

    def score(self, question: str) -> int:
        """Return how many of its words *question* has; those of other scripts need not stand alone."""
        return sum(
            bool(re.search(rf"\b{re.escape(key)}s?\b", question)) if key.isascii() else key in question
            for key in self.keys
        )


@cache
def library() -> tuple[Prose, ...]:
    """Return all texts, in the order of their names."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md")))
    found = []
    for text in texts:
        head, _, rest = text.partition("\n")
        keys = head.removeprefix("<!--").removesuffix("-->").split(",")
        found.append(Prose(tuple(key.strip() for key in keys), rest.strip()))
    return tuple(found)


def prose(conversation: Conversation, random: Random, words: int = 0) -> str:
    """Return the answer to the question of *conversation*, at least *words* long as far as there is text."""
    if results := conversation.results:
        said = [
            f"- `{name}` {'failed' if result.get('is_error') else 'says'}: "
            f"{result_text(result)[:SHOWN_RESULT_CHARACTERS] or 'nothing'}"
            for name, result in results
        ]
        return "\n\n".join((random.choice(OPENINGS), "\n".join(said), random.choice(CLOSINGS)))
    question = conversation.question
    asked = question.lower()
    scores = [(each.score(asked), each) for each in library()]
    best = max(score for score, _ in scores)
    chosen = random.choice(
        [each for score, each in scores if (score == best if best else each.keys == ("any",))]
    )
    text = chosen.text.replace("{topic}", _topic(question))
    if any(word in asked for word in ("long", "essay", "500 words", "detail")):
        words = max(words, LONG_WORDS)
    rest = [each.text for each in library() if each is not chosen and each.keys != ("any",)]
    random.shuffle(rest)
    parts = [text]
    count = len(text.split())
    while count < words:
        part = rest[(len(parts) - 1) % len(rest)]  # a very long answer repeats itself
        parts.append(part)
        count += len(part.split())
    return "\n\n---\n\n".join(parts)


def thought(conversation: Conversation) -> str:
    """Return what Claude might think before it answers."""
    if conversation.results:
        return "The tools have answered. Let me check whether that is all I need before I say it."
    return " ".join(THOUGHTS).replace("{topic}", _topic(conversation.question))


def _topic(question: str) -> str:
    words = [word.strip(".,;:!?\"'()") for word in question.split()]
    long = [word for word in words if len(word) > 3]
    return " ".join((long or words)[-3:]) or "this"
