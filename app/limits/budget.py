"""How many tokens a client may use in a time: reserved when an answer begins, settled by what it really used.

A window is the clock's: a budget for a day begins anew at midnight UTC. Balances live in this process; a restart
forgets them.
"""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem

from app.limits.rates import Standing, in_words
from app.producer import Ending, Produce, Teller
from app.protocol.errors import TooMany
from app.protocol.events import Delta, Event, Retry, Usage
from app.protocol.fold import Fold

MAX_BALANCES = 100_000
"""About 20 MB. Above, those that were used longest ago are forgotten."""

CHARACTERS_A_TOKEN = 4
"""By which is estimated what Claude has not counted yet."""

CHARACTERS_OF_A_FILE = 6000
"""What an image or a document counts for before Claude has counted it: 1,500 tokens, an image of a megapixel."""

COUNTED = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
"""What counts of Claude's usage, besides ``output_tokens``."""

STEP = 500
"""Tokens that are reserved at a time once an answer needs more than was thought."""

WAIT_S = 5
"""What a client is told to wait for an answer under way."""


@dataclass(slots=True)
class Balance:
    """What one client has used in its window.

    Attributes:
        window: Number of the window, counted from 1970.
        used: Tokens of answers that have ended in it.
        reserved: Tokens set aside for answers under way.
    """

    window: int = 0
    used: int = 0
    reserved: int = 0


class Budgets:
    """The balances of all clients."""

    def __init__(self) -> None:
        self._balances: OrderedDict[str, Balance] = OrderedDict()

    def within(self, produce: Produce, client: str, budget: RateLimitItem, body: dict[str, Any]) -> Produce:
        """Return *produce*, whose answer to *body* is kept within what *client* has left of *budget*.

        The first answer that a client has nothing left for is refused with TooMany; one that is under way ends with
        it once all is used.
        """

        async def produce_within(teller: Teller) -> Ending:
            purse = Purse(self._balance(client), budget)
            purse.reserve(_estimate(body) + int(body.get("max_tokens", 0)))
            watched = _Watched(teller, purse)
            try:
                ending = await produce(watched)
                watched.whole = not watched.broke
                return ending
            finally:
                purse.settle(watched.used())

        return produce_within

    def _balance(self, client: str) -> Balance:
        balance = self._balances.setdefault(client, Balance())
        self._balances.move_to_end(client)
        while len(self._balances) > MAX_BALANCES:
            self._balances.popitem(last=False)
        return balance


class Purse:
    """What one answer may use of a balance."""

    def __init__(self, balance: Balance, budget: RateLimitItem) -> None:
        self._balance = balance
        self._budget = budget
        self._held = 0

    def reserve(self, wanted: int) -> None:
        """Set *wanted* tokens aside, or what is left: a budget smaller than one answer is still of use.

        Raises:
            TooMany: nothing is left.
        """
        reset_s = self._in_window()
        left = self._budget.amount - self._balance.used - self._balance.reserved
        if left <= 0:
            raise self._refusal(reset_s)
        taken = min(wanted, left)
        self._balance.reserved += taken
        self._held += taken

    def _in_window(self) -> float:
        """Bring the balance into the window that it is now; return the seconds until the next."""
        now, length_s = time.time(), self._budget.get_expiry()
        window = int(now // length_s)
        if self._balance.window != window:
            self._balance.window, self._balance.used = window, 0
        return (window + 1) * length_s - now

    def _refusal(self, reset_s: float) -> TooMany:
        amount, length_s = self._budget.amount, self._budget.get_expiry()
        budget = f"Your budget of {amount:,} tokens in {in_words(length_s)} is"
        if self._balance.used + self._held < amount:  # what others do not use is there when they end
            msg = f"{budget} all used or set aside for answers under way. Wait for one to end."
            retry_after_s: float = WAIT_S
        else:
            msg = f"{budget} used up. It begins anew in {in_words(reset_s)}."
            retry_after_s = reset_s
        headers = Standing(amount, 0, reset_s, length_s).headers()
        return TooMany(msg, retry_after_s=retry_after_s, headers=headers, limit="token_budget")

    def spend(self, used: int) -> None:
        """Note that the answer has used *used* tokens so far.

        Raises:
            TooMany: that is more than the client has.
        """
        while used > self._held:
            self.reserve(max(STEP, used - self._held))

    def settle(self, used: int) -> None:
        """Note that the answer has ended and used *used* tokens in all; they count in the window that it is now."""
        self._in_window()
        self._balance.reserved -= self._held
        self._balance.used += used
        self._held = 0


class _Watched:
    """Tells on to *teller*, and notes what it costs.

    Attributes:
        broke: Claude has not counted all of it: a call was lost after content.
        whole: Claude has counted all of it.
    """

    def __init__(self, teller: Teller, purse: Purse) -> None:
        self.ledger = teller.ledger
        self.record = teller.record
        self.broke = False
        self.whole = False
        self._teller = teller
        self._purse = purse
        self._characters = 0

    @property
    def began(self) -> bool:
        return self._teller.began

    def answered(self, message_id: str | None, model: str | None) -> None:
        self._teller.answered(message_id, model)

    def elapsed_ms(self) -> int:
        return self._teller.elapsed_ms()

    def fold(self) -> Fold:
        return self._teller.fold()

    def say(self, *events: Event) -> None:
        """Tell *events* on.

        Raises:
            TooMany: the client's budget is used up.
        """
        self._teller.say(*events)
        for event in events:
            if isinstance(event, Delta):
                self._characters += len(event.piece)
            elif isinstance(event, Retry):
                self.broke = self.broke or self._characters > 0
        if any(isinstance(event, Delta | Retry | Usage) for event in events):
            self._purse.spend(self.used())

    def go_on(self, kind: type[Delta], index: int, piece: str) -> None:
        """Tell one more delta on.

        Raises:
            TooMany: the client's budget is used up.
        """
        self._teller.go_on(kind, index, piece)
        self._characters += len(piece)
        self._purse.spend(self.used())

    def used(self) -> int:
        """Return the tokens used so far: Claude's count, or what has been written, if that is more and not counted yet."""
        usage = self.ledger.total()
        written = 0 if self.whole else math.ceil(self._characters / CHARACTERS_A_TOKEN)
        return sum(_number(usage.get(name)) for name in COUNTED) + max(
            _number(usage.get("output_tokens")), written
        )


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _estimate(body: dict[str, Any]) -> int:
    """Return how many tokens *body* may have, from its size."""
    characters, waiting = 0, [body[name] for name in ("system", "tools", "messages") if name in body]
    while waiting:
        match waiting.pop():
            case {"type": "base64"}:
                characters += CHARACTERS_OF_A_FILE
            case dict() as fields:
                waiting.extend(fields.values())
            case list() as items:
                waiting.extend(items)
            case str() as text:
                characters += len(text)
            case _:
                pass
    return math.ceil(characters / CHARACTERS_A_TOKEN)
