"""When Python looks for garbage that only its collector can find.

A full collection goes through all objects there are, the logs of all answers included, and meanwhile no delta passes:
with 200 paced streams one delta in a hundred came 77 ms late; without such collections it was 21 ms with 500 (measured).
No answer leaves such garbage behind, however it ends (tests/test_collector.py), so there is little, and the time to look
for it is when nobody is being answered; under unbroken load that happens a hundred times less often than by default.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

RARELY = 1000
"""Collections of young objects between two full ones; Python's own number is 10."""

QUIET_S = 30
"""How often to see whether this is a quiet moment."""


@asynccontextmanager
async def collecting_in_quiet_moments(under_way: Callable[[], int]) -> AsyncIterator[None]:
    """Keep full collections away from answers while the context is open.

    Args:
        under_way: Tells how many there are.
    """
    gc.collect()
    gc.freeze()  # what start-up made stays for ever
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, RARELY)
    watching = asyncio.get_running_loop().create_task(_collect_in_quiet_moments(under_way), name="collector")
    try:
        yield
    finally:
        watching.cancel()
        gc.set_threshold(young, middle, old)


async def _collect_in_quiet_moments(under_way: Callable[[], int]) -> None:
    while True:
        await asyncio.sleep(QUIET_S)
        if not under_way():
            gc.collect()
