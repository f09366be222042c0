"""What nginx itself refuses by nginx.conf, and how it says so."""

import asyncio
import contextlib
import json
from pathlib import Path

import httpx
import pytest

from tests.backend import (
    Request,
    Wire,
    assert_error,
    exchange,
    served,
)
from tests.nginx import UNLIMITED, Nginx
from tests.nobody import nobody

MIB = 1024 * 1024


# -- Limits -----------------------------------------------------------------------------------------------------------


async def test_a_body_of_32_mib_comes_through_and_one_byte_more_does_not(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, _, client):
        assert (await client.post("/api/chat", content=bytes(32 * MIB))).status_code == 200
        assert len(stand_in.requests.pop().body) == 32 * MIB
        assert_error(await client.post("/api/chat", content=bytes(32 * MIB + 1)), 413, "request_too_large")
        assert not stand_in.requests


async def test_a_body_that_declares_too_much_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, nginx, _):
        sent = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000000\r\n\r\n"
        head, _ = await exchange(nginx, sent)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert not stand_in.requests


async def test_a_body_without_a_length_is_refused_when_it_is_too_large(tmp_path: Path) -> None:
    async with served(tmp_path) as (stand_in, nginx, _):
        sent = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        head, _ = await exchange(nginx, sent + (b"100000\r\n%b\r\n" % bytes(MIB)) * 33)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert not stand_in.requests


async def test_a_flood_of_posts_is_slowed_down_and_reading_is_not(tmp_path: Path) -> None:
    async with served(tmp_path, changes={"rate=10r/s": "rate=1r/m"}) as (_, _, client):
        answers = await asyncio.gather(*(client.post("/api/chat", json={}) for _ in range(90)))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) == 90 - 41  # one as the rate has it, and a burst of 40
        assert_error(refused[0], 429, "rate_limit_error")
        assert refused[0].headers["retry-after"] == "1"
        for _ in range(90):
            assert (await client.get("/api/chat/x")).status_code == 200


@pytest.mark.parametrize("way", ["POST /api/chat", "GET /api/chat/abc/stream"])
async def test_one_address_may_have_a_hundred_streams(tmp_path: Path, way: str) -> None:
    everybody_is_there, enough = asyncio.Event(), asyncio.Event()

    async def endless(request: Request, wire: Wire) -> None:
        await wire.begin()
        if len(stand_in.requests) == 100:
            everybody_is_there.set()
        await enough.wait()
        await wire.end()

    method, path = way.split()
    limits = httpx.Limits(max_connections=None)
    async with (
        served(tmp_path, endless, {"rate=10r/s": "rate=1000r/s", "burst=40": "burst=1000"}) as (
            stand_in,
            nginx,
            _,
        ),
        httpx.AsyncClient(base_url=nginx.url, limits=limits, timeout=30) as crowd,
    ):
        readers = [asyncio.create_task(crowd.request(method, path)) for _ in range(100)]
        await everybody_is_there.wait()
        assert_error(await crowd.request(method, path), 429, "rate_limit_error")
        enough.set()
        assert {answer.status_code for answer in await asyncio.gather(*readers)} == {200}


