"""Text to tokens: cut the way Claude's deltas are cut, and counted roughly as Claude counts.

A piece is what one delta carries: a word with the blank before it, part of a long word, a few characters of a
script without blanks, some punctuation. Emoji made of several code points may be cut between them, as in real
streams: a client must put the pieces together before it looks at them.
"""

import re
from math import ceil

_PIECE = re.compile(
    r"\s?[A-Za-z\u00c0-\u024f'’]{1,12}"  # words, long ones in parts
    r"|\s?\d{1,3}"
    r"|\s?[^\W\d_]{1,4}"  # other scripts
    r"|\n+[ ]*"
    r"|\s?[^\w\s]{1,3}"  # punctuation, and emoji cut anywhere
    r"|.",
    re.DOTALL,
)

CHARACTERS_PER_TOKEN = 3.7
"""Of input text; English prose measures 3.5–4.5."""


def pieces(text: str) -> list[str]:
    """Return *text* cut into tokens; joined they are *text* again."""
    return _PIECE.findall(text)


def token_count(text: str) -> int:
    """Return how many tokens an answer's *text* has: exactly one for each piece."""
    return len(_PIECE.findall(text))


def estimated_tokens(characters: int) -> int:
    """Return about how many tokens an input of this many *characters* has."""
    return ceil(characters / CHARACTERS_PER_TOKEN)
