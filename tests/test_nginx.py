"""What nginx.conf promises, by the real nginx."""

import asyncio
import contextlib
import gzip
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.nginx import UNLIMITED, Nginx
from tests.nobody import nobody

MIB = 1024 * 1024
EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Request:
    """One request as it reached the backend; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Wire:
    """The backend's end of one connection, for an answer in HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = True

    async def whole(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await self._head(
            status, {**fields, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )
        await self._send(body)

    async def begin(self, *, chunked: bool = True) -> None:
        """Begin a stream, with an event for each ``event``, that ``end`` ends."""
        self._chunked = chunked
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Connection": "close"}
        await self._head(200, {**EVENT_STREAM, **framing})

    async def event(self, number: int) -> None:
        event = b"data: %d\n\n" % number
        await self._send(b"%x\r\n%b\r\n" % (len(event), event) if self._chunked else event)

    async def end(self) -> None:
        if self._chunked:
            await self._send(b"0\r\n\r\n")
        else:
            self._writer.close()

    async def raw(self, data: bytes) -> None:
        await self._send(data)

    async def read(self) -> bytes:
        return await self._reader.read(1000)

    def die(self) -> None:
        self._writer.transport.abort()

    async def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        await self._send(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode())

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


Answer = Callable[[Request, Wire], Awaitable[None]]


class Backend:
    """Stands in for a gateway where the test is about nginx alone: it answers what the test says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self.address = ("127.0.0.1", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await self._next(reader):
                self.requests.append(request)
                await self.answer(request, Wire(reader, writer))
        except ConnectionError:
            pass  # what the test wanted
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        method, target, _ = first.split(" ")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        return Request(
            method, target, headers, await reader.readexactly(int(headers.get("content-length", 0)))
        )


async def always_ok(request: Request, wire: Wire) -> None:
    await wire.whole()


@contextlib.asynccontextmanager
async def backend(answer: Answer = always_ok) -> AsyncIterator[Backend]:
    stand_in = Backend(answer)
    connected: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.add(asyncio.create_task(stand_in.serve(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    stand_in.address = server.sockets[0].getsockname()
    try:
        yield stand_in
    finally:
        server.close()
        for task in connected:
            task.cancel()
        for result in await asyncio.gather(*connected, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


@contextlib.asynccontextmanager
async def served(
    folder: Path, answer: Answer = always_ok, changes: dict[str, str] | None = None
) -> AsyncIterator[tuple[Backend, Nginx, httpx.AsyncClient]]:
    """Give a backend, nginx in front of it, and a client of both."""
    async with (
        asyncio.timeout(60),
        backend(answer) as stand_in,
        Nginx(folder, stand_in.address, changes=changes) as nginx,
        httpx.AsyncClient(base_url=nginx.url, timeout=30) as client,
    ):
        yield stand_in, nginx, client


async def exchange(nginx: Nginx, sent: bytes) -> tuple[bytes, bytes]:
    """Send bytes that no client library would, and return the head and the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    try:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head, await reader.readexactly(int(length[1]) if length else 0)
    finally:
        writer.close()


def assert_error(answer: httpx.Response, status: int, kind: str) -> None:
    """Assert that *answer* is an error in the one shape that all errors have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert set(told) == {"type", "error", "request_id"}
    assert told["type"] == "error"
    assert set(told["error"]) == {"type", "message"}
    assert told["error"]["type"] == kind
    assert told["error"]["message"].endswith(".")
    assert told["request_id"] == answer.headers["x-request-id"]


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
