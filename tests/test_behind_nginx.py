"""The gateway behind the real nginx: together they keep what each promises."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.nginx import Nginx
from tests.reading import Client, ask
from tests.running import serving
from tests.scripted import ScriptedClaude, Step, gated, saying
from tests.signing_in import ALICE, BOB, bearer, cookie, sign_in, tokens_file


@asynccontextmanager
async def behind_nginx(
    folder: Path, *steps: Step, changes: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[tuple[Client, Nginx, ScriptedClaude]]:
    """Give a client of nginx, in front of a gateway, in front of a Claude that answers *steps*."""
    async with (
        ScriptedClaude(lambda _: steps or saying("Hello")) as claude,
        serving(claude.url, **settings) as gateway,
        Nginx(folder, (gateway.host, gateway.port), changes=changes) as nginx,
    ):
        yield Client(nginx.url), nginx, claude


async def test_a_delta_is_with_the_reader_before_claude_says_the_next(tmp_path: Path) -> None:
    has_read = asyncio.Event()
    steps = gated(has_read, ("first", "second"), after=1)
    async with behind_nginx(tmp_path, *steps) as (client, _, _):
        stream = await client.stream(ask("x"), headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in stream.headers
        await stream.until_text(5)
        assert stream.text == "first"
        has_read.set()
        assert (await stream.rest()).text == "firstsecond"
        assert stream.done == 1


async def test_a_reader_whose_nginx_dies_goes_on_after_the_last_event_it_saw(tmp_path: Path) -> None:
    is_back = asyncio.Event()
    steps = gated(is_back, ("first", "second"), after=1)
    async with behind_nginx(tmp_path, *steps) as (client, nginx, claude):
        before = await client.stream(ask("x"))
        await before.until_text(5)
        await nginx.kill_workers()
        assert (await before.rest()).cut
        after = await client.resume(before.id, before.ids[-1])
        is_back.set()
        await after.rest()
        assert before.text + after.text == "firstsecond"
        assert after.done == 1
        assert len(claude.calls) == 1


async def test_the_pages_own_websocket_comes_through(tmp_path: Path) -> None:
    async with behind_nginx(tmp_path) as (client, nginx, _):
        address = f"ws://{client.host}:{client.port}/api/chat/ws"
        async with connect(address, origin=Origin(nginx.url), proxy=None) as socket:
            await socket.send(json.dumps({"request": ask("x")}))
            frames = [json.loads(message) async for message in socket]
        assert frames[-1] == "[DONE]"
        assert frames[-2]["event"]["type"] == "done"
        assert "".join(frame["event"].get("text", "") for frame in frames[:-1]) == "Hello"


async def test_the_page_and_its_files_come_through(tmp_path: Path) -> None:
    async with behind_nginx(tmp_path) as (client, _, _):
        page = await client.request("GET", "/")
        assert page.status == 200
        assert page.raw.lower().startswith(b"<!doctype html>")
        assert "default-src 'none'" in page.headers["content-security-policy"]

        script = await client.request("GET", "/static/js/main.js", headers={"Accept-Encoding": "gzip"})
        assert script.headers["content-encoding"] == "gzip"
        again = await client.request(
            "GET",
            "/static/js/main.js",
            headers={"Accept-Encoding": "gzip", "If-None-Match": script.headers["etag"]},
        )
        assert (again.status, again.raw) == (304, b"")


async def test_both_limits_of_a_body_answer_in_the_same_shape(tmp_path: Path) -> None:
    async with behind_nginx(tmp_path, max_body_bytes=10_000) as (client, _, claude):
        for size in (10_001, 33 * 1024 * 1024):  # the gateway's, nginx's
            answer = await client.request("POST", "/api/chat", b" " * size)
            assert answer.status == 413
            assert answer.error["type"] == "request_too_large"
            assert answer.json["request_id"] == answer.headers["x-request-id"]
        assert not claude.calls


async def test_the_request_id_is_the_same_from_end_to_end(tmp_path: Path) -> None:
    async with behind_nginx(tmp_path) as (client, nginx, _):
        answer = await client.request("GET", "/api/chat/unknown", headers={"X-Request-Id": "mine-1"})
        assert answer.status == 404
        assert answer.json["request_id"] == answer.headers["x-request-id"] == "mine-1"
        assert '"request_id":"mine-1"' in await nginx.accessed("mine-1")
        made = await client.request("GET", "/api/chat/unknown", headers={"X-Request-Id": "not valid"})
        assert await nginx.accessed(made.headers["x-request-id"])


async def test_a_gateway_for_this_machine_only_hears_from_nginx_who_comes_from_elsewhere(
    tmp_path: Path,
) -> None:
    from_elsewhere = {"server_tokens off;": "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"}
    async with behind_nginx(tmp_path, changes=from_elsewhere) as (client, _, claude):
        claims = {"X-Forwarded-For": "127.0.0.1", "X-Test-Address": "203.0.113.9"}
        refused = await client.request("POST", "/api/chat", ask("x"), headers=claims)
        assert refused.status == 403
        assert "GATEWAY_ALLOW_ANONYMOUS" in refused.error["message"]
        assert not claude.calls
        here = await client.stream(ask("x"), headers={"X-Forwarded-For": "203.0.113.9"})
        assert (await here.rest()).text == "Hello"


async def test_people_sign_in_through_nginx_and_other_sites_do_nothing_in_their_name(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "auth": "token",
        "tokens_file": tokens_file(tmp_path),
        "rate_limit": "2/minute",
    }
    async with behind_nginx(tmp_path, **settings) as (client, nginx, claude):
        page = {"Origin": nginx.url}
        assert (await client.request("POST", "/api/chat", ask("x"), page)).status == 401
        signed_in = await sign_in(client, ALICE, page)
        assert (signed_in.status, signed_in.json["user"]) == (200, "alice")
        headers = cookie(signed_in)
        stream = await (await client.stream(ask("x"), headers=headers | page)).rest()
        assert stream.headers["ratelimit-remaining"] == "1"
        path = f"/api/chat/{stream.id}"
        assert (await client.request("GET", path, headers=headers)).status == 200
        assert (await client.request("GET", path, headers=bearer(BOB))).status == 404
        for evil in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1"}):
            assert (await client.request("POST", "/api/chat", ask("x"), headers | evil)).status == 403
        assert len(claude.calls) == 1
        # By TLS, as nginx alone says: what the browser claims does not reach the gateway.
        claimed = await sign_in(client, ALICE, page | {"X-Forwarded-Proto": "https"})
        assert "Secure" not in claimed.headers["set-cookie"]
        large = await client.request("POST", "/api/session", b'{"token": "' + b"x" * 30_000 + b'"}', page)
        assert large.status == 413
        assert large.error["type"] == "request_too_large"


async def test_by_tls_nginx_says_so_and_the_cookie_is_bound_to_it(tmp_path: Path) -> None:
    by_tls = {"X-Forwarded-Proto $scheme;": "X-Forwarded-Proto https;"}
    settings: dict[str, Any] = {"auth": "token", "tokens_file": tokens_file(tmp_path)}
    async with behind_nginx(tmp_path, changes=by_tls, **settings) as (client, nginx, _):
        signed_in = await sign_in(client, ALICE, {"Origin": nginx.url.replace("http:", "https:")})
        assert signed_in.headers["set-cookie"].startswith("__Host-claude-gateway=")
        assert (await client.request("GET", "/api/models", headers=cookie(signed_in))).status == 200
