"""What a generation cost, summed as Claude means it, and the digest of what it said."""

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.usage import LONG, TOGETHER, Ledger, Spent, TextDigest
from tests.protocol.cutting import PLACES, cut_text


def total(*messages: list[dict[str, Any]]) -> dict[str, Any]:
    ledger = Ledger()
    for reports in messages:
        ledger.begin()
        for report in reports:
            ledger.report(report)
    return ledger.total()


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], {}),
        ([[{}]], {}),
        # Within a message: cumulative, so the last value counts.
        (
            [[{"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 7}]],
            {"input_tokens": 9, "output_tokens": 7},
        ),
        ([[{"output_tokens": 7}, {"output_tokens": 3}]], {"output_tokens": 3}),
        ([[{"output_tokens": 7}, {"output_tokens": None}]], {"output_tokens": 7}),
        ([[{"cache_creation": None}]], {"cache_creation": None}),
        ([[{"cache": {"a": 1, "b": 2}}, {"cache": {"a": 5}}]], {"cache": {"a": 5}}),
        ([[{"iterations": [1]}, {"iterations": [1, 2]}]], {"iterations": [1, 2]}),
        # Over messages: numbers add up, also nested ones; of anything else the last counts.
        ([[{"output_tokens": 7}], [{"output_tokens": 5}]], {"output_tokens": 12}),
        ([[{"cache": {"a": 1, "b": 2}}], [{"cache": {"a": 5, "c": 1}}]], {"cache": {"a": 6, "b": 2, "c": 1}}),
        ([[{"tier": "standard"}], [{"tier": "priority"}]], {"tier": "priority"}),
        ([[{"tier": "standard"}], [{"tier": None}]], {"tier": "standard"}),
        ([[{"iterations": [1]}], [{"iterations": [2]}]], {"iterations": [2]}),
        ([[{"a": None}], [{"a": 3}]], {"a": 3}),
        ([[{"a": 3}], [{"b": 4}]], {"a": 3, "b": 4}),
        ([[{"a": 1.5}], [{"a": 2}]], {"a": 3.5}),
        # Nothing else is a number, and shapes may change.
        ([[{"flag": True}], [{"flag": True}]], {"flag": True}),
        ([[{"a": {"b": 1}}], [{"a": 3}]], {"a": 3}),
        ([[{"a": 3}], [{"a": {"b": 1}}]], {"a": {"b": 1}}),
        ([[{"a": 10**30}], [{"a": 10**30}]], {"a": 2 * 10**30}),
        # A count that is none is left out.
        (
            [[{"input_tokens": 3, "output_tokens": 7}, {"input_tokens": [1], "output_tokens": -1}]],
            {"input_tokens": 3, "output_tokens": 7},
        ),
        ([[{"input_tokens": "5", "output_tokens": True, "cache_read_input_tokens": math.inf}]], {}),
    ],
)
def test_usage_is_summed_as_claude_means_it(
    messages: list[list[dict[str, Any]]], expected: dict[str, Any]
) -> None:
    assert total(*messages) == expected


def test_a_total_that_was_given_out_does_not_change_afterwards() -> None:
    ledger = Ledger()
    ledger.report({"cache": {"a": 1}, "output_tokens": 1})
    first = ledger.total()
    ledger.begin()
    ledger.report({"cache": {"a": 1}, "output_tokens": 1})
    assert first == {"cache": {"a": 1}, "output_tokens": 1}
    assert ledger.total() == {"cache": {"a": 2}, "output_tokens": 2}


def test_what_each_message_took_is_kept_with_its_model_and_whether_claude_had_ended_it() -> None:
    ledger = Ledger()
    ledger.begin("claude-a")
    ledger.report({"output_tokens": 1})
    ledger.begin("claude-b")
    ledger.report({"output_tokens": 1})
    ledger.report({"output_tokens": 7}, final=True)
    ledger.report({"output_tokens": 8})
    assert ledger.messages == [
        Spent("claude-a", {"output_tokens": 1}, final=False),
        Spent("claude-b", {"output_tokens": 8}, final=True),
    ]


REPORTS = st.lists(
    st.lists(
        st.dictionaries(
            st.sampled_from("abc"),
            st.none() | st.integers(0, 99) | st.dictionaries(st.sampled_from("xy"), st.integers(0, 99)),
        ),
        max_size=4,
    ),
    max_size=4,
)


@given(REPORTS)
def test_a_number_is_the_sum_of_the_last_that_each_message_gave(messages: list[list[dict[str, Any]]]) -> None:
    got = total(*messages)
    for name in "abc":
        lasts = [[r[name] for r in reports if r.get(name) is not None][-1:] for reports in messages]
        said = [value for last in lasts for value in last]
        if said and all(isinstance(value, int) for value in said):
            assert got[name] == sum(said)
        elif said and all(isinstance(value, dict) for value in said):
            for key in "xy":
                assert got[name].get(key, 0) == sum(value.get(key, 0) for value in said)
        elif not said:
            assert got.get(name) is None


def sha256(text: str) -> str:
    """Return the digest of *text* as a browser's TextEncoder would encode it."""
    units = text.encode("utf-16-le", "surrogatepass")
    return hashlib.sha256(units.decode("utf-16-le", "replace").encode()).hexdigest()


@pytest.mark.parametrize(
    ("pieces", "encoded"),
    [
        ([], b""),
        (["", ""], b""),
        (["a", "é", "🌍"], "aé🌍".encode()),
        (["a\ud83c", "\udf0db"], "a🌍b".encode()),
        (["a\ud83c", "", "\udf0d"], "a🌍".encode()),
        (["\ud83c\udf0d"], "🌍".encode()),
        (["\ud800", "\udc00", "\udbff", "\udfff"], "\U00010000\U0010ffff".encode()),
        (["\ud83c"], b"\xef\xbf\xbd"),
        (["\ud83c", "b"], b"\xef\xbf\xbdb"),
        (["\udf0d", "\ud83c"], b"\xef\xbf\xbd" * 2),
        (["\ud83c", "\ud83c", "\udf0d"], b"\xef\xbf\xbd" + "🌍".encode()),
        (["\ufeff\ud83c", "\udf0d"], "\ufeff🌍".encode()),
    ],
)
def test_the_digest_is_that_of_the_whole_text_in_utf_8(pieces: list[str], encoded: bytes) -> None:
    digest = TextDigest()
    for piece in pieces:
        digest.update(piece)
        digest.hexdigest()  # asking changes nothing
    assert digest.hexdigest() == hashlib.sha256(encoded).hexdigest() == sha256("".join(pieces))


@pytest.mark.parametrize("end", ["", "\ud83c"])
def test_the_digest_is_the_same_of_many_pieces_and_of_long_ones(end: str) -> None:
    digest = TextDigest()
    pieces = [*["\ud83c", "\udf0d", "a"] * (TOGETHER + 1), "b" * (LONG + 1), "c" * (LONG + 1) + end, "d"]
    for piece in pieces:
        digest.update(piece)
    assert digest.hexdigest() == sha256("".join(pieces))


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("🌍\ud83c\udf0d\ufeff")), PLACES)
def test_the_digest_does_not_depend_on_the_cuts_also_inside_characters(text: str, places: list[int]) -> None:
    digest = TextDigest()
    for piece in cut_text(text, places):
        digest.update(piece)
    assert digest.hexdigest() == sha256(text)
