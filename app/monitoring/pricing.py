"""What answers cost: Claude's list prices, from a library that is kept up to date (genai-prices).

Its data come with it; nothing is fetched. They are Anthropic's, so another upstream's own models have no price.
"""

from collections.abc import Sequence

from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from app.protocol.usage import Spent

PROVIDER = "anthropic"

DIGITS = 8
"""Of a dollar: a token of the cheapest kind costs more than 0.00000001 $."""


class Prices:
    """The price list. Reading it takes 0.2 s and 12 MB, so there is one for a process."""

    def __init__(self) -> None:
        self._snapshot: DataSnapshot = get_snapshot()

    def of(self, messages: Sequence[Spent]) -> float | None:
        """Return what *messages* cost in US dollars; None when there are none, or the price of one is unknown.

        Takes 0.1 ms a message.
        """
        costs = [self._cost(message) for message in messages]
        known = [cost for cost in costs if cost is not None]
        return round(sum(known), DIGITS) if known and len(known) == len(costs) else None

    def _cost(self, message: Spent) -> float | None:
        usage = {"input_tokens": 0, "output_tokens": 0, **message.usage}
        speed = usage.get("speed")
        try:
            read = self._snapshot.extract_usage({"model": message.model, "usage": usage}, PROVIDER)
            cost = read.calc_price(price_context={"speed": speed} if isinstance(speed, str) else None)
        except (LookupError, ValueError, TypeError):
            return None  # an unknown model, or usage that is not of the known form
        return float(cost.total_price)
