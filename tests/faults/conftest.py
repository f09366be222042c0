"""After each of these tests everything it started is gone: tasks, sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.rig import is_one_per_process

SETTLE_S = 5
"""What a test has closed is gone after a few turns of the loop; what is not by then never will be."""


def _sockets() -> frozenset[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:  # the one that lists the folder
            continue
        if target.startswith("socket:"):
            found.add(target)
    return frozenset(found)


@pytest_asyncio.fixture(autouse=True)
async def _leaves_nothing() -> AsyncIterator[None]:
    """Fail a test that leaves a task or a socket behind."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before, sockets = asyncio.all_tasks(), _sockets()
    yield

    def left_over() -> list[str]:
        tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
        return [*(repr(task) for task in tasks if not is_one_per_process(task)), *(_sockets() - sockets)]

    try:
        async with asyncio.timeout(SETTLE_S):
            while left_over():
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"left over: {left_over()}") from None
