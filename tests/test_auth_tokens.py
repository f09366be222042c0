"""Access tokens: who has one may come, each to their own, until its line is gone."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.auth import tokens
from app.web import edge
from tests.reading import ask
from tests.running import KEY, Gateway, serving
from tests.scripted import TEXT_START, Ending, ScriptedClaude, always, message_start, text_delta
from tests.signing_in import ALICE, BOB, bearer, line, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSED = [
    ("POST", "/api/chat"),
    ("DELETE", "/api/chat"),
    ("GET", "/api/chat/g_x"),
    ("DELETE", "/api/chat/g_x"),
    ("GET", "/api/chat/g_x/stream"),
    ("POST", "/api/chat/count_tokens"),
    ("GET", "/api/models"),
    ("GET", "/nothing"),
    ("GET", "/openapi.json"),
    ("TRACE", "/api/chat"),
    ("GET", "/api/config/"),
    ("GET", "//api/models"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    path = tokens_file(tmp_path_factory.mktemp("tokens"))
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        yield gateway


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_without_credentials_all_but_signing_in_is_a_401(
    method: str, path: str, gateway: Gateway, claude: ScriptedClaude
) -> None:
    answer = await gateway.request(method, path, ask("hi"))
    assert answer.status == 401
    assert answer.error["type"] == "authentication_error"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not claude.calls


@pytest.mark.parametrize(
    "path", ["/", "/static/js/main.js", "/healthz", "/readyz", "/api/config", "/metrics"]
)
async def test_without_credentials_the_page_can_be_had(path: str, gateway: Gateway) -> None:
    assert (await gateway.request("GET", path)).status == 200
    # What is not valid does not lock anybody out of signing in.
    assert (await gateway.request("GET", path, headers=bearer("cgw_old"))).status in (200, 401)


async def test_metrics_are_for_the_machine_itself_or_a_token(gateway: Gateway) -> None:
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    assert (await gateway.request("GET", "/metrics", headers=elsewhere)).status == 403
    assert (await gateway.request("GET", "/metrics", headers=elsewhere | bearer(ALICE))).status == 200


async def test_who_has_a_token_may_come_from_anywhere_to_any_host(gateway: Gateway) -> None:
    headers = {**bearer(ALICE), "X-Forwarded-For": "203.0.113.9", "Host": "chat.example"}
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 200


@pytest.mark.parametrize(
    "given",
    [
        "Bearer cgw_nobody",
        f"Bearer {ALICE}x",
        f"Bearer {ALICE[:-1]}",
        f"Bearer {ALICE.upper()}",
        f"Bearer {ALICE} {BOB}",
        f"Basic {ALICE}",
        ALICE,
        "Bearer",
        "Bearer ",
        "Bearer " + "x" * 10_000,
        f"Bearer {tokens.digest(ALICE).hex()}",
        "Bearer \xff\xfe",
    ],
)
async def test_what_is_no_token_is_a_401_whose_text_does_not_repeat_it(given: str, gateway: Gateway) -> None:
    answer = await gateway.request("GET", "/api/models", headers={"Authorization": given})
    assert answer.status == 401
    assert answer.error["type"] == "authentication_error"
    assert ALICE[:10] not in answer.raw.decode()


async def test_a_token_in_the_address_is_not_looked_at(gateway: Gateway) -> None:
    for name in ("token", "access_token", "api_key", "authorization"):
        assert (await gateway.request("GET", f"/api/models?{name}={ALICE}")).status == 401


async def test_for_anybody_else_a_generation_does_not_exist(gateway: Gateway) -> None:
    stream = await (await gateway.stream(ask("hi"), headers=bearer(ALICE))).rest()
    unknown = "g_" + "a" * (len(stream.id) - 2)
    for method, path in [
        ("GET", "/api/chat/{}"),
        ("GET", "/api/chat/{}/stream"),
        ("GET", "/api/chat/{}/stream?after=1-1"),
        ("GET", "/api/chat/{}/stream?after=nonsense&buffer=page"),
        ("DELETE", "/api/chat/{}"),
        ("DELETE", "/api/chat/{}?purge=true"),
    ]:
        foreign, none = [
            await gateway.request(method, path.format(id_), headers={**bearer(BOB), "X-Request-Id": "same"})
            for id_ in (stream.id, unknown)
        ]
        assert foreign.status == 404
        dates = {"date": ""}
        assert (foreign.status, foreign.raw, foreign.headers | dates) == (
            none.status,
            none.raw,
            none.headers | dates,
        )
    mine = await gateway.request("GET", f"/api/chat/{stream.id}", headers=bearer(ALICE))
    assert mine.json["state"] == "done"


async def test_nobody_else_can_end_a_generation_and_its_tombstone_is_its_owners(
    tmp_path: Path,
) -> None:
    async with (
        ScriptedClaude(always([message_start(), TEXT_START, text_delta("so far"), Ending.STALL])) as claude,
        serving(claude.url, auth="token", tokens_file=tokens_file(tmp_path)) as gateway,
    ):
        stream = await gateway.stream(ask("hi"), headers={**bearer(ALICE), "Idempotency-Key": "k"})
        await stream.next("text")
        for path in (f"/api/chat/{stream.id}", "/api/chat"):
            headers = {**bearer(BOB), "Idempotency-Key": "k"}
            assert (await gateway.request("DELETE", path, headers=headers)).status == 404
        theirs = f"/api/chat/{stream.id}"
        assert (await gateway.request("GET", theirs, headers=bearer(ALICE))).json["state"] == "running"
        purged = await gateway.request("DELETE", f"{theirs}?purge=true", headers=bearer(ALICE))
        assert purged.json["state"] == "cancelled"
        assert (await gateway.request("GET", theirs, headers=bearer(ALICE))).status == 410
        assert (await gateway.request("GET", theirs, headers=bearer(BOB))).status == 404
        stream.close()


async def test_keys_are_each_clients_own(gateway: Gateway, claude: ScriptedClaude) -> None:
    before = len(claude.calls)
    ids = [
        (await (await gateway.stream(ask("hi"), headers={**bearer(token), "Idempotency-Key": "k"})).rest()).id
        for token in (ALICE, BOB, ALICE)
    ]
    assert ids[0] == ids[2] != ids[1]
    assert len(claude.calls) - before == 2


async def test_two_tokens_of_one_name_are_one_person(claude: ScriptedClaude, tmp_path: Path) -> None:
    path = tokens_file(tmp_path, line("alice", ALICE), line("alice", BOB))
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        stream = await (await gateway.stream(ask("hi"), headers=bearer(ALICE))).rest()
        assert (await gateway.request("GET", f"/api/chat/{stream.id}", headers=bearer(BOB))).status == 200


async def test_a_token_has_models_and_limits_of_its_own(tmp_path: Path) -> None:
    own = line("kiosk", BOB, "models=claude-haiku-5-5", "max_tokens=100", "max_streams=1")
    async with (
        ScriptedClaude(always([message_start(), TEXT_START, text_delta("so far"), Ending.STALL])) as claude,
        serving(
            claude.url, auth="token", tokens_file=tokens_file(tmp_path, line("alice", ALICE), own)
        ) as gateway,
    ):
        headers = bearer(BOB)
        models = (await gateway.request("GET", "/api/models", headers=headers)).json["data"]
        config = (await gateway.request("GET", "/api/config", headers=headers)).json
        assert [model["id"] for model in models] == ["claude-haiku-5-5"]
        assert (config["max_tokens"], config["default_max_tokens"]) == (100, 100)
        for body, field in [
            (ask("x", model="claude-opus-5-5"), "model"),
            ({"prompt": "x", "max_tokens": 101}, "max_tokens"),
        ]:
            for path_ in ("/api/chat", "/api/chat/count_tokens"):
                answer = await gateway.request("POST", path_, body, headers)
                assert answer.status == 400
                assert answer.error["message"].startswith(f"{field}: ")
        stream = await gateway.stream({"prompt": "x"}, headers=headers)
        await stream.next("text")
        assert claude.calls[0].body["model"] == "claude-haiku-5-5"
        assert claude.calls[0].body["max_tokens"] == 100
        answer = await gateway.request("POST", "/api/chat", {"prompt": "x"}, headers)
        assert answer.status == 429
        assert len(claude.calls) == 1
        (await gateway.stream(ask("x"), headers=bearer(ALICE))).close()
        stream.close()


async def test_a_token_expires(claude: ScriptedClaude, tmp_path: Path) -> None:
    path = tokens_file(
        tmp_path,
        line("alice", ALICE, "expires=2020-01-01"),
        line("bob", BOB, "expires=2999-01-01T00:00+02:00"),
    )
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        gone = await gateway.request("GET", "/api/models", headers=bearer(ALICE))
        assert gone.status == 401
        assert "expired" in gone.error["message"]
        assert (await gateway.request("GET", "/api/models", headers=bearer(BOB))).status == 200


async def test_the_file_is_read_again_when_it_changes(
    claude: ScriptedClaude, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tokens_file(tmp_path, line("alice", ALICE))
    async with serving(claude.url, auth="token", tokens_file=path) as own:

        async def seen(token: str) -> int:
            return (await own.request("GET", "/api/models", headers=bearer(token))).status

        assert (await seen(ALICE), await seen(BOB)) == (200, 401)
        tokens_file(tmp_path, line("bob", BOB))
        assert (await seen(ALICE), await seen(BOB)) == (401, 200)
        # As editors and Kubernetes do it: another file under the same name.
        (tmp_path / "other").mkdir()
        tokens_file(tmp_path / "other", line("alice", ALICE)).rename(path)
        assert (await seen(ALICE), await seen(BOB)) == (200, 401)
        # What is wrong is left out, and said without repeating it.
        tokens_file(tmp_path, line("alice", ALICE), f"eve {BOB}\n", line("bob", BOB, "models=gpt-9"))
        assert (await seen(ALICE), await seen(BOB)) == (200, 401)
        assert "line 2: holds a token itself" in caplog.text
        assert "line 3: models: gpt-9" in caplog.text
        assert BOB not in caplog.text
        # Nobody is taken for somebody while it cannot be read, and nobody is told their token were wrong.
        path.unlink()
        caplog.clear()
        assert (await seen(ALICE), await seen(BOB)) == (503, 503)
        assert caplog.text.count("cannot be read: No such file") == 1  # and not a line for each who asks
        tokens_file(tmp_path)
        assert (await seen(ALICE), await seen(BOB)) == (200, 200)


async def test_who_is_revoked_loses_the_streams_they_have_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(edge, "RECHECK_S", 0.01)
    async with (
        ScriptedClaude(always([message_start(), TEXT_START, text_delta("so far"), Ending.STALL])) as claude,
        serving(claude.url, auth="token", tokens_file=tokens_file(tmp_path)) as gateway,
    ):
        mine = await gateway.stream(ask("x"), headers=bearer(ALICE))
        other = await gateway.stream(ask("x"), headers=bearer(BOB))
        await mine.next("text")
        await other.next("text")
        tokens_file(tmp_path, line("bob", BOB))
        assert (await mine.rest()).cut
        assert not mine.done
        resumed = await gateway.request("GET", f"/api/chat/{mine.id}/stream", headers=bearer(ALICE))
        assert resumed.status == 401
        theirs = await gateway.request("GET", f"/api/chat/{other.id}", headers=bearer(BOB))
        assert theirs.json["state"] == "running"
        other.close()
    assert "ASGI" not in caplog.text


async def test_who_is_revoked_while_they_wait_for_a_whole_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "RECHECK_S", 0.01)
    path = tokens_file(tmp_path)

    def revoke(call: object) -> list[object]:
        tokens_file(tmp_path, line("bob", BOB))
        return [message_start(), Ending.STALL]

    async with (
        ScriptedClaude(revoke) as claude,
        serving(claude.url, auth="token", tokens_file=path) as gateway,
    ):
        answer = await gateway.request("POST", "/api/chat", ask("x", stream=False), bearer(ALICE))
    assert answer.status == 401


async def test_no_token_is_in_any_answer_or_log_line(
    claude: ScriptedClaude, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = ""
    path = tokens_file(tmp_path, line("alice", ALICE))
    async with serving(claude.url, auth="token", tokens_file=path) as gateway:
        for token in (ALICE, BOB):
            for method, path_, body in [
                ("POST", "/api/chat", ask("hi")),
                ("POST", "/api/chat", {"bad": 1}),
                ("POST", "/api/session", {"token": token}),
                ("POST", "/api/session", {"token": token, "and": token}),
                *(("GET", each, None) for each in ("/", "/api/config", "/metrics", "/nope", f"/?t={token}")),
            ]:
                answer = await gateway.request(method, path_, body, bearer(token))
                seen += repr(answer.headers) + answer.raw.decode()
        seen += repr(gateway.parts) + repr(vars(gateway.hub))
    for secret in (ALICE, BOB, KEY, tokens.digest(ALICE).hex()):
        assert secret not in seen + caplog.text
