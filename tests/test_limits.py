"""How much one client may have: generations in a time, at once, readers; and what it is told."""

import asyncio
import time
from pathlib import Path

import pytest

from app.limits import rates
from tests.limited import PAUSED, by, chat, standing
from tests.patient import until
from tests.reading import ask
from tests.running import serving
from tests.scripted import ScriptedClaude, always
from tests.signing_in import ALICE, BOB, bearer, line, sign_in, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYBODY = {"allow_anonymous": True}

# Generations in a time


async def test_more_generations_than_allowed_are_a_429_that_says_when_to_come_back(
    claude: ScriptedClaude,
) -> None:
    before = len(claude.calls)
    async with serving(claude.url, rate_limit="3/minute") as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
        answers = [await chat(gateway) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [standing(stream), *map(standing, answers)] == [(3, 2), (3, 1), (3, 0), (3, 0)]
    refused = answers[-1]
    assert refused.error["type"] == "rate_limit_error"
    assert "3 in 1 minute" in refused.error["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert 1 <= int(refused.headers["ratelimit-reset"]) <= 60
    assert refused.headers["ratelimit-policy"] == "3;w=60"
    assert len(claude.calls) - before == 3


async def test_the_window_ends(claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    async with serving(claude.url, rate_limit="1/minute") as gateway:
        assert [(await chat(gateway)).status for _ in range(2)] == [200, 429]
        monkeypatch.setattr(time, "time", lambda: now + 62)
        assert [(await chat(gateway)).status for _ in range(2)] == [200, 429]


async def test_each_of_several_limits_holds_and_the_nearest_is_told(claude: ScriptedClaude) -> None:
    async with serving(claude.url, rate_limit="100/day; 2/minute") as gateway:
        answers = [await chat(gateway) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert standing(answers[0]) == (2, 1)


async def test_only_new_generations_count(claude: ScriptedClaude) -> None:
    async with serving(claude.url, rate_limit="2/minute") as gateway:
        key = {"Idempotency-Key": "k"}
        statuses = [(await chat(gateway, key)).status for _ in range(5)]
        assert statuses == [200] * 5
        assert (await gateway.request("POST", "/api/chat", {"bad": 1})).status == 400
        for _ in range(5):
            assert (await gateway.request("GET", "/api/models")).status == 200
        # All at once: one of them starts it, and the others find it.
        same = await asyncio.gather(*(chat(gateway, {"Idempotency-Key": "other"}) for _ in range(20)))
        assert {answer.status for answer in same} == {200}
        assert (await chat(gateway)).status == 429


async def test_many_at_once_do_not_slip_through(claude: ScriptedClaude) -> None:
    async with serving(claude.url, rate_limit="5/minute", max_streams_per_client=100) as gateway:
        answers = await asyncio.gather(*(chat(gateway) for _ in range(30)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 25


async def test_where_nobody_signs_in_an_address_is_a_client_and_so_is_a_home_of_ipv6(
    claude: ScriptedClaude,
) -> None:
    async with serving(claude.url, rate_limit="1/minute", **EVERYBODY) as gateway:
        for address, status in [
            ("203.0.113.1", 200),
            ("203.0.113.1", 429),
            ("203.0.113.1:4711", 429),
            ("::ffff:203.0.113.1", 429),
            ("203.0.113.2", 200),
            ("2001:db8:1:2::1", 200),
            ("2001:db8:1:2:3:4:5:6", 429),
            ("[2001:db8:1:2::9]:80", 429),
            ("2001:db8:1:3::1", 200),
            # What stands before the last hop is what the client says about itself.
            ("198.51.100.7, 203.0.113.1", 429),
            ("203.0.113.1, 127.0.0.1, ::1", 429),
            ("nonsense, 198.51.100.8", 200),
        ]:
            assert (await chat(gateway, by(address))).status == status, address


async def test_what_a_client_claims_about_itself_is_not_believed(claude: ScriptedClaude) -> None:
    async with serving(
        claude.url, rate_limit="1/minute", trusted_proxies=("192.0.2.1",), **EVERYBODY
    ) as gateway:
        statuses = [(await chat(gateway, by(f"203.0.113.{n}"))).status for n in range(3)]
    assert statuses == [200, 429, 429]


async def test_who_signs_in_is_a_client_wherever_they_are(claude: ScriptedClaude, tmp_path: Path) -> None:
    path = tokens_file(tmp_path, line("alice", ALICE), line("bob", BOB, "rate_limit=3/minute"))
    async with serving(claude.url, auth="token", tokens_file=path, rate_limit="1/minute") as gateway:
        alice = [(await chat(gateway, bearer(ALICE) | by(f"203.0.113.{n}"))).status for n in range(3)]
        bob = [(await chat(gateway, bearer(BOB))).status for _ in range(4)]
    assert alice == [200, 429, 429]
    assert bob == [200, 200, 200, 429]


# At once


async def test_one_client_has_so_many_under_way(tmp_path: Path) -> None:
    async with (
        ScriptedClaude(always(PAUSED)) as claude,
        serving(claude.url, max_streams_per_client=1, orphan_grace=0, **EVERYBODY) as gateway,
    ):
        one = await gateway.stream(ask("x"), headers=by("203.0.113.1"))
        refused = await chat(gateway, by("203.0.113.1"))
        assert refused.status == 429
        assert "GATEWAY_MAX_STREAMS_PER_CLIENT" in refused.error["message"]
        assert "retry-after" in refused.headers
        other = await gateway.stream(ask("x"), headers=by("203.0.113.2"))
        one.close()
        other.close()


async def test_one_client_has_so_many_streams_open() -> None:
    async with (
        ScriptedClaude(always(PAUSED)) as claude,
        serving(claude.url, max_streams_per_client=2, max_readers=2, **EVERYBODY) as gateway,
    ):
        streams = [await gateway.stream(ask("x"), headers=by(f"203.0.113.{n}")) for n in (1, 2, 3, 4)]
        for n in (1, 2, 3):
            path = f"/api/chat/{streams[n].id}/stream"
            streams.append(await gateway.stream(method="GET", path=path, headers=by("203.0.113.1")))
        path = f"/api/chat/{streams[0].id}/stream"
        refused = await gateway.request("GET", path, headers=by("203.0.113.1"))
        assert refused.status == 429
        assert "4 streams" in refused.error["message"]
        # Who could not read the answer does not have it made.
        assert (await chat(gateway, by("203.0.113.1"))).status == 429
        assert len(claude.calls) == 4
        streams.append(await gateway.stream(method="GET", path=path, headers=by("203.0.113.5")))
        for stream in streams:
            stream.close()
        await until(lambda: not gateway.parts.reading)


# Guessing


async def test_guessing_ids_is_a_404_and_then_a_429(claude: ScriptedClaude) -> None:
    async with serving(claude.url, **EVERYBODY) as gateway:
        mine = await (await gateway.stream(ask("x"), headers=by("203.0.113.1"))).rest()
        limiter = gateway.parts.limiter
        for _ in range(rates.MISSES.rate.amount - 1):
            await limiter.count(rates.MISSES, "203.0.113.1")
        paths = [f"/api/chat/g_{n:026}{rest}" for n in range(2) for rest in ("", "/stream")]
        statuses = [(await gateway.request("GET", path, headers=by("203.0.113.1"))).status for path in paths]
        assert statuses == [404, 429, 429, 429]
        # What is there can still be read, and others are not held up.
        assert (await gateway.request("GET", f"/api/chat/{mine.id}", headers=by("203.0.113.1"))).status == 200
        assert (await gateway.request("GET", paths[0], headers=by("203.0.113.2"))).status == 404


async def test_guessing_tokens_is_a_401_and_then_a_429(claude: ScriptedClaude, tmp_path: Path) -> None:
    async with serving(claude.url, auth="token", tokens_file=tokens_file(tmp_path)) as gateway:
        for n in range(rates.WRONG_CREDENTIALS.rate.amount // 2):
            assert (await sign_in(gateway, f"cgw_{n}", by("203.0.113.1"))).status == 401
            headers = bearer(f"cgw_{n}") | by("203.0.113.1")
            assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401
        for n in range(3):
            refused = await sign_in(gateway, f"cgw_{n}", by("203.0.113.1"))
            assert refused.status == 429
            assert refused.error["type"] == "rate_limit_error"
            assert "retry-after" in refused.headers
            headers = bearer(f"cgw_{n}") | by("203.0.113.1")
            assert (await gateway.request("GET", "/api/models", headers=headers)).status == 429
        # Signing in stays shut for a while, even with what is valid; who has it already comes in.
        assert (await sign_in(gateway, ALICE, by("203.0.113.1"))).status == 429
        assert (
            await gateway.request("GET", "/api/models", headers=bearer(ALICE) | by("203.0.113.1"))
        ).status == 200
        assert (await sign_in(gateway, ALICE, by("203.0.113.2"))).status == 200
        # To show nothing is no guess.
        assert (await gateway.request("GET", "/api/models", headers=by("203.0.113.1"))).status == 401


async def test_counting_tokens_has_a_limit(claude: ScriptedClaude) -> None:
    async with serving(claude.url) as gateway:
        limiter = gateway.parts.limiter
        for _ in range(rates.COUNTS.rate.amount):
            await limiter.count(rates.COUNTS, "127.0.0.1")
        before = len(claude.others)
        assert (await gateway.request("POST", "/api/chat/count_tokens", ask("x"))).status == 429
        assert len(claude.others) == before


async def test_counts_are_bounded_however_many_clients_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_WINDOWS", 10)
    windows = rates.Windows()
    for n in range(100):
        await windows.incr(str(n), 60)
    assert await windows.reset() == 10
    # Those that have ended make room by themselves.
    now = time.time()
    for n in range(5):
        await windows.incr(str(n), 60)
    monkeypatch.setattr(time, "time", lambda: now + 61)
    await windows.incr("new", 60)
    assert await windows.reset() == 1
