"""After each of these tests everything it started is gone: tasks, sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

OPEN = Path("/proc/self/fd")
"""Where Linux lists what a process has open; elsewhere sockets are not looked at."""

SETTLE_S = 5
"""What a test has closed is gone after a few turns of the loop; what is not by then never will be."""


def _sockets() -> frozenset[str]:
    found = set()
    for entry in OPEN.iterdir() if OPEN.is_dir() else ():
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
    before, sockets = asyncio.all_tasks(), _sockets()
    yield

    def left_over() -> list[str]:
        tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
        return [*map(repr, tasks), *(_sockets() - sockets)]

    try:
        async with asyncio.timeout(SETTLE_S):
            while left_over():  # noqa: ASYNC110 - nobody tells when a socket is closed
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(f"left over: {left_over()}") from None
