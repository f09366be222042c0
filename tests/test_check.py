"""``claude-gateway check``: a row for each thing, and for each that fails whose fault it is and what to do."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.checks.check import check
from app.checks.settings import CheckSettings
from tests.running import KEY, serving
from tests.scripted import Call, Refusal, ScriptedClaude, always, refusing, saying
from tests.sign_in_service import RSA_KEY, key_server, public, signed_in_by
from tests.signing_in import ALICE, BOB, line, tokens_file

pytestmark = pytest.mark.asyncio

Check = Callable[..., Awaitable[tuple[int, dict[str, str]]]]

MODELS = ("claude-sonnet-5-5", "claude-opus-5-5")


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs it; the value is its exit code, and of each row by name whether it is ok and what it says."""

    async def run(url: str | None, **settings: Any) -> tuple[int, dict[str, str]]:
        key = KEY if url else None
        sources = {"_env_file": None, "ANTHROPIC_API_KEY": key, "base_url": url, "models": MODELS, "port": 0}
        code = await asyncio.to_thread(check, CheckSettings(**{**sources, **settings}))
        said = capsys.readouterr().out
        assert KEY not in said
        assert "canary" not in said
        rows = [re.split(r" {2,}", row, maxsplit=2) for row in said.splitlines()]
        return code, {name: f"{verdict} {said}" for verdict, name, said in rows}

    return run


class Counting(ScriptedClaude):
    """Counts tokens as *counted* says."""

    def __init__(self, counted: Callable[[str], Refusal]) -> None:
        super().__init__(always(saying("never asked")))
        self._counted = counted

    def _elsewhere(self, call: Call) -> Refusal:
        return self._counted(call.body["model"]) if "count" in call.path else super()._elsewhere(call)


async def test_the_key_and_each_model_are_tried_by_a_count_that_costs_nothing(checked: Check) -> None:
    async with ScriptedClaude(always(saying("never asked"))) as claude:
        code, rows = await checked(claude.url)
    assert code == 0
    assert rows["key"].startswith("ok works")
    assert rows["model claude-opus-5-5"] == "ok listed, counts 42 tokens in a word"
    assert not claude.calls


async def test_a_key_that_is_refused_is_one_row_that_says_what_claude_says(checked: Check) -> None:
    refused = refusing(401, "authentication_error", f"invalid x-api-key \x1b[31m {KEY}")
    async with Counting(lambda _: refused) as claude:
        code, rows = await checked(claude.url)
    assert code == 1
    assert rows["key"].startswith("FAIL it refuses this gateway (status 401: invalid x-api-key \\x1b[31m …)")
    assert "Yours to set right" in rows["key"]
    assert not any(name.startswith("model ") for name in rows)
    assert len(claude.others) == 2


async def test_a_model_that_does_not_work_is_a_row_of_its_own(checked: Check) -> None:
    unknown = refusing(404, "not_found_error", "model: claude-opus-5-5")
    counts = Refusal(200, {"input_tokens": 8})
    async with Counting(lambda model: unknown if "opus" in model else counts) as claude:
        code, rows = await checked(claude.url, models=(*MODELS, "claude-new-9"))
    assert code == 1
    assert rows["key"].startswith("ok")
    assert rows["model claude-sonnet-5-5"].startswith("ok")
    assert "Claude does not know claude-opus-5-5" in rows["model claude-opus-5-5"]
    assert "the upstream does not list it" in rows["model claude-new-9"]


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (refusing(529, "overloaded_error", "Overloaded"), "Claude's: see status.claude.com"),
        (Refusal(404, b"<html>"), "nothing is at /v1/messages/count_tokens (status 404)). Yours"),
        (Refusal(200, {"tokens": 1}), "ANTHROPIC_BASE_URL leads to something else"),
        (refusing(429, "rate_limit_error", "slower"), "slower Your account's limits"),
    ],
)
async def test_what_is_wrong_says_whose_fault_it_is(refused: Refusal, says: str, checked: Check) -> None:
    async with Counting(lambda _: refused) as claude:
        code, rows = await checked(claude.url)
    assert code == 1
    assert says in rows["key"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:9", "Connection refused"),
        ("http://no.such.invalid", "its name is not known"),
    ],
)
async def test_who_cannot_be_reached_is_the_networks_fault(address: str, says: str, checked: Check) -> None:
    code, rows = await checked(address)
    assert code == 1
    assert rows["upstream"].startswith(f"FAIL no list of models: it cannot be reached ({says})")
    assert "firewall" in rows["key"]


