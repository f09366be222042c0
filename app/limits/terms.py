"""What one client may ask for, and how much: the operator's general terms, or a token's own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # limits takes a tenth of a second to import, and who asks for --help would wait for it
    from limits import RateLimitItem

Rates: TypeAlias = "tuple[RateLimitItem, ...]"
"""So many in such a time; each of them holds."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one client may have.

    Attributes:
        models: Ids of the models it may ask; the first is the default.
        max_tokens: Greatest ``max_tokens`` of a request.
        default_max_tokens: ``max_tokens`` of a request that names none.
        rates: How often it may start a generation; none for as often as it likes.
        max_streams: How many generations it may have under way.
        budget: How many tokens it may use in which time, None for any number.
    """

    models: tuple[str, ...]
    max_tokens: int
    default_max_tokens: int
    rates: Rates
    max_streams: int
    budget: "RateLimitItem | None"


def rates(text: str) -> Rates:
    """Return what *text* says: ``60/minute``, or several with ``;`` between them.

    Raises:
        ValueError: it says nothing of the kind.
    """
    from limits import parse_many

    try:
        items = tuple(parse_many(text))
    except ValueError:
        items = ()
    if not items or not all(item.amount > 0 and item.get_expiry() > 0 for item in items):
        msg = "must be a number and a time, like 60/minute or 10/second;500/day"
        raise ValueError(msg)
    return items


def budget(text: str) -> "RateLimitItem":
    """Return what *text* says: ``1000000/day``.

    Raises:
        ValueError: it says nothing of the kind.
    """
    try:
        (item,) = rates(text)
    except ValueError:
        msg = "must be a number of tokens and a time, like 1000000/day"
        raise ValueError(msg) from None
    return item
