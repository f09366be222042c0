"""What messages cost, by the list of a library that is kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.monitoring.pricing import Prices
from app.protocol.usage import Spent


@pytest.fixture(scope="module")
def prices() -> Prices:
    return Prices()


@pytest.mark.parametrize(
    ("messages", "cost"),
    [
        ([], None),
        ([Spent("claude-opus-5-5", {"input_tokens": 1_000_000, "output_tokens": 0})], 4.0),
        # Messages add up, each at the price of who answered; one that is unknown makes the sum unknown.
        (
            [
                Spent("claude-opus-5-5", {"output_tokens": 1000}),
                Spent("claude-haiku-4-5", {"output_tokens": 1000}),
            ],
            0.025,
        ),
        ([Spent("claude-opus-5-5", {"output_tokens": 1000}), Spent("own", {"output_tokens": 1})], None),
        ([Spent(None, {"output_tokens": 1})], None),
        ([Spent("claude-opus-5-5", {"output_tokens": "many"})], None),
        ([Spent("claude-opus-5-5", {"output_tokens": 1000, "speed": "fast"})], 0.04),
        # What is kept in the cache for an hour costs more; a search by Claude's server has its own price.
        (
            [
                Spent(
                    "claude-opus-5-5",
                    {
                        "cache_creation_input_tokens": 2000,
                        "cache_creation": {
                            "ephemeral_5m_input_tokens": 1000,
                            "ephemeral_1h_input_tokens": 1000,
                        },
                        "server_tool_use": {"web_search_requests": 3},
                    },
                )
            ],
            0.005 + 0.008 + 0.03,
        ),
    ],
)
def test_prices_are_claudes(prices: Prices, messages: list[Spent], cost: float | None) -> None:
    assert prices.of(messages) == (cost if cost is None else pytest.approx(cost))


COUNTS = st.integers(0, 3_000_000) | st.sampled_from([0, None])


@given(
    model=st.sampled_from(
        [
            "claude-opus-5-5",
            "claude-sonnet-5-5",
            "claude-haiku-4-5",
            "claude-sonnet-4-5",
            "claude-v1",
            "own",
            None,
        ]
    ),
    usage=st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": COUNTS,
            "output_tokens": COUNTS,
            "cache_read_input_tokens": COUNTS,
            "cache_creation_input_tokens": COUNTS,
            "cache_creation": st.fixed_dictionaries(
                {}, optional={"ephemeral_5m_input_tokens": COUNTS, "ephemeral_1h_input_tokens": COUNTS}
            ),
            "server_tool_use": st.fixed_dictionaries(
                {}, optional={"web_search_requests": COUNTS, "web_fetch_requests": COUNTS}
            ),
            "output_tokens_details": st.fixed_dictionaries({}, optional={"thinking_tokens": COUNTS}),
            "speed": st.sampled_from(["fast", "standard", None]),
            "service_tier": st.just("standard"),
            "iterations": st.just([{"input_tokens": 7}]),
            "input_tokens_details": st.just({"input_tokens": 9}),
        },
    ),
)
def test_what_known_kinds_cost_is_what_the_list_says_of_them_together(
    prices: Prices, model: str | None, usage: dict[str, Any]
) -> None:
    speed = usage.get("speed")
    listed = prices._asked(model, speed, usage)
    assert prices.of([Spent(model, usage)]) == (listed if listed is None else pytest.approx(listed, abs=1e-8))
