"""How many tokens one client may use: set aside when an answer begins, settled by what Claude counted."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from app.auth import tokens
from tests.limited import PAUSED, chat, standing
from tests.patient import until
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import Ending, ScriptedClaude, always, ending, message_start, refusing, text_block
from tests.signing_in import ALICE, BOB, bearer, line, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")


def costing(tokens_in: int, tokens_out: int, *pieces: str) -> list[bytes]:
    return [
        message_start(input_tokens=tokens_in),
        *text_block(*(pieces or ("ok",))),
        *ending(output_tokens=tokens_out),
    ]


def used(gateway: Gateway, client: str = "127.0.0.1") -> tuple[int, int]:
    balance = gateway.parts.budgets._balances[client]
    return balance.used, balance.reserved


async def test_what_was_really_used_is_counted_and_not_what_was_reserved() -> None:
    async with (
        ScriptedClaude(always(costing(30, 20))) as claude,
        serving(claude.url, token_budget="100/day") as gateway,
    ):
        answers = [await chat(gateway, max_tokens=60) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert used(gateway) == (100, 0)
        refused = answers[-1]
        assert refused.error["type"] == "rate_limit_error"
        assert "100 tokens in 1 day is used up" in refused.error["message"]
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert standing(refused) == (100, 0)
        stream = await gateway.request("POST", "/api/chat", ask("x"))
        assert (stream.status, stream.headers["content-type"]) == (429, "application/json")
        assert len(claude.calls) == 2


async def test_an_answer_under_way_has_its_tokens_set_aside() -> None:
    async with (
        ScriptedClaude(always(PAUSED)) as claude,
        serving(claude.url, token_budget="1000/day", orphan_grace=0) as gateway,
    ):
        one = await gateway.stream(ask("x", max_tokens=900))
        await one.next("text")
        two = await gateway.stream(ask("x", max_tokens=900))  # as much as is left
        await two.next("text")
        assert sum(used(gateway)) == 1000
        refused = await chat(gateway, max_tokens=1)
        assert refused.status == 429
        assert "set aside for answers under way" in refused.error["message"]
        assert int(refused.headers["retry-after"]) <= 5  # and not until midnight: one may end any moment
        assert (await gateway.request("DELETE", f"/api/chat/{one.id}")).status == 200
        await one.rest()
        spent, reserved = used(gateway)
        assert 11 < spent < 20  # what Claude has counted, and a guess at what it had not
        assert reserved < 200
        again = await gateway.stream(ask("x", max_tokens=500))
        for stream in (two, again):
            stream.close()
        await until(lambda: used(gateway)[1] == 0)  # the abandoned settle too
        assert used(gateway)[0] < 60


@pytest.mark.parametrize(
    ("steps", "least", "most"),
    [
        (refusing(400, "invalid_request_error"), 0, 0),
        ([message_start(input_tokens=40), Ending.RESET], 41, 41),
        ([message_start(input_tokens=40), *text_block("x" * 400)[:2], Ending.RESET], 140, 140),
        ([*costing(40, 3, "x" * 400)], 43, 43),
    ],
)
async def test_an_answer_that_fails_costs_what_had_been_used(steps: Any, least: int, most: int) -> None:
    async with (
        ScriptedClaude(always(steps)) as claude,
        serving(claude.url, token_budget="100000/day", retries=0, continuations=0) as gateway,
    ):
        await chat(gateway)
        spent, reserved = used(gateway)
        assert least <= spent <= most
        assert reserved == 0


async def test_an_answer_that_uses_up_the_budget_ends_there() -> None:
    more = asyncio.Event()
    first, *pieces = text_block("x" * 1120, "x" * 40, "x" * 40, "x" * 40)[:-1]  # four of them are a token
    answer = [message_start(input_tokens=10), first, pieces[0], more, *pieces[1:], Ending.STALL]
    async with (
        ScriptedClaude(always(answer)) as claude,
        serving(claude.url, token_budget="300/day") as gateway,
    ):
        stream = await gateway.stream(ask("x", max_tokens=100))
        await stream.until_text(1120)
        more.set()
        await stream.rest()
        assert stream.terminal["type"] == "error"
        assert stream.terminal["error"]["type"] == "rate_limit_error"
        assert "300 tokens in 1 day is used up" in stream.terminal["error"]["message"]  # by itself
        assert stream.done == 1
        assert 1120 < len(stream.text) <= 1240
        assert len(claude.calls) == 1
        assert await _closed(claude)
        assert 300 <= used(gateway)[0] < 330


async def _closed(claude: ScriptedClaude) -> bool:
    async with asyncio.timeout(20):
        return await claude.calls[0].closed.wait()


async def test_a_budget_begins_anew_with_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        ScriptedClaude(always(costing(60, 40))) as claude,
        serving(claude.url, token_budget="100/day") as gateway,
    ):
        assert [(await chat(gateway)).status for _ in range(2)] == [200, 429]
        tomorrow = time.time() + 86_400
        monkeypatch.setattr(time, "time", lambda: tomorrow)
        assert [(await chat(gateway)).status for _ in range(2)] == [200, 429]


async def test_an_answer_counts_in_the_window_in_which_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()
    first, *rest = costing(60, 40)
    async with (
        ScriptedClaude(always([first, go_on, *rest])) as claude,
        serving(claude.url, token_budget="100/day") as gateway,
    ):
        asked = asyncio.create_task(gateway.stream(ask("x", max_tokens=100)))
        await claude.until_called(1)
        tomorrow = time.time() + 86_400
        monkeypatch.setattr(time, "time", lambda: tomorrow)
        go_on.set()
        await (await asked).rest()
        assert (await chat(gateway)).status == 429


async def test_a_budget_is_each_clients_own(tmp_path: Path) -> None:
    path = tokens_file(tmp_path, line("alice", ALICE), line("bob", BOB, "token_budget=1000/day"))
    async with (
        ScriptedClaude(always(costing(60, 40))) as claude,
        serving(claude.url, auth="token", tokens_file=path, token_budget="100/day") as gateway,
    ):
        assert [(await chat(gateway, bearer(ALICE))).status for _ in range(2)] == [200, 429]
        assert [(await chat(gateway, bearer(BOB))).status for _ in range(3)] == [200, 200, 200]
        assert tokens.digest(ALICE).hex() not in repr(gateway.parts.budgets._balances)
