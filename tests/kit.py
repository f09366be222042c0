"""Tools for tests, registered by name as an operator registers his own."""

import asyncio
import threading
from typing import Annotated

from pydantic import BaseModel, Field


class Place(BaseModel):
    """Where it is."""

    city: str
    country: str = "PL"


GATES: dict[str, asyncio.Event] = {}
"""A call of ``wait_for`` returns when the gate of its name opens."""

STARTED: list[str] = []
CANCELLED: list[str] = []


async def add(a: int, b: Annotated[int, Field(description="the other")] = 1) -> int:
    """Add two numbers."""
    return a + b


def thread_name() -> str:
    """Tell which thread this runs in."""
    return threading.current_thread().name


async def wait_for(gate: str) -> str:
    """Wait for a gate."""
    STARTED.append(gate)
    try:
        await GATES[gate].wait()
    except asyncio.CancelledError:
        CANCELLED.append(gate)
        raise
    return f"through {gate}"


async def let_go(gate: str) -> str:
    """Take a while to end when it is cancelled: until a gate opens."""
    try:
        await asyncio.Event().wait()
    finally:
        await GATES[gate].wait()
        CANCELLED.append(gate)
    return "never"


async def fail() -> str:
    """Fail."""
    raise RuntimeError(" ".join(("the", "secret", "of", "the", "tool")))


async def flood() -> str:
    """Return too much."""
    return "x" * 1_000_000


async def raw() -> bytes:
    """Return bytes."""
    return b"\x00"


async def odd() -> object:
    """Return what is no JSON."""
    return object()


async def where(place: Place) -> Place:
    """Return a model."""
    return place


async def picture() -> list[dict[str, object]]:
    """Return content blocks."""
    return [{"type": "text", "text": "a picture"}]


async def nothing() -> None:
    """Return nothing."""


def _private() -> str:
    return "no tool"
