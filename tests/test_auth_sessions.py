"""Signing in with a browser: a token for a cookie, which other sites cannot use and scripts cannot read."""

import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin

from app.auth import sessions
from app.web import edge
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import Ending, ScriptedClaude, always, message_start, text_block
from tests.signing_in import ALICE, BOB, bearer, cookie, line, sign_in, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

TLS = {"X-Forwarded-Proto": "https"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    path = tokens_file(tmp_path_factory.mktemp("tokens"))
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        yield gateway


async def test_a_token_opens_a_session_and_the_page_is_told_whose(gateway: Gateway) -> None:
    before = (await gateway.request("GET", "/api/config")).json
    assert (before["auth"], before["signed_in"], before["user"]) == ("token", False, None)
    answer = await sign_in(gateway, ALICE)
    assert (answer.status, answer.json) == (200, {"signed_in": True, "user": "alice"})
    assert answer.headers["cache-control"] == "no-store"
    assert ALICE not in repr(answer.headers)
    headers = cookie(answer)
    after = (await gateway.request("GET", "/api/config", headers=headers)).json
    assert (after["signed_in"], after["user"]) == (True, "alice")
    stream = await (await gateway.stream(ask("hi"), headers=headers)).rest()
    assert stream.text == "ok"
    assert (await gateway.request("GET", f"/api/chat/{stream.id}", headers=bearer(ALICE))).status == 200
    assert (await gateway.request("GET", f"/api/chat/{stream.id}", headers=bearer(BOB))).status == 404


async def test_the_cookie_is_for_nobody_but_the_browser_that_got_it(gateway: Gateway) -> None:
    plain = (await sign_in(gateway, ALICE)).headers["set-cookie"]
    name, _, rest = plain.partition("=")
    value, *flags = rest.split("; ")
    assert name == "claude-gateway"
    assert len(value) == 43  # 256 bits
    assert set(flags) == {"Path=/", "HttpOnly", "SameSite=Strict", f"Max-Age={sessions.LONGEST_S}"}
    assert (await sign_in(gateway, ALICE)).headers["set-cookie"] != plain


async def test_by_tls_the_cookie_is_bound_to_tls_and_to_this_host(gateway: Gateway) -> None:
    answer = await sign_in(gateway, ALICE, TLS)
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-claude-gateway=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; "))
    assert "Domain" not in said
    headers = cookie(answer)
    assert (await gateway.request("GET", "/api/models", headers=headers | TLS)).status == 200
    # Another host of the domain can set the plain name, but not the other: by TLS only that one counts.
    planted = {"Cookie": cookie(await sign_in(gateway, BOB))["Cookie"]}
    assert (await gateway.request("GET", "/api/models", headers=planted | TLS)).status == 401


async def test_only_a_trusted_proxy_says_that_it_came_by_tls(claude: ScriptedClaude, tmp_path: Path) -> None:
    path = tokens_file(tmp_path)
    async with serving(claude.url, auth="token", tokens_file=path, trusted_proxies=("192.0.2.1",)) as gateway:
        assert "Secure" not in (await sign_in(gateway, ALICE, TLS)).headers["set-cookie"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"token": "cgw_nobody"}, 401),
        ({"token": ""}, 401),
        ({"token": "x" * 10_000}, 401),
        ({"token": "\u0000\n"}, 401),
        ({"token": 3}, 400),
        ({"token": ALICE, "user": "root"}, 400),
        ({}, 400),
        ([], 400),
        (b"token=x", 400),
        (b'{"token": "' + b"x" * 30_000 + b'"}', 413),
    ],
)
async def test_what_is_no_token_opens_nothing(body: Any, status: int, gateway: Gateway) -> None:
    answer = await gateway.request("POST", "/api/session", body)
    assert answer.status == status
    assert answer.json["type"] == "error"
    assert "set-cookie" not in answer.headers


async def test_a_session_is_signed_in_to_by_json_from_the_own_page_alone(gateway: Gateway) -> None:
    form = {"Content-Type": "text/plain"}
    assert (await gateway.request("POST", "/api/session", {"token": ALICE}, form)).status == 415
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await sign_in(gateway, ALICE, headers)
        assert answer.status == 403
        assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session_and_not_only_the_cookie(gateway: Gateway) -> None:
    headers, other = cookie(await sign_in(gateway, ALICE)), cookie(await sign_in(gateway, ALICE))
    answer = await gateway.request("DELETE", "/api/session", headers=headers)
    assert (answer.status, answer.json) == (200, {"signed_in": False, "user": None})
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401
    assert (await gateway.request("GET", "/api/models", headers=other)).status == 200
    assert (await gateway.request("DELETE", "/api/session")).status == 200


