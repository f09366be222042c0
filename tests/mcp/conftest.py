"""A server that does wrong, for each test."""

from pathlib import Path

import pytest

from tests.mcp.rig import Wrong


@pytest.fixture
def wrong(tmp_path: Path) -> Wrong:
    return Wrong(tmp_path / "starts")
