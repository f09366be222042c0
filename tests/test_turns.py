"""Requests that come at once begin in turns."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.web.turns import PER_ROUND, Turns


class Crowd:
    """An application that notes who begins, and in which round of the loop."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.round = 0
        self._turns = Turns(self._answer)
        asyncio.get_running_loop().call_soon(self._count)

    def _count(self) -> None:
        self.round += 1
        if self.round < 1000:
            asyncio.get_running_loop().call_soon(self._count)

    async def _answer(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.begun.append((scope["n"], self.round))

    def ask(self, n: int, kind: str = "http", path: str = "/api/chat") -> "asyncio.Task[None]":
        ignored: Any = None
        scope = {"type": kind, "n": n} | ({"path": path} if kind != "lifespan" else {})
        return asyncio.get_running_loop().create_task(self._turns(scope, ignored, ignored))

    def in_round(self) -> dict[int, int]:
        rounds = [at for _, at in self.begun]
        return {at: rounds.count(at) for at in rounds}


async def test_few_begin_in_a_round_of_the_loop_in_the_order_they_came() -> None:
    crowd = Crowd()
    await asyncio.gather(*map(crowd.ask, range(10 * PER_ROUND)))
    assert [n for n, _ in crowd.begun] == list(range(10 * PER_ROUND))
    assert max(crowd.in_round().values()) <= PER_ROUND
    assert len(crowd.in_round()) <= 2 * 10  # and it does not take longer than it must


async def test_who_comes_alone_does_not_wait() -> None:
    crowd = Crowd()
    for n in range(5):
        before = crowd.round
        await crowd.ask(n)
        assert crowd.begun[-1][1] <= before + 1
        for _ in range(3):
            await asyncio.sleep(0)


async def test_who_leaves_while_waiting_takes_nobodys_turn() -> None:
    crowd = Crowd()
    asked = [crowd.ask(n) for n in range(4 * PER_ROUND)]
    await asyncio.sleep(0)
    for leaving in asked[PER_ROUND : 3 * PER_ROUND]:
        leaving.cancel()
    await asyncio.gather(*asked[3 * PER_ROUND :])
    assert [n for n, _ in crowd.begun] == [*range(PER_ROUND), *range(3 * PER_ROUND, 4 * PER_ROUND)]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_sockets_take_turns_and_the_servers_own_calls_do_not(kind: str) -> None:
    crowd = Crowd()
    asked = [crowd.ask(n, kind) for n in range(3 * PER_ROUND)]
    await asyncio.gather(*asked)
    assert (max(crowd.in_round().values()) <= PER_ROUND) == (kind == "websocket")


async def test_who_asks_whether_the_gateway_lives_does_not_queue() -> None:
    crowd = Crowd()
    asked = [crowd.ask(n) for n in range(10 * PER_ROUND)]
    await crowd.ask(-1, path="/healthz")
    assert len(crowd.begun) <= 2 * PER_ROUND
    await asyncio.gather(*asked)