@pytest.mark.parametrize(
    "value",
    ["", "x", "x" * 43, "x" * 8000, "claude-gateway", ALICE, 'a"; b', "\xff", "a, b"],
)
async def test_a_made_up_cookie_is_a_401(value: str, gateway: Gateway) -> None:
    headers = {"Cookie": f"other=1; claude-gateway={value}"}
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401
    assert (await gateway.request("GET", "/api/config", headers=headers)).json["signed_in"] is False


async def test_what_is_said_outright_counts_more_than_the_cookie(gateway: Gateway) -> None:
    headers = cookie(await sign_in(gateway, ALICE))
    wrong = await gateway.request("GET", "/api/models", headers=headers | bearer("cgw_nobody"))
    assert wrong.status == 401
    config = await gateway.request("GET", "/api/config", headers=headers | bearer(BOB))
    assert config.json["user"] == "bob"


async def test_a_session_ends_with_its_token(claude: ScriptedClaude, tmp_path: Path) -> None:
    path = tokens_file(tmp_path)
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        headers = cookie(await sign_in(gateway, ALICE))
        tokens_file(tmp_path, line("bob", BOB))
        assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401
        # Another token of the same person is another matter.
        tokens_file(tmp_path, line("alice", "cgw_another"))
        assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401
        tokens_file(tmp_path, line("alice", ALICE, "expires=2020-01-01"))
        assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401


async def test_a_session_ends_in_time(
    claude: ScriptedClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tokens_file(tmp_path, line("alice", ALICE), line("bob", BOB, "expires=2999-01-01"))
    now = time.time()
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        headers = cookie(await sign_in(gateway, ALICE))
        monkeypatch.setattr(time, "time", lambda: now + sessions.LONGEST_S - 60)
        assert (await gateway.request("GET", "/api/models", headers=headers)).status == 200
        monkeypatch.setattr(time, "time", lambda: now + sessions.LONGEST_S + 60)
        assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401


async def test_sessions_are_bounded_for_each_person_and_in_all(
    claude: ScriptedClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_PER_USER", 2)
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    async with serving(claude.url, auth="token", tokens_file=tokens_file(tmp_path)) as gateway:
        people = [ALICE, BOB, ALICE, ALICE, BOB]
        headers = [cookie(await sign_in(gateway, token)) for token in people]
        statuses = [(await gateway.request("GET", "/api/models", headers=each)).status for each in headers]
    assert statuses == [401, 401, 200, 200, 200]


async def test_where_nobody_has_to_sign_in_nobody_can(claude: ScriptedClaude) -> None:
    async with serving(claude.url) as gateway:
        answer = await sign_in(gateway, ALICE)
        assert answer.status == 400
        assert "set-cookie" not in answer.headers
        config = (await gateway.request("GET", "/api/config")).json
        assert (config["auth"], config["signed_in"], config["user"]) == ("none", False, None)


# WebSockets


async def test_the_pages_websocket_has_the_session_of_its_cookie(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "websockets.client")
    headers = cookie(await sign_in(gateway, ALICE))
    address = f"ws://{gateway.host}:{gateway.port}/api/chat/ws"
    page = Origin(f"http://{gateway.host}:{gateway.port}")
    async with connect(address, origin=page, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps({"request": ask("a quiet word")}))
        said = [json.loads(message) async for message in socket]
    assert said[-1] == "[DONE]"
    assert "quiet word" not in caplog.text
    assert headers["Cookie"].partition("=")[2] not in caplog.text
    assert (
        await gateway.request("GET", f"/api/chat/{said[0]['event']['id']}", headers=bearer(ALICE))
    ).status == 200
    for refused, origin in (
        ({}, page),
        (headers, Origin("https://evil.example")),
        (headers, Origin("null")),
        (headers | {"Sec-Fetch-Site": "cross-site"}, page),
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connect(address, origin=origin, additional_headers=refused, proxy=None)
        assert caught.value.response.status_code == (401 if not refused else 403)


async def test_who_is_revoked_loses_their_websocket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "RECHECK_S", 0.01)
    path = tokens_file(tmp_path)
    async with (
        ScriptedClaude(always([message_start(), *text_block("so far"), Ending.STALL])) as claude,
        serving(claude.url, auth="token", tokens_file=path) as gateway,
        connect(
            f"ws://{gateway.host}:{gateway.port}/api/chat/ws", additional_headers=bearer(ALICE), proxy=None
        ) as socket,
    ):
        await socket.send(json.dumps({"request": ask("x")}))
        await socket.recv()
        tokens_file(tmp_path, line("bob", BOB))
        with pytest.raises(ConnectionClosedError) as caught:
            async for _ in socket:
                pass
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == edge.POLICY_VIOLATION
