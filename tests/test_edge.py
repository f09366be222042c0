"""What every request passes: safe by default, the accepted Host, ids, headers, and no key anywhere."""

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app import caller
from app.reader import Reader
from app.settings import CURRENT_MODELS, Settings
from app.upstream.client import MAX_PAGES
from app.web import routes, websocket
from tests.reading import ask
from tests.running import KEY, Gateway, serving
from tests.scripted import Answer, Call, Ending, Refusal, ScriptedClaude, always, frame, refusing, saying

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLIC = {"X-Forwarded-For": "203.0.113.9"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude) -> AsyncIterator[Gateway]:
    async with serving(claude.url) as gateway:
        yield gateway


@pytest.mark.parametrize("path", ["/", "/api/config", "/api/models", "/api/chat/g_x", "/metrics"])
@pytest.mark.parametrize(
    "headers",
    [
        PUBLIC,
        {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"},
        {"X-Forwarded-For": "203.0.113.9, 127.0.0.1"},
        {"X-Forwarded-For": "unknown"},
        {"X-Real-IP": "203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "2001:db8::1"},
        {"X-Forwarded-For": ""},
        {"Forwarded": "for=203.0.113.9"},
    ],
)
async def test_with_a_key_and_no_sign_in_what_a_proxy_forwards_from_elsewhere_is_a_403(
    path: str, headers: dict[str, str], gateway: Gateway
) -> None:
    answer = await gateway.request("GET", path, headers=headers)
    assert answer.status == 403
    assert answer.error["type"] == "permission_error"
    if path != "/metrics":
        assert "GATEWAY_ALLOW_ANONYMOUS" in answer.error["message"]


async def test_what_a_proxy_forwards_from_this_machine_is_served(gateway: Gateway) -> None:
    for address in ("127.0.0.1", "::1", "127.0.0.1, ::ffff:127.0.0.1"):
        assert (
            await gateway.request("GET", "/api/config", headers={"X-Forwarded-For": address})
        ).status == 200


async def test_of_thousands_of_hops_only_the_last_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def noted(hop: str) -> bool:
        looked.append(hop)
        return True  # so that it goes on with the next

    monkeypatch.setattr(caller, "is_loopback", noted)
    made_up = ",".join(f"10.0.{n // 256}.{n % 256}" for n in range(5000)).encode()
    scope = {
        "type": "http",
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"x-forwarded-for", made_up), (b"x-forwarded-for", b"203.0.113.9, 127.0.0.1")],
    }
    callers = caller.Callers(("127.0.0.1",), Settings(_env_file=None).terms)
    assert callers.of(scope, Headers(scope=scope)).address == "203.0.113.9"
    assert 0 < len(looked) <= 64


async def test_anybody_may_come_when_the_operator_says_so_by_name(claude: ScriptedClaude) -> None:
    async with serving(claude.url, allow_anonymous=True) as gateway:
        assert (await gateway.request("GET", "/api/config", headers=PUBLIC)).status == 200
        assert (await gateway.request("GET", "/metrics", headers=PUBLIC)).status == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8000"])
async def test_a_host_that_is_not_served_is_a_403(host: str, gateway: Gateway) -> None:
    answer = await gateway.request("GET", "/api/config", headers={"Host": host})
    assert answer.status == 403
    assert "GATEWAY_ALLOWED_HOSTS" in answer.error["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
async def test_loopback_names_are_served(host: str, gateway: Gateway) -> None:
    assert (await gateway.request("GET", "/api/config", headers={"Host": host})).status == 200


async def test_the_operator_names_the_hosts(claude: ScriptedClaude) -> None:
    async with serving(claude.url, allowed_hosts=("chat.example",)) as gateway:
        assert (await gateway.request("GET", "/", headers={"Host": "chat.example"})).status == 200
        assert (await gateway.request("GET", "/", headers={"Host": "localhost"})).status == 403


async def test_prometheus_may_ask_by_the_address_it_has_found_and_no_rebound_name_may(
    claude: ScriptedClaude,
) -> None:
    async with serving(claude.url, allowed_hosts=("chat.example",)) as gateway:
        for host in ("10.1.2.3:8000", "127.0.0.1", "[fd00::1]:8000", "localhost:8000", "chat.example"):
            assert (await gateway.request("GET", "/metrics", headers={"Host": host})).status == 200
        for host in ("evil.example", "10.1.2.3.evil.example", "10.1.2", "[::1]evil", ""):
            assert (await gateway.request("GET", "/metrics", headers={"Host": host})).status == 403


async def test_health_is_told_to_whoever_asks(gateway: Gateway) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await gateway.request("GET", path, headers={**PUBLIC, "Host": "10.0.0.1"})).status == 200


