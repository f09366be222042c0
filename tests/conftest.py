"""What all tests share."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.running import program


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith(("GATEWAY_", "ANTHROPIC_"))]:
        del os.environ[name]


@pytest.fixture(scope="session")
def gateway() -> Iterator[str]:
    """Return the address of a gateway in demo mode, with the simulator as fast as it can."""
    with program(SIMULATOR_SPEED="0") as running:
        yield running.url


@pytest.fixture
def needs() -> Callable[[bool, str], None]:
    """Skip where a program is missing, but fail in CI, which installs it."""

    def check(there: bool, what: str) -> None:
        if not there:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not installed")

    return check
