"""What nginx.conf promises, by the real nginx: how answers and requests pass."""

import asyncio
import gzip
import json
import re
from pathlib import Path

import httpx
import pytest

from tests.backend import (
    Request,
    Wire,
    assert_error,
    backend,
    served,
)
from tests.nginx import Nginx
from tests.nobody import nobody

# -- The file ---------------------------------------------------------------------------------------------------------


async def test_nginx_has_nothing_to_say_against_the_file(tmp_path: Path) -> None:
    async with Nginx(tmp_path, ("127.0.0.1", 8000)) as nginx:
        said = await nginx.check()
    assert re.fullmatch(r"nginx: .* syntax is ok\nnginx: .* test is successful\n", said)


# -- Streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["POST /api/chat", "GET /api/chat/abc/stream"])
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_delta_is_with_the_reader_before_the_next_one_is_produced(
    tmp_path: Path, way: str, chunked: bool
) -> None:
    # Without chunks, an answer ends with its connection: nginx would gather those even where it passes chunks on.
    has_read = asyncio.Event()

    async def paced_by_the_reader(request: Request, wire: Wire) -> None:
        await wire.begin(chunked=chunked)
        for number in range(20):
            await wire.event(number)
            await has_read.wait()
            has_read.clear()
        await wire.end()

    method, path = way.split()
    async with served(tmp_path, paced_by_the_reader) as (_, _, client):
        async with client.stream(method, path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert "content-encoding" not in answer.headers
            got = b""
            async for piece in answer.aiter_raw():
                got += piece
                if got.endswith(b"\n\n"):
                    has_read.set()
        assert got == b"".join(b"data: %d\n\n" % number for number in range(20))


async def test_a_reader_that_leaves_is_noticed_at_once(tmp_path: Path) -> None:
    noticed = asyncio.Event()

    async def until_they_leave(request: Request, wire: Wire) -> None:
        await wire.begin()
        await wire.event(1)
        assert await wire.read() == b""
        noticed.set()

    async with served(tmp_path, until_they_leave) as (_, _, client):
        async with client.stream("POST", "/api/chat") as answer:
            await anext(answer.aiter_raw())
        await noticed.wait()


async def test_a_stream_outlives_a_reload(tmp_path: Path) -> None:
    reloaded = asyncio.Event()

    async def across_the_reload(request: Request, wire: Wire) -> None:
        await wire.begin()
        await wire.event(1)
        await reloaded.wait()
        await wire.event(2)
        await wire.end()

    async with (
        served(tmp_path, across_the_reload) as (_, nginx, client),
        client.stream("POST", "/api/chat") as answer,
    ):
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        await nginx.reload()
        reloaded.set()
        assert await anext(pieces) == b"data: 2\n\n"


async def test_a_websocket_is_upgraded(tmp_path: Path) -> None:
    async def upgrade(request: Request, wire: Wire) -> None:
        assert request.headers["upgrade"] == "websocket"
        assert request.headers["connection"] == "upgrade"
        await wire.raw(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert await wire.read() == b"a frame"
        await wire.raw(b"another")

    async with served(tmp_path, upgrade) as (_, nginx, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(
            b"GET /api/chat/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(b"a frame")
        assert await reader.readexactly(7) == b"another"
        writer.close()


async def test_nothing_else_is_upgraded(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, _, client):
        await client.get("/api/models", headers={"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"})
        assert not {"upgrade", "connection", "http2-settings"} & {*stand_in.requests[0].headers} - {
            "http2-settings"
        }


# -- A request reaches the gateway at most once -----------------------------------------------------------------------


async def test_a_post_is_not_run_again_when_the_gateway_dies_of_it(tmp_path: Path) -> None:
    async def die(request: Request, wire: Wire) -> None:
        wire.die()

    async with (
        asyncio.timeout(60),
        backend(die) as one,
        backend(die) as other,
        Nginx(tmp_path, one.address, other.address) as nginx,
        httpx.AsyncClient(base_url=nginx.url, timeout=30) as client,
    ):
        answer = await client.post("/api/chat", json={"prompt": "once"})
        assert_error(answer, 502, "api_error")
        assert answer.headers["retry-after"] == "1"
        assert len(one.requests) + len(other.requests) == 1


async def test_a_post_is_not_run_again_when_a_kept_connection_breaks_under_it(tmp_path: Path) -> None:
    async def die_of_the_second(request: Request, wire: Wire) -> None:
        await wire.whole() if len(stand_in.requests) == 1 else wire.die()

    async with served(tmp_path, die_of_the_second) as (stand_in, _, client):
        assert (await client.post("/api/chat", json={"prompt": "first"})).status_code == 200
        assert_error(await client.post("/api/chat", json={"prompt": "second"}), 502, "api_error")
        assert [request.body for request in stand_in.requests] == [
            b'{"prompt":"first"}',
            b'{"prompt":"second"}',
        ]
        assert stand_in.connections == 1


async def test_a_post_goes_elsewhere_when_a_gateway_takes_no_connection(tmp_path: Path) -> None:
    with nobody() as dead:
        async with (
            asyncio.timeout(60),
            backend() as alive,
            Nginx(tmp_path, dead, alive.address) as nginx,
            httpx.AsyncClient(base_url=nginx.url, timeout=30) as client,
        ):
            for _ in range(2):  # round robin: one of them meets the dead one first
                assert (await client.post("/api/chat", json={})).status_code == 200
            assert len(alive.requests) == 2


async def test_connections_to_the_gateway_are_used_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, _, client):
        for _ in range(20):
            assert (await client.get("/api/models")).status_code == 200
        assert len(stand_in.requests) == 20
        assert stand_in.connections == 1


async def test_the_gateway_hears_of_a_body_when_it_is_whole(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, nginx, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        async with httpx.AsyncClient(
            base_url=nginx.url, timeout=30
        ) as other:  # whoever is quicker is not held up
            await other.get("/healthz")
        assert [request.target for request in stand_in.requests] == ["/healthz"]
        writer.write(b"67890")
        await reader.readuntil(b"\r\n\r\n")
        assert stand_in.requests[1].body == b"1234567890"
        writer.close()


# -- Who asks ---------------------------------------------------------------------------------------------------------


async def test_the_gateway_is_told_who_asks_and_not_what_they_claim(tmp_path: Path) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.example",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Forwarded-User": "admin",
        "X-Auth-Request-Email": "admin@example.com",
        "Remote-User": "admin",
        "X_Forwarded_User": "admin",
    }
    async with served(tmp_path) as (stand_in, nginx, client):
        await client.get("/api/models", headers=claims)
        headers = stand_in.requests[0].headers
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert headers["x-forwarded-proto"] == "http"
        assert headers["host"] == f"127.0.0.1:{nginx.port}"
        assert not re.search(r"203\.0\.113\.9|admin|evil|gopher", str(headers))


async def test_a_request_id_is_passed_on_if_it_is_safe_and_else_made(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, _, client):
        for theirs in ("req_0123-abc.DEF", "x" * 65, 'a"b', "a b", ""):
            await client.get("/api/models", headers={"X-Request-Id": theirs})
        kept, *made = [request.headers["x-request-id"] for request in stand_in.requests]
        assert kept == "req_0123-abc.DEF"
        assert len(set(made)) == 4
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


async def test_what_is_sensitive_is_passed_on_untouched(tmp_path: Path) -> None:
    sent = {"Authorization": "Bearer t", "Cookie": "a=b", "Idempotency-Key": "k", "Last-Event-ID": "1-7"}
    async with served(tmp_path) as (stand_in, _, client):
        await client.get("/api/chat/x/stream?after=1-7&buffer=100", headers=sent)
        assert stand_in.requests[0].target == "/api/chat/x/stream?after=1-7&buffer=100"
        assert {name: stand_in.requests[0].headers[name.lower()] for name in sent} == sent


async def test_the_access_log_has_neither_queries_nor_ids_of_generations_nor_text(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, nginx, client):
        await client.post(
            "/api/chat?token=secret-1",
            json={"prompt": "secret-2"},
            headers={"User-Agent": 'evil"\\\t\x1b[31m'},
        )
        await client.get("/api/chat/secret-3/stream?after=1-9", headers={"Authorization": "Bearer secret-4"})
        await client.delete("/api/chat/secret-5")
        await client.post("/api/chat/count_tokens?secret=6")
        await client.get("/static/js/main.js?v=secret-7")
        await nginx.accessed("main.js")
        lines = [json.loads(line) for line in nginx.accesses]
        assert [line["path"] for line in lines] == [
            "/api/chat",
            "/api/chat/{id}/stream",
            "/api/chat/{id}",
            "/api/chat/count_tokens",
            "/static/js/main.js",
        ]
        assert lines[0]["user_agent"] == 'evil"\\\t\x1b[31m'
        assert lines[0]["status"] == lines[0]["upstream_status"] == "200"
        assert lines[0]["client"] == "127.0.0.1"
        assert "secret" not in "".join(nginx.accesses)


# -- The page's files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["text/html; charset=utf-8", "text/css", "text/javascript; charset=utf-8", "image/svg+xml"]
)
async def test_files_are_compressed_and_keep_their_etag(tmp_path: Path, kind: str) -> None:
    file = b"body { color: CanvasText }\n" * 200

    async def send(request: Request, wire: Wire) -> None:
        await wire.whole(file, Content_Type=kind, ETag='"abc"', Cache_Control="no-cache")

    async with served(tmp_path, send) as (_, _, client):
        async with client.stream("GET", "/static/x", headers={"Accept-Encoding": "gzip"}) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["etag"] == 'W/"abc"'  # weak: the same file in other bytes
        assert answer.headers["cache-control"] == "no-cache"
        assert gzip.decompress(raw) == file
        plain = await client.get("/static/x", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == file