async def test_the_page_has_a_strict_content_security_policy(gateway: Gateway) -> None:
    answer = await gateway.request("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in answer.headers


async def test_a_request_id_is_ours_unless_a_trusted_proxy_gave_one(claude: ScriptedClaude) -> None:
    async with serving(claude.url) as gateway:
        given = await gateway.request("GET", "/healthz", headers={"X-Request-Id": "abc-1.2"})
        hostile = await gateway.request("GET", "/healthz", headers={"X-Request-Id": "a b<script>"})
    async with serving(claude.url, trusted_proxies=()) as gateway:
        untrusted = await gateway.request("GET", "/healthz", headers={"X-Request-Id": "abc-1.2"})
    assert given.headers["x-request-id"] == "abc-1.2"
    assert hostile.headers["x-request-id"].startswith("req_")
    assert untrusted.headers["x-request-id"].startswith("req_")


async def test_no_other_site_may_read_unless_it_is_listed(claude: ScriptedClaude) -> None:
    origin = {"Origin": "https://chat.example"}
    async with serving(claude.url) as gateway:
        closed = await gateway.request("GET", "/api/config", headers=origin)
    async with serving(claude.url, cors_origins=("https://chat.example",)) as gateway:
        listed = await gateway.request("GET", "/api/config", headers=origin)
        other = await gateway.request("GET", "/api/config", headers={"Origin": "https://chat.example.evil"})
        preflight = await gateway.request(
            "OPTIONS",
            "/api/chat",
            headers={
                **origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type, idempotency-key, last-event-id",
            },
        )
    assert "access-control-allow-origin" not in closed.headers
    assert listed.headers["access-control-allow-origin"] == "https://chat.example"
    assert "access-control-allow-origin" not in other.headers
    assert preflight.status == 200


async def test_config_tells_the_page_what_it_needs(gateway: Gateway) -> None:
    config = (await gateway.request("GET", "/api/config")).json
    assert config["demo"] is False
    assert (config["default_max_tokens"], config["max_tokens"]) == (8192, 64_000)
    assert config["tools"] == []
    assert config["attachments"] == {
        "max_body_bytes": 32 * 1024**2,
        "url_sources": False,
        "images": {
            "media_types": ["image/jpeg", "image/png", "image/gif", "image/webp"],
            "max_bytes": 5 * 1024**2,
            "max_edge": 8000,
            "max_count": 100,
        },
        "documents": {"media_types": ["application/pdf", "text/plain"]},
    }


async def test_models_are_the_allowed_ones_described_by_claude_default_first(claude: ScriptedClaude) -> None:
    async with serving(
        claude.url, models=("claude-opus-5-5", "claude-sonnet-5-5", "claude-own-1")
    ) as gateway:
        models = (await gateway.request("GET", "/api/models")).json["data"]
        await gateway.request("GET", "/api/models")
    assert [model["id"] for model in models] == ["claude-opus-5-5", "claude-sonnet-5-5", "claude-own-1"]
    assert models[0]["display_name"] == "Claude-Opus-5-5"
    assert models[0]["max_tokens"] == 128_000
    assert models[2] == {
        "id": "claude-own-1",
        "type": "model",
        "display_name": "claude-own-1",
    } | dict.fromkeys(("created_at", "lifecycle", "line", "max_input_tokens", "max_tokens", "capabilities"))
    assert [call.path for call in claude.others].count("/v1/models") == 1


async def test_without_a_list_from_upstream_the_settings_own_is_served() -> None:
    async with serving("http://127.0.0.1:9") as gateway:
        models = (await gateway.request("GET", "/api/models")).json["data"]
    assert models[0]["id"] == "claude-opus-5-5"
    assert models[0]["max_tokens"] is None


ODD_LISTS = {
    "ids that are none": {"data": [{"id": ["a"]}, {"id": {}}, {"id": None}, "a"], "has_more": False},
    "no end": {"data": [{"id": "claude-sonnet-5-5"}], "has_more": True, "last_id": "claude-sonnet-5-5"},
}


@pytest.mark.parametrize("odd", ODD_LISTS)
async def test_whatever_an_upstream_lists_the_settings_own_models_are_served(odd: str) -> None:
    class Listing(ScriptedClaude):
        def _elsewhere(self, call: Call) -> Refusal:
            return Refusal(200, ODD_LISTS[odd])

    async with Listing(always(saying("x"))) as claude, serving(claude.url) as gateway:
        models = (await gateway.request("GET", "/api/models")).json["data"]
        assert [model["id"] for model in models] == list(CURRENT_MODELS)
        assert len(claude.others) <= MAX_PAGES


async def test_tokens_are_counted_by_claude_for_the_same_body(claude: ScriptedClaude) -> None:
    async with serving(claude.url) as gateway:
        body = ask("hi", max_tokens=9, system="s", stop_sequences=["x"])
        answer = await gateway.request("POST", "/api/chat/count_tokens", body)
    assert answer.json == {"input_tokens": 42}
    sent = claude.others[-1].body
    assert sent == {"messages": body["messages"], "model": body["model"], "system": "s"}


async def test_metrics_count_what_happened(claude: ScriptedClaude) -> None:
    async with serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("hi"))).rest()
        await (await gateway.resume(stream.id, stream.ids[0])).rest()
        text = (await gateway.request("GET", "/metrics")).raw.decode()
    assert 'gateway_generations_started_total{model="claude-sonnet-5-5"} 1.0' in text
    assert 'gateway_generations_ended_total{end="complete",model="claude-sonnet-5-5"} 1.0' in text
    assert "gateway_resumes_total 1.0" in text
    assert "gateway_generations_live 0.0" in text
    assert 'gateway_tokens_total{kind="input",model="claude-sonnet-5-5"} 11.0' in text


