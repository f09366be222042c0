"""One simulator for each test: what goes wrong is counted for each prompt."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.kit import Talk, talking


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """Give a simulator as fast as it can, and a client of it."""
    async with talking() as each:
        yield each