async def test_the_demo_works_by_itself(checked: Check) -> None:
    code, rows = await checked(None)
    assert (code, rows["sign-in"]) == (0, "ok none: anybody who reaches it may use it")


async def test_a_port_that_another_program_has_is_said_to_be_taken(checked: Check) -> None:
    async with ScriptedClaude(always(saying("never asked"))) as somebody:
        port = int(somebody.url.rpartition(":")[2])
        code, rows = await checked(None, port=port)
        assert (code, rows["address"]) == (
            1,
            f"FAIL another program listens on 127.0.0.1:{port}. Yours to set right: end it, or set GATEWAY_PORT",
        )
    code, rows = await checked(None, port=port)
    assert (code, rows["address"]) == (0, f"ok 127.0.0.1:{port} is free")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_a_gateway_that_runs_already_may_have_the_port(host: str, checked: Check) -> None:
    async with serving(None, ANTHROPIC_API_KEY=None, host=host) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        code, rows = await checked(None, host=host, port=port)
    assert (code, rows["address"]) == (0, f"ok a gateway listens on {host}:{port}")


async def test_an_address_that_is_not_this_machines_cannot_be_listened_on(checked: Check) -> None:
    code, rows = await checked(None, host="192.0.2.1", port=8000)
    assert code == 1
    assert rows["address"].startswith("FAIL cannot listen on 192.0.2.1:8000: Cannot assign")
    assert "GATEWAY_HOST" in rows["address"]


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        ((), 0, "ok 2 tokens of 2 people"),
        ((line("a", ALICE), line("a", BOB, "expires=2020-01-01")), 0, "ok 1 tokens of 1 people, 1 expired"),
        ((line("a", ALICE, "expires=2020-01-01"),), 1, "FAIL nobody can: all tokens have expired"),
        (("# nobody yet\n",), 1, "FAIL nobody can: there is no token"),
    ],
)
async def test_it_says_how_many_can_sign_in(
    lines: tuple[str, ...], code: int, says: str, checked: Check, tmp_path: Path
) -> None:
    ended, rows = await checked(None, auth="token", tokens_file=tokens_file(tmp_path, *lines))
    assert ended == code
    assert rows["sign-in"].startswith(says)


async def test_a_proxy_is_believed_about_who_asks_and_that_is_said(checked: Check) -> None:
    _, rows = await checked(None, auth="proxy", trusted_proxies=("10.1.2.3",))
    assert rows["sign-in"].startswith("ok whom 10.1.2.3 names in X-Forwarded-User")


async def test_the_keys_of_a_sign_in_service_are_fetched(checked: Check) -> None:
    async with key_server(public(RSA_KEY, "one", alg="RS256"), {"kty": "oct", "k": "x"}) as server:
        code, rows = await checked(None, **signed_in_by(server.url))
    assert (code, rows["sign-in"]) == (0, "ok 2 keys to be had, for RS256")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (404, "answers with status 404: it should be what"),
        (302, "redirects are not followed"),
        (b'{"issuer": "canary"}', "holds no keys: it should be what"),
        (b"<html>canary", "no JSON of at most 512 KiB"),
        ([{"kty": "oct", "k": "canary"}], "1 keys, none for signatures that count here"),
    ],
)
async def test_keys_that_are_not_to_be_had_are_a_row_that_says_why(
    answer: Any, says: str, checked: Check
) -> None:
    async with key_server() as server:
        server.answer = answer
        code, rows = await checked(None, **signed_in_by(server.url))
    assert code == 1
    assert says in rows["sign-in"]


async def test_a_sign_in_service_that_is_away_is_said_to_be(checked: Check) -> None:
    code, rows = await checked(None, **signed_in_by("http://127.0.0.1:9/keys"))
    assert code == 1
    assert "GATEWAY_JWT_JWKS_URL cannot be reached (ConnectError): names, firewall" in rows["sign-in"]
