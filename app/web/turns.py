"""Requests begin in turns, so that a thousand who come at once hold up nobody who is being answered.

After a cut, readers return together. To begin answering one takes about a millisecond, and the event loop would begin
with all of them before it looks at a connection again; so a few begin in each of its rounds, in the order they came.
Whoever asks whether the gateway lives does not queue.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.edge import HEALTH

PER_ROUND = 8
"""How many begin in one round of the event loop."""


class Turns:
    """A layer of the application that lets requests begin in turns.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._left = PER_ROUND
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next_round: asyncio.Handle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through when it is its turn."""
        if scope["type"] != "lifespan" and scope["path"] not in HEALTH:
            await self._turn()
        await self._app(scope, receive, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if self._next_round is None:
            self._next_round = loop.call_soon(self._begin_round)
        if self._left:
            self._left -= 1
        else:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn

    def _begin_round(self) -> None:
        self._left = PER_ROUND
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():  # its request was cancelled
                turn.set_result(None)
                self._left -= 1
        everybody_began = self._left == PER_ROUND
        self._next_round = (
            None if everybody_began else asyncio.get_running_loop().call_soon(self._begin_round)
        )