async def test_a_test_can_be_a_crowd_on_one_address(tmp_path: Path) -> None:
    async with served(tmp_path, changes=UNLIMITED) as (stand_in, _, client):
        answers = await asyncio.gather(*(client.post("/api/chat", json={}) for _ in range(300)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(stand_in.requests) == 300


@pytest.mark.parametrize(
    ("setting", "sent"),
    [
        ("client_header_timeout 10s", b"GET / HTTP/1.1\r\nHost: loc"),
        (
            "client_body_timeout 10s",
            b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
        ),
    ],
)
async def test_a_client_that_dawdles_is_let_go(tmp_path: Path, setting: str, sent: bytes) -> None:
    async with served(tmp_path, changes={setting: setting.replace("10s", "50ms")}) as (stand_in, nginx, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(sent)
        with contextlib.suppress(ConnectionResetError):  # reset_timedout_connection
            assert await reader.read() == b""
        writer.close()
        assert not stand_in.requests


# -- Errors of nginx's own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/metrics/", "/metrics?x=1"]
)
async def test_metrics_are_not_for_the_outside(tmp_path: Path, path: str) -> None:
    async with served(tmp_path) as (stand_in, nginx, _):
        head, body = await exchange(nginx, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 404 ")
        assert json.loads(body)["error"]["type"] == "not_found_error"
        assert not stand_in.requests


async def test_a_gateway_that_is_not_there_is_a_502(tmp_path: Path) -> None:
    with nobody() as dead:
        async with (
            asyncio.timeout(60),
            Nginx(tmp_path, dead) as nginx,
            httpx.AsyncClient(base_url=nginx.url, timeout=30) as client,
        ):
            for method, path in (("GET", "/"), ("POST", "/api/chat"), ("GET", "/api/chat/x/stream")):
                answer = await client.request(method, path, headers={"X-Request-Id": "mine"})
                assert_error(answer, 502, "api_error")
                assert answer.headers["x-request-id"] == "mine"
                assert answer.headers["retry-after"] == "1"
                assert answer.headers["cache-control"] == "no-store"


async def test_a_gateway_that_says_nothing_is_a_504(tmp_path: Path) -> None:
    async def silence(request: Request, wire: Wire) -> None:
        assert await wire.read() == b""

    changes = {"proxy_read_timeout 75s": "proxy_read_timeout 50ms"}
    async with served(tmp_path, silence, changes) as (_, _, client):
        assert_error(await client.get("/api/chat/x"), 504, "timeout_error")


async def test_an_answer_that_is_waited_for_in_silence_may_take_an_hour(tmp_path: Path) -> None:
    asked, thought_about = asyncio.Event(), asyncio.Event()

    async def think(request: Request, wire: Wire) -> None:
        asked.set()
        await thought_about.wait()
        await wire.whole()

    changes = {"proxy_read_timeout 75s": "proxy_read_timeout 50ms"}
    async with served(tmp_path, think, changes) as (_, _, client):
        whole = asyncio.create_task(client.post("/api/chat", json={"stream": False}))
        await asked.wait()
        assert (
            await client.post("/api/chat/count_tokens", json={})
        ).status_code == 504  # so 50 ms have passed
        thought_about.set()
        assert (await whole).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status", "kind"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_request_error"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "invalid_request_error",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, "invalid_request_error"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "invalid_request_error"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405, "invalid_request_error"),
    ],
)
async def test_bad_http_is_refused_in_the_same_shape(
    tmp_path: Path, sent: bytes, status: int, kind: str
) -> None:
    async with served(tmp_path) as (stand_in, nginx, _):
        head, body = await exchange(nginx, sent)
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"Server: nginx\r\n" in head  # without its version
        assert json.loads(body)["error"]["type"] == kind
        assert not stand_in.requests


async def test_the_gateways_own_errors_come_through_as_they_are(tmp_path: Path) -> None:
    theirs = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}'

    async def refuse(request: Request, wire: Wire) -> None:
        await wire.whole(theirs, int(request.target.rpartition("/")[2]), X_Request_Id="r")

    async with served(tmp_path, refuse) as (_, _, client):
        for status in (400, 401, 403, 404, 405, 410, 413, 415, 422, 429, 500, 502, 503, 504, 529):
            answer = await client.get(f"/api/{status}")
            assert (answer.status_code, answer.content) == (status, theirs)


async def test_no_answer_can_steer_nginx(tmp_path: Path) -> None:
    async def redirect(request: Request, wire: Wire) -> None:
        await wire.whole(b"mine", X_Accel_Redirect="/metrics", X_Accel_Limit_Rate="1")

    async with served(tmp_path, redirect) as (_, _, client):
        assert (await client.get("/api/models")).content == b"mine"
