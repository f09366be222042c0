"""What answers cost: Claude's list prices, from a library that is kept up to date (genai-prices).

Its data come with it; nothing is fetched. They are Anthropic's, so another upstream's own models have no price.
"""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isclose
from typing import Any

from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from app.protocol.usage import Spent

PROVIDER = "anthropic"

DIGITS = 8
"""Of a dollar: a token of the cheapest kind costs more than 0.00000001 $."""

MANY = 1_000_000

KINDS: dict[str, dict[str, Any]] = {
    "input_tokens": {"input_tokens": MANY},
    "output_tokens": {"output_tokens": MANY},
    "cache_read_input_tokens": {"cache_read_input_tokens": MANY},
    "cache_creation_input_tokens": {"cache_creation_input_tokens": MANY},
    "cache_creation.ephemeral_1h_input_tokens": {
        "cache_creation_input_tokens": MANY,
        "cache_creation": {"ephemeral_1h_input_tokens": MANY},
    },
    "server_tool_use.web_search_requests": {"server_tool_use": {"web_search_requests": MANY}},
}
"""What is counted → the usage of many of it alone."""

INCLUDED = {
    "cache_creation.ephemeral_5m_input_tokens": "cache_creation_input_tokens",
    "output_tokens_details.thinking_tokens": "output_tokens",
}
"""What is counted → in which kind it is counted already, at the same price."""

PERIOD_S = 3600
"""How long rates are believed: some of the list's prices begin on a day."""


class Prices:
    """The price list. Reading it takes 0.2 s and 12 MB, so there is one for a process."""

    def __init__(self) -> None:
        self._snapshot: DataSnapshot = get_snapshot()
        self._rates = lru_cache(256)(self._find_rates)

    def of(self, messages: Sequence[Spent]) -> float | None:
        """Return what *messages* cost in US dollars; None when there are none, or the price of one is unknown."""
        costs = [self._cost(message) for message in messages]
        known = [cost for cost in costs if cost is not None]
        return round(sum(known), DIGITS) if known and len(known) == len(costs) else None

    def _cost(self, message: Spent) -> float | None:
        speed = message.usage.get("speed")
        speed = speed if isinstance(speed, str) else None
        counts = _counts(message.usage)
        if counts is not None and (rates := self._rates(message.model, speed, time.time() // PERIOD_S)):
            return sum(rates[kind] * count for kind, count in counts.items())
        return self._asked(message.model, speed, message.usage)

    def _asked(self, model: str | None, speed: str | None, usage: Mapping[str, Any]) -> float | None:
        """Return what the list says; that takes 0.1 ms."""
        said = {name: value for name, value in usage.items() if value is not None}
        whole = {"input_tokens": 0, "output_tokens": 0, **said}
        try:
            read = self._snapshot.extract_usage({"model": model, "usage": whole}, PROVIDER)
            cost = read.calc_price(price_context={"speed": speed} if speed else None)
        except (LookupError, ValueError, TypeError):
            return None  # an unknown model, or usage that is not of the known form
        return float(cost.total_price)

    def _find_rates(self, model: str | None, speed: str | None, _period: float) -> dict[str, float] | None:
        """Return what one of each kind costs; None if the model is unknown, or many of a kind have another price."""
        many = {kind: self._asked(model, speed, usage) for kind, usage in KINDS.items()}
        few = self._asked(model, speed, {"input_tokens": 1})
        rates = {kind: cost / MANY for kind, cost in many.items() if cost is not None}
        if few is None or len(rates) < len(KINDS) or not isclose(few, rates["input_tokens"]):
            return None
        return rates


def _counts(usage: Mapping[str, Any]) -> dict[str, int] | None:
    """Return how much of each kind *usage* has; None if there is anything in it that may have its own price."""
    counts: dict[str, int] = {}
    for name, value in usage.items():
        inner = (
            {f"{name}.{each}": count for each, count in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        for path, count in inner.items():
            if path in KINDS or path in INCLUDED:
                if type(count) is int and count >= 0:
                    counts[path] = count
                elif count is not None:
                    return None
            elif count and not isinstance(count, str):
                return None
    an_hour = counts.get("cache_creation.ephemeral_1h_input_tokens", 0)
    if an_hour:
        counts["cache_creation_input_tokens"] = counts.get("cache_creation_input_tokens", 0) - an_hour
    for path, whole in INCLUDED.items():
        if counts.pop(path, 0) > counts.get(whole, 0):
            return None
    return counts if all(count >= 0 for count in counts.values()) else None
