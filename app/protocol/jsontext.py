r"""JSON bytes ↔ values, for text that somebody else wrote.

orjson does the work. It refuses lone surrogates (``"\ud83d"``), which JSON allows and JavaScript takes, and
which appear when a stream cuts a character in two. Nothing may be lost, so those rare texts go the slow way
through the standard library and leave as the escapes that came in.

What the parsers take, ``render`` can say.
"""

import json
import math
import re
from collections import Counter
from typing import Any

import orjson

FEW = 30_000
"""Values that are not worth being counted."""

STRING = re.compile(rb'"(?:[^"\\]+|\\.)*+"?', re.DOTALL)
"""One without end is a string, too: looked for from each of its quotes, its end would take a time that grows with the
square of its length."""

MAX_DEPTH = 400
"""Levels of nesting. The standard library's encoder gives up below 1,000, the stack it is called on included."""


class NamedTwice(ValueError):
    """An object has two values for one name, which is the message."""


def parse(data: bytes) -> Any:
    """Return the value of *data*, which may hold halves of characters.

    Raises:
        ValueError: *data* is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\u" not in data:
            raise
        return parse_exactly(data.decode())
    return value if len(data) <= 2 * MAX_DEPTH else _of_bounded_depth(data, value)


Written = orjson.Fragment
"""A part of what ``render`` is given that is JSON already."""


def values(data: bytes, most: int) -> int:
    """Return about how many values *data* holds, which may be no JSON: up to *most* and one; 0 if they are few.

    Parsed, each takes 30 to 150 bytes and 0.2 to 0.6 µs (measured), however short it is written.
    """
    if len(data) < FEW or _marks(data) < FEW:  # those in strings included
        return 0
    strings = (data.count(b'"') - data.count(b'\\"')) // 2
    if strings > 2 * most:  # at the worst every other one is a name
        return most + 1
    return min(_marks(STRING.sub(b"", data)), most + 1)


def _marks(data: bytes) -> int:
    """Return how many marks *data* has before each of which, or behind it, a value stands."""
    return sum(map(data.count, (b",", b"[", b"{")))


def parse_strictly(data: bytes) -> Any:
    """Return the value of *data*, in which characters are whole, integers have any size and names stand once.

    Of two values for one name, one program takes the first and another the last (RFC 8259, §4). If one of them checks
    what the other does, that is a hole.

    Raises:
        NamedTwice: an object of *data* has a name twice.
        ValueError: *data* is not JSON in UTF-8, or is nested too deeply.
    """
    orjson.loads(data)  # for what it refuses: halves of characters, what is infinite
    try:
        value = json.loads(data.decode(), object_pairs_hook=_named_once)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    return _of_bounded_depth(data, value)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise NamedTwice(name)
    return value


def _of_bounded_depth(data: bytes, value: Any) -> Any:
    opened = 0
    for bracket in (b"[", b"{"):  # counting them all takes ten times as long where there are few
        at = -1
        while opened <= MAX_DEPTH and (at := data.find(bracket, at + 1)) >= 0:
            opened += 1
    if opened > MAX_DEPTH:
        _check_depth(value)
    return value


def parse_exactly(text: str) -> Any:
    """Return the value of *text*, in which surrogates may stand alone and integers have any size.

    orjson makes a float of an integer above 64 bits. That is all right for Claude's own fields, and not for the
    input of a call, where it may be an account number or an amount.

    Raises:
        ValueError: *text* is not JSON, or is nested too deeply.
    """
    try:
        value = json.loads(whole(text), parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    _check_depth(value)
    return value


def render(value: Any) -> bytes:
    """Return *value* as JSON on one line; equal parts of two values are equal bytes in both.

    Claude's prompt cache lives on that: a character or a number in one message must not change how all the
    messages before it are written.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return _rendered(value)


def canonical(value: Any) -> bytes:
    """Return *value*, in which characters are whole, as bytes that do not depend on the order of objects' members."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer above 64 bits, deep nesting
        return json.dumps(value, sort_keys=True).encode()


def _rendered(value: Any) -> bytes:
    """Return what orjson would, also of deeper nesting, larger integers and halves of characters."""
    # Loops, not comprehensions: each of those would be one more level on the stack.
    pieces: list[bytes] = []
    if isinstance(value, dict):
        for name, item in value.items():
            pieces.append(_rendered(name) + b":" + _rendered(item))
        return b"{" + b",".join(pieces) + b"}"
    if isinstance(value, list):
        for item in value:
            pieces.append(_rendered(item))  # noqa: PERF401
        return b"[" + b",".join(pieces) + b"]"
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def whole(text: str) -> str:
    """Return *text* with the characters whole again that were cut between their surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text


def sound(text: str) -> str:
    """Return *text* with U+FFFD for each half of a character, as others write it who take no halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        msg = f"{number:.20} is no number in JSON, or none that a float can hold"
        raise ValueError(msg)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return
        level = inner
    msg = f"JSON is nested more than {MAX_DEPTH} levels deep"
    raise ValueError(msg)
