"""The models a browser may choose from: the allow-list, described by Claude's models endpoint."""

import asyncio
import logging
import time
from typing import Any

from app.protocol.errors import Problem
from app.upstream.client import Upstream

logger = logging.getLogger(__name__)

FRESH_S = 600
"""How long a list is served before Claude is asked again."""

FAILED_S = 15
"""How long after a failure Claude is not asked again."""

FIELDS = ("display_name", "created_at", "lifecycle", "line", "max_input_tokens", "max_tokens", "capabilities")


class Catalogue:
    """The models with their limits and capabilities.

    Args:
        upstream: Who describes them.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._known: dict[str, dict[str, Any]] = {}
        self._stale_at = 0.0
        self._asking = asyncio.Lock()

    async def models(self, allowed: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the *allowed* models in that order; fields that Claude does not give are None."""
        async with self._asking:
            if time.monotonic() >= self._stale_at:
                await self._ask()
        return [self._describe(name) for name in allowed]

    async def _ask(self) -> None:
        try:
            listed = await self._upstream.models()
        except Problem as problem:
            # The settings' list is served instead: a picker without limits beats none.
            logger.warning("the list of models is not to be had: %s", problem.why or problem.type)
            self._stale_at = time.monotonic() + FAILED_S
        else:
            self._known = {model["id"]: model for model in listed}
            self._stale_at = time.monotonic() + FRESH_S

    def _describe(self, name: str) -> dict[str, Any]:
        known = self._known.get(name, {})
        described = {"id": name, "type": "model"} | {field: known.get(field) for field in FIELDS}
        return described | {"display_name": known.get("display_name") or name}
