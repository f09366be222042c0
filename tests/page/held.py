"""A Claude that says as much of its answer as the test lets it: so that something can happen meanwhile, however long that takes."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from anyio.from_thread import BlockingPortal

from tests.scripted import Call, saying

STOPS = 3
BETWEEN = 60
LINES = [f"Line {n} of the answer.\n\n" for n in range(1, (STOPS + 1) * BETWEEN + 1)]
FULL = "".join(LINES)


def up_to(stop: int) -> re.Pattern[str]:
    """Match the text of an answer when all is shown that Claude says before the *stop*-th stop, from 1 on."""
    return re.compile(rf"Line {stop * BETWEEN} of the answer\.$")


class Held:
    """The script of its answers: each stops three times, until the test lets all of them go on."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal
        self._gates = [asyncio.Event() for _ in range(STOPS)]
        self._closed = iter(self._gates)

    def __call__(self, call: Call) -> Iterator[Any]:
        start, begin, *lines = saying(*LINES)
        yield from (start, begin)
        for gate in self._gates:
            yield from lines[:BETWEEN]
            del lines[:BETWEEN]
            yield gate
        yield from lines

    def go_on(self) -> None:
        """Let Claude go on to the next stop, or to the end."""
        self._portal.call(next(self._closed).set)

    def finish(self) -> None:
        """Let Claude say the rest."""
        for gate in self._closed:
            self._portal.call(gate.set)
