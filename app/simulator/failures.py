"""Which directives hold for a request: counted for each prompt (``times``), by turn, or by number (``every``)."""

from collections import OrderedDict
from collections.abc import Iterable

from app.simulator.conversation import Conversation
from app.simulator.directives import BREAKS, OPTIONS, Directive, parse

MAX_COUNTED = 10_000
"""Prompts that are counted; the oldest are forgotten."""


class Failures:
    """Counts requests, so that what should go wrong once goes wrong once."""

    def __init__(self) -> None:
        self._requests = 0
        self._counts: OrderedDict[str, int] = OrderedDict()

    def active(self, talk: Conversation, faults: Iterable[str]) -> tuple[Directive, ...]:
        """Count one request for the prompt of *talk*; return the directives that hold for it.

        Args:
            talk: The conversation up to the turn that is answered.
            faults: What goes wrong for every prompt, in the directive grammar.
        """
        self._requests += 1
        asked = [each for each in talk.directives if self._meant(each, talk, first="1")]
        always = [each for each in map(parse, faults) if self._meant(each, talk, first="")]
        return (
            *(each for each in asked if self._is_turn_of(each, talk, counted_for=talk.prompt)),
            *(each for each in always if self._is_turn_of(each, talk, counted_for="")),
        )

    def _meant(self, directive: Directive, talk: Conversation, first: str) -> bool:
        """Return whether this is the request of the tool loop that *directive* is for."""
        turn = directive.options.get("turn", first)
        return "turn" not in OPTIONS[directive.name] or not turn or int(turn) == talk.tool_rounds + 1

    def _is_turn_of(self, directive: Directive, talk: Conversation, counted_for: str) -> bool:
        if "every" in directive.options:
            number = self._count(f"every {directive}\0{counted_for}") if counted_for else self._requests
            if number % max(1, directive.integer("every", 1)):
                return False
            if "times" not in directive.options:
                return True
        if directive.name not in BREAKS:
            return True
        return self._still_fails(directive, talk)

    def _still_fails(self, directive: Directive, talk: Conversation) -> bool:
        """Count what goes wrong for a prompt: ``times``, then well, then from the start again."""
        key = f"{directive}\0{talk.prompt}"
        failed = self._count(key)
        fails = failed <= directive.integer("times", 1)
        if not fails:
            self._counts[key] = 0
        return fails

    def _count(self, key: str) -> int:
        self._counts[key] = self._counts.pop(key, 0) + 1
        while len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        return self._counts[key]
