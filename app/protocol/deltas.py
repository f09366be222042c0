"""Pieces of one and the same text, thinking or input: whether they join, and into what."""

from collections.abc import Sequence

from app.protocol.events import Delta, Event, Thinking


def joins(first: Event, second: Event) -> bool:
    """Say whether both are pieces of one and the same thing, so that one event can carry them."""
    # Not a match statement: this runs for every token.
    return (
        isinstance(first, Delta)
        and isinstance(second, Delta)
        and type(first) is type(second)
        and first.index == second.index
    )


def join(pieces: Sequence[Event]) -> Event:
    """Return one event that says what *pieces*, neighbours of which any two join, say one after the other."""
    first = pieces[0]
    if not isinstance(first, Delta):
        return first
    text = "".join(each.piece for each in pieces if isinstance(each, Delta))
    if isinstance(first, Thinking):
        estimates = [each.estimated_tokens for each in pieces if isinstance(each, Thinking)]
        known = [estimate for estimate in estimates if estimate is not None]
        return Thinking(text, first.index, sum(known) if known else None)
    return type(first)(text, first.index)


def utf16_length(text: str) -> int:
    """Return how many code units *text* has in UTF-16, which is what JavaScript counts."""
    return len(text) + sum(character > "\uffff" for character in text)
