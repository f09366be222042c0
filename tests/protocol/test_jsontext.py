"""JSON that somebody else wrote: nothing changes on the way through, and what is no JSON is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.jsontext import (
    FEW,
    MAX_DEPTH,
    NamedTwice,
    canonical,
    parse,
    parse_exactly,
    parse_strictly,
    render,
    sound,
    values,
    whole,
)

BIG = 25_000_000_000_000_000_000_001

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


def marks(value: Any) -> int:
    """Return how many commas and opening brackets *value* is written with, those in strings left out."""
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values() if isinstance(value, dict) else value)
    return 1 + max(0, len(inner) - 1) + sum(map(marks, inner))


@given(VALUES | st.lists(st.text('",[{\\')))
def test_values_are_counted_by_what_stands_outside_of_strings(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.protocol.jsontext.FEW", 0)
        assert values(json.dumps(value).encode(), 10_000) == marks(value)


def test_few_values_are_not_counted_and_no_more_than_is_asked_for() -> None:
    assert values(b'{"a": [1, 2, 3]}', 100) == 0
    assert values(b"[" * (2 * FEW), FEW + 1) == FEW + 2
    assert values(b'["%b"]' % (b"," * FEW), FEW) == 1
    assert values(b'["a"%b]' % (b',"a"' * FEW), 100) == 101


def test_a_string_without_end_is_looked_through_once() -> None:
    assert values(b"[" * FEW + b'"' + b'\\"' * 1_000_000 + b"\\", 2 * FEW) == FEW


ANY_TEXT = st.text(st.characters(exclude_categories=[]))
"""Also with surrogates that stand alone, and pairs of them."""


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        ('"🌍 é \\u2028"'.encode(), "🌍 é \u2028"),
        (b'"\\ud83c\\udf0d"', "🌍"),
        (b'"\\ud83c"', "\ud83c"),
        (b'{"\\udf0d": "a\\ud83cb"}', {"\udf0d": "a\ud83cb"}),
        (b'"\\u0000"', "\0"),
        (b"18446744073709551615", 2**64 - 1),
        (b"-0.1e-5", -0.1e-5),
    ],
)
def test_json_has_its_value_and_leaves_as_the_same_value(data: bytes, value: Any) -> None:
    assert parse(data) == value
    assert parse_exactly(data.decode()) == value
    assert parse(render(value)) == value
    assert b"\n" not in render(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{}{}",
        b"[DONE]",
        b'"\n"',
        b'"\\x"',
        b"NaN",
        b"[1e999]",
        b'"\xff"',
        b"[" * 100_000,
        # What the standard library alone would have taken, behind an escape that orjson refuses.
        b'["\\ud83d", NaN]',
        b'["\\ud83d", -Infinity]',
        b'["\\ud83d", 1e999]',
        b'["\\ud83d", "\xed\xa0\x80"]',
        b'\xef\xbb\xbf["\\ud83d"]',
        b'["\\ud83d"' + b"[" * 100_000,
        b'["\\ud83d", ' + b"9" * 5000 + b"]",
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(data)
    with pytest.raises(ValueError, match=r"."):
        parse_exactly(data.decode())


@pytest.mark.parametrize("inside", ["1", '"\\ud83d"'])
def test_what_is_nested_too_deeply_to_be_said_again_is_refused(inside: str) -> None:
    deepest = "[" * MAX_DEPTH + inside + "]" * MAX_DEPTH
    assert parse(render(parse(deepest.encode()))) == parse_exactly(deepest)
    with pytest.raises(ValueError, match="nested more than 400 levels deep"):
        parse(f'{{"a": {deepest}}}'.encode())
    with pytest.raises(ValueError, match="nested more than 400 levels deep"):
        parse_exactly(f"[{deepest}]")


def test_depth_is_found_beside_what_is_shallow() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    for text in (f'{{"a": [{deepest}], "b": {{"c": 1}}}}', f'[[{deepest}], {{"c": []}}]'):
        with pytest.raises(ValueError, match="levels deep"):
            parse(text.encode())
        with pytest.raises(ValueError, match="levels deep"):
            parse_exactly(text)


def test_many_brackets_are_not_depth() -> None:
    wide: Any = [[{"a": []}] for _ in range(MAX_DEPTH)]
    assert parse(render(wide)) == wide


def test_an_integer_keeps_all_its_digits_where_they_count() -> None:
    assert parse_exactly(f'{{"wei": {BIG}}}') == {"wei": BIG}
    assert render({"wei": BIG}) == b'{"wei":%d}' % BIG


@pytest.mark.parametrize("inside", [1, 2.5, BIG, "é", [[[]]], {"x": 1, "a": [{"d": None, "c": True}]}])
def test_members_have_one_canonical_order(inside: Any) -> None:
    one, other = {"a": inside, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": inside}
    assert canonical(one) == canonical(other) != canonical({"a": inside, "b": {"c": 2, "d": 1}})
    assert parse_exactly(canonical(one).decode()) == one


@pytest.mark.parametrize(
    ("text", "healed"),
    [
        ("abc", "abc"),
        ("\ud83c\udf0d", "🌍"),
        ("a\ud83c\udf0db\ud83c", "a🌍b\ud83c"),
        ("\udf0d\ud83c", "\udf0d\ud83c"),
        ("\ufeff\ud83c\udf0d", "\ufeff🌍"),
    ],
)
def test_a_character_that_was_cut_in_two_is_one_again(text: str, healed: str) -> None:
    assert whole(text) == healed


@pytest.mark.parametrize(
    ("text", "sounded"),
    [("aż🌍", "aż🌍"), ("a\udcff", "a\ufffd"), ("\ud83c\udf0d", "🌍"), ("\udf0d\ud83c", "\ufffd\ufffd")],
)
def test_half_a_character_is_replaced_for_those_who_take_none(text: str, sounded: str) -> None:
    assert sound(text) == sounded


@given(VALUES, st.sampled_from([BIG, "\ud83c", {"\udf0d": 1}]))
def test_what_stands_beside_a_value_does_not_change_its_bytes(value: Any, odd: Any) -> None:
    prefix = render([value])[:-1]
    assert render([value, odd]).startswith(prefix + b",")
    assert render({"a": value, "b": odd}).startswith(render({"a": value})[:-1] + b",")


@given(VALUES)
def test_any_value_survives(value: Any) -> None:
    assert parse(render(value)) == value
    assert parse_exactly(render(value).decode()) == value


@given(ANY_TEXT)
def test_any_text_survives_also_with_half_characters(text: str) -> None:
    assert parse(render({"text": text})) == {"text": whole(text)}
    assert whole(whole(text)) == whole(text)
    assert json.loads(render(text)) == whole(text)


@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from([b"[", b"]", b'"', b"\\ud83d", b"\\u", b"1", b",", b"\xed"])).map(b"".join)
)
def test_any_bytes_have_a_value_that_can_be_said_or_are_refused(data: bytes) -> None:
    try:
        value = parse(data)
    except ValueError:
        return
    assert parse(render(value)) == value


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**70), 10**30])
def test_strictly_parsed_integers_of_any_size_stay_what_they_are(number: int) -> None:
    assert parse_strictly(f'{{"n": {number}, "s": "ż"}}'.encode()) == {"n": number, "s": "ż"}
    assert parse_strictly(render({"n": number})) == {"n": number}


@pytest.mark.parametrize("data", [b'{"a": 1, "b": 2, "a": 1}', b'[{"b": [{"\\u0061": {}, "a": {}}]}]'])
def test_strictly_parsed_objects_name_nothing_twice(data: bytes) -> None:
    assert parse(data)
    with pytest.raises(NamedTwice, match=r"^a$"):
        parse_strictly(data)


@pytest.mark.parametrize(
    "data",
    [b'"\\ud83d"', b"[NaN]", b"[1e999]", b"{", b'"\xff"', b"[" * 500 + b"]" * 500, b"[" * 1000 + b"]" * 1000],
)
def test_strictly_parsed_text_has_no_halves_of_characters(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what orjson and json say is theirs
        parse_strictly(data)
