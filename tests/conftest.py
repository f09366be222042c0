"""What all tests share."""

import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tests.patient import PatientLoop

if TYPE_CHECKING:
    from tests.running import Program
    from tests.scripted import ScriptedClaude

# The gateway is started some thirty times here, and its modules are to be compiled once, whatever the environment says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How property tests run: no clock decides, and nothing is written beside the code.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir(), "hypothesis")))
settings.register_profile(
    "clockless",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    print_blob=True,
)
settings.load_profile("clockless")

FIRST = (
    "page/test_conversations",
    "page/test_page",
    "page/test_markdown",
    "page/",
    "faults/test_signals",
    "test_program",
    "faults/",
    "test_durability",
    "test_breaks",
    "test_openapi",
    "mcp/",
    "test_malformed",
    "test_check_url",
)
"""What takes longest begins first, so that no core is idle in the end; the page's together, since they share a browser."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((n for n, each in enumerate(FIRST) if name.startswith(each)), len(FIRST))

    items.sort(key=place)


def pytest_asyncio_loop_factories() -> dict[str, type[PatientLoop]]:
    return {"patient": PatientLoop}


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith(("GATEWAY_", "ANTHROPIC_"))]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take back what a test, or the program that it runs, has had logged: other tests would pay for the lines."""
    root, server = logging.getLogger(), logging.getLogger("uvicorn.error")
    level, of_server = root.level, server.level
    yield
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # pytest's own are of types of their own
            root.removeHandler(handler)
    root.setLevel(level)
    server.setLevel(of_server)


@pytest.fixture(scope="session")
def demo() -> Iterator["Program"]:
    """Run a gateway in demo mode, with the simulator as fast as it can."""
    from tests.running import program  # which xdist's main process does without

    with program(SIMULATOR_SPEED="0") as running:
        yield running


@pytest.fixture(scope="session")
def gateway(demo: "Program") -> str:
    """Return its address."""
    return demo.url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def claude() -> AsyncIterator["ScriptedClaude"]:
    """Run a Claude that always says "ok", for the tests of one module."""
    from tests.scripted import ScriptedClaude, saying

    async with ScriptedClaude(lambda _: saying("ok")) as claude:
        yield claude


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two calls of Claude, unless it asks for it."""
    monkeypatch.setattr("app.patience.BACKOFF_S", 0)


@pytest.fixture
def needs() -> Callable[[bool, str], None]:
    """Skip where a program is missing, but fail in CI, which installs it."""

    def check(there: bool, what: str) -> None:
        if not there:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not installed")

    return check
