"""Two harmless tools, to see how tools are written and what they look like; demo mode registers them."""

import secrets
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field


def current_time(
    time_zone: Annotated[str, Field(description="IANA name, such as Europe/Warsaw")] = "UTC",
) -> str:
    """Tell the current date and time in a time zone."""
    try:
        zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        msg = f"there is no time zone {time_zone!r}"
        raise ValueError(msg) from error
    return datetime.now(zone).strftime("%A, %d %B %Y, %H:%M:%S %Z")


async def roll_dice(
    sides: Annotated[int, Field(ge=2, le=1000, description="of each die")] = 6,
    count: Annotated[int, Field(ge=1, le=100, description="how many dice")] = 1,
) -> dict[str, object]:
    """Roll dice and return each roll and the total."""
    rolls = [secrets.randbelow(sides) + 1 for _ in range(count)]
    return {"rolls": rolls, "total": sum(rolls)}