async def test_the_key_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """A canary: every route, every failure, debug logs and all."""
    caplog.set_level(logging.DEBUG)
    answers: list[Answer] = [
        refusing(401, "authentication_error", f"invalid x-api-key {KEY}"),
        refusing(400, "invalid_request_error", f"Bearer {KEY} is odd"),
        [*saying("x")[:3], Ending.RESET],
        [*saying("x")[:3], f"event: error\ndata: {KEY}\n\n".encode()],
        [frame("error", error={"type": "api_error", "message": f"Bearer {KEY} is odd"})],
        [*saying("x")[:3], frame("error", error={"type": "authentication_error", "message": KEY})],
        saying("x"),
    ]
    seen = b""
    for script in answers:
        async with (
            ScriptedClaude(always(script)) as claude,
            serving(claude.url, retries=0) as gateway,
        ):
            for method, path, body in [
                ("POST", "/api/chat", ask("hi", events=["text", "done"])),
                ("POST", "/api/chat", ask("hi", stream=False)),
                ("POST", "/api/chat", {"bad": 1}),
                *(("GET", path, None) for path in ("/", "/api/config", "/api/models", "/metrics", "/nope")),
            ]:
                answer = await gateway.request(method, path, body)
                seen += repr(answer.headers).encode() + answer.raw
            seen += repr(gateway.parts).encode() + repr(vars(gateway.hub)).encode()
    assert KEY.encode() not in seen
    assert KEY not in caplog.text


@pytest.mark.parametrize("where", ["request", "answer", "stream", "websocket"])
async def test_a_failure_of_ours_is_logged_without_what_it_says(
    where: str, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    text = " ".join(("of", "a", "question"))  # in pieces: the trace shows lines of code

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError(KEY + text)

    async with serving(claude.url) as gateway:
        match where:
            case "request":
                monkeypatch.setattr(routes, "parse", fail)
            case "answer":
                monkeypatch.setattr(gateway.parts.upstream, "stream", fail)
            case "stream":
                monkeypatch.setattr(Reader, "take", fail)
            case _:
                monkeypatch.setattr(websocket, "parse", fail)
        seen = b""
        if where == "websocket":
            address = f"ws://{gateway.host}:{gateway.port}/api/chat/ws"
            async with connect(address, proxy=None) as socket:
                await socket.send(json.dumps({"request": ask("x")}))
                with contextlib.suppress(ConnectionClosed):
                    seen = str(await socket.recv()).encode()
        elif where == "stream":
            stream = await (await gateway.stream(ask("x"))).rest()
            assert stream.cut
        else:
            answer = await gateway.request("POST", "/api/chat", ask("x"))
            assert answer.status == 500
            assert answer.error["message"] == "The gateway failed. Its operator finds the reason in the log."
            seen = answer.raw + repr(answer.headers).encode()
    assert "RuntimeError" in caplog.text
    assert KEY not in caplog.text
    assert text not in caplog.text
    assert b"RuntimeError" not in seen
    assert KEY.encode() not in seen
