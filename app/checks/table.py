"""The table that ``check`` prints: a row for each thing, whether it works, and what to know or to do about it."""

from collections.abc import Sequence
from typing import NamedTuple

from app.logs import printable


class Row(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: What it is.
        works: Whether it is as it should be.
        said: What was found; where it does not work, whose fault that is and what to do.
    """

    name: str
    works: bool
    said: str


def lines(rows: Sequence[Row]) -> list[str]:
    """Return *rows* in columns, a line each."""
    width = max(len(row.name) for row in rows)
    return [f"{'ok  ' if row.works else 'FAIL'}  {row.name:<{width}}  {printable(row.said)}" for row in rows]
