r"""JSON bytes ↔ values, for text that somebody else wrote.

orjson does the work. It refuses lone surrogates (``"\ud83d"``), which JSON allows and JavaScript takes, and
which appear when a stream cuts a character in two. Nothing may be lost, so those rare texts go the slow way
through the standard library and leave as the escapes that came in.
"""

import json
from typing import Any

import orjson


def parse(data: bytes) -> Any:
    """Return the value of *data*.

    Raises:
        ValueError: *data* is not JSON in UTF-8, or is nested too deeply.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\u" not in data:
            raise
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError(str(error)) from error


def render(value: Any) -> bytes:
    """Return *value* as JSON on one line."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
