"""What is no proper HTTP, or takes too long to be, is refused before anything of ours runs, and in our shape."""

import asyncio
import contextlib
import gc
import json
import logging
import socket
import struct
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from app.web import body, wire
from tests.nginx import Nginx
from tests.patient import PatientLoop, until
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, message_start, saying, text_block

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
POST = b"POST /api/chat HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SOCKET = HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
SECOND = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude) -> AsyncIterator[Gateway]:
    async with serving(claude.url) as gateway:
        yield gateway


async def sent(port: int, raw: bytes) -> bytes:
    """Send *raw* and return all that comes until the other side is done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            writer.write(raw)
            return await reader.read()
    finally:
        writer.close()


REFUSED = {
    "a length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
        400,
    ),
    "chunks and a length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SECOND,
        400,
    ),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SECOND, 400),
    "a list of lengths": (POST + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "a length with a sign": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "a negative length": (POST + b"Content-Length: -2\r\n\r\n{}", 400),
    "a hexadecimal length": (POST + b"Content-Length: 0x2\r\n\r\n{}", 400),
    "a length beyond 64 bits": (POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}", 400),
    "an unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "a coding after chunks": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "a blank before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "bare line feeds": (b"GET /healthz HTTP/1.1\nHost: localhost\n\n", 400),
    "a bare carriage return": (b"GET /healthz HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n", 400),
    "a folded header": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400),
    "NUL in a header": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400),
    "a chunk that ends in a line feed": (CHUNKED + b"2\n{}\n0\n\n", 400),
    "a chunk larger than 64 bits": (CHUNKED + b"fffffffffffffffff\r\n{}\r\n", 400),
    "a chunk of negative size": (CHUNKED + b"-2\r\n{}\r\n", 400),
    "a hostile chunk extension": (CHUNKED + b'2;a="b\r\n{}\r\n0\r\n\r\n', 400),
    "no Host": (b"GET /api/config HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "two Hosts": (b"GET /api/config HTTP/1.1\r\n" + HOST * 2 + b"Connection: close\r\n\r\n", 400),
    "an address elsewhere": (b"GET http://evil.example/api/config HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tunnel": (b"CONNECT localhost:22 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no address": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "an unknown method": (b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bytes above 127 in the address": (b"GET /api/\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a method that echoes": (b"TRACE / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 405),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 200_000, 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 40_000, 431),
    "a long address": (b"GET /" + b"x" * 200_000, 431),
    "line ends without end": (b"\r\n" * 100_000, 431),
    "a WebSocket where there is a stream": (b"GET /api/chat/g_x/stream HTTP/1.1\r\n" + SOCKET + KEY, 404),
    "a WebSocket where there is a POST": (b"GET /api/chat HTTP/1.1\r\n" + SOCKET + KEY, 404),
    "a WebSocket by POST": (b"POST /api/chat/ws HTTP/1.1\r\nContent-Length: 0\r\n" + SOCKET + KEY, 400),
    "a WebSocket without its key": (b"GET /api/chat/ws HTTP/1.1\r\n" + SOCKET + b"\r\n", 400),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_it_is_refused_in_our_shape_and_nothing_after_it_is_answered(
    what: str, gateway: Gateway, claude: ScriptedClaude, caplog: pytest.LogCaptureFixture
) -> None:
    raw, status = REFUSED[what]
    head, _, said = (await sent(gateway.port, raw)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    told = json.loads(said)  # one answer and no other after it
    assert told["type"] == "error"
    assert f"x-request-id: {told['request_id']}".encode() in head.lower()
    assert b"server:" not in head.lower()
    assert not claude.calls
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_upgrade_to_anything_else_is_not_heard(gateway: Gateway) -> None:
    raw = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
    assert (await sent(gateway.port, raw)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "raw",
    [b"\x00garbage\r\n\r\n", b"GET /api/chat/ws HTTP/1.1\r\n" + SOCKET + KEY],
    ids=["garbage", "WebSocket"],
)
async def test_what_cannot_come_in_the_middle_of_an_answer_ends_the_line_and_stands_nowhere_in_it(
    raw: bytes,
) -> None:
    go_on = asyncio.Event()
    steps = [message_start(), *text_block("so far")[:2], go_on, *saying("x")[1:]]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x"))
        await stream.next("text")
        stream.writer.write(raw)
        assert (await stream.rest()).cut
        assert b"HTTP/1.1" not in stream.raw
        go_on.set()
        assert (await (await gateway.resume(stream.id, stream.ids[-1])).rest()).done == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\nGET /healthz HT",  # the second of a connection
        b"GET /api/chat/ws HTTP/1.1\r\n" + SOCKET,
    ],
)
async def test_a_head_that_does_not_come_is_not_waited_for(
    raw: bytes, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    async with asyncio.timeout(20):
        writer.write(raw)
        with contextlib.suppress(ConnectionResetError):
            await reader.read()  # until it ends
    writer.close()


async def test_a_head_that_has_come_may_be_answered_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.05)
    steps = [message_start(), 0.2, *saying("x")[1:]]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url) as gateway:
        assert (await (await gateway.stream(ask("x"))).rest()).done == 1


async def test_a_body_that_drips_is_a_408(
    gateway: Gateway, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "PATIENCE_S", 0.05)
    for head in (POST + b"Content-Length: 900\r\n\r\n", CHUNKED + b"384\r\n"):
        said = await sent(gateway.port, head + b'{"prompt": "')
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said
        assert b"invalid_request_error" in said
    assert not claude.calls


async def test_a_body_that_comes_fast_enough_may_take_long(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "PATIENCE_S", 0.5)
    monkeypatch.setattr(body, "SLOWEST_BYTES_PER_S", 1000)
    loop, taken = asyncio.get_running_loop(), asyncio.Event()
    assert isinstance(loop, PatientLoop)
    go_on = body.go_on_waiting

    def going_on(deadline: asyncio.Timeout, size: int) -> None:
        go_on(deadline, size)
        taken.set()

    monkeypatch.setattr(body, "go_on_waiting", going_on)
    _, writer = pieces = await asyncio.open_connection("127.0.0.1", gateway.port)
    raw = json.dumps(ask("x" * 4000, stream=False)).encode()
    writer.write(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(raw))
    for start in range(0, len(raw), 700):  # 0.6 s in all
        taken.clear()
        writer.write(raw[start : start + 700])
        async with asyncio.timeout(5):
            await taken.wait()
        loop.advance(0.1)
    assert (await pieces[0].read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_body_that_came_fast_may_not_stand_still_for_long() -> None:
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(now + body.PATIENCE_S) as deadline:
        await asyncio.sleep(0)
        deadline.reschedule(now + 1)
        body.go_on_waiting(deadline, body.SLOWEST_BYTES_PER_S)
        assert deadline.when() == now + 2
        body.go_on_waiting(deadline, 30_000_000)
        assert now + body.PATIENCE_S <= (deadline.when() or 0) < now + body.PATIENCE_S + 10


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_failure(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(POST + b"Content-Length: 900\r\n\r\n{")
    await writer.drain()
    await until(lambda: gateway.server.server_state.tasks)
    writer.transport.abort()
    await until(lambda: not gateway.server.server_state.tasks)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_nothing_is_kept_of_a_connection_that_was_reset(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(SECOND)
    await reader.readuntil(b"alive")
    connections = gateway.server.server_state.connections
    port = writer.get_extra_info("sockname")[1]
    (kept,) = [weakref.ref(each) for each in connections if vars(each)["client"][1] == port]
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

    def gone() -> bool:
        gc.collect()
        return kept() is None

    await until(gone)


# It makes bare line feeds proper, and then waits for more.
THROUGH_NGINX = [name for name, (_, status) in REFUSED.items() if status != 431 and name != "bare line feeds"]


@pytest.mark.parametrize("what", THROUGH_NGINX)
async def test_through_nginx_nothing_is_smuggled(what: str, nginx: Nginx, claude: ScriptedClaude) -> None:
    before = len(claude.calls)
    answer = await sent(nginx.port, REFUSED[what][0].replace(HOST, HOST + b"Connection: close\r\n"))
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"alive" not in answer or what == "a folded header"  # forgiven, and passed on as one line
    assert len(claude.calls) == before


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nginx(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nginx]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    async with Nginx(folder, (gateway.host, gateway.port)) as nginx:
        yield nginx


async def test_what_is_no_http_behind_requests_under_way_takes_them_along_quietly(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """However many requests came in one packet, none writes to the connection that the last one has closed."""
    for count in range(1, 5):
        assert b"valid HTTP" not in await sent(gateway.port, SECOND * count + b"no HTTP\r\n\r\n")
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


@pytest.mark.parametrize("streams", [True, False])
async def test_requests_behind_an_answer_do_not_hide_that_its_reader_has_left(
    streams: bool, caplog: pytest.LogCaptureFixture
) -> None:
    never = asyncio.Event()
    steps = [message_start(), *text_block("so far")[:2], never]
    async with ScriptedClaude(lambda _: steps) as claude, serving(claude.url, orphan_grace=0) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        raw = json.dumps(ask("x", stream=streams)).encode()
        writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(raw) + raw + SECOND)
        call = await claude.until_called(1)
        writer.transport.abort()
        await asyncio.wait_for(call.closed.wait(), 10)
        await until(lambda: not gateway.server.server_state.tasks)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def test_a_body_does_not_count_for_the_head_that_begins_in_the_same_read(gateway: Gateway) -> None:
    body = json.dumps(ask("x" * 2 * wire.MAX_HEAD_BYTES)).encode()
    async with connected(gateway) as (client, connection):
        connection.data_received(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + SECOND[:-2])
        assert b"[DONE]" in await asyncio.to_thread(read_until, client, b"0\r\n\r\n")
        connection.data_received(SECOND[-2:])
        await asyncio.to_thread(read_until, client, b"alive")


async def test_only_so_many_requests_of_a_connection_may_be_under_way(gateway: Gateway) -> None:
    said = await sent(gateway.port, SECOND * (wire.MAX_PIPELINED - 1) + SECOND.replace(HOST, HOST + CLOSE))
    assert said.count(b"alive") == wire.MAX_PIPELINED
    async with connected(gateway) as (_, connection):
        connection.data_received(SECOND * 10_000)
        assert len(connection.pipeline) < wire.MAX_PIPELINED
        await until_dropped(gateway, connection)


def read_until(client: socket.socket, wanted: bytes) -> bytes:
    client.settimeout(20)
    said = b""
    while wanted not in said:
        piece = client.recv(65536)
        assert piece, said
        said += piece
    return said


@contextlib.asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[tuple[socket.socket, wire.Http1]]:
    """Give a client that takes little at a time, and the server's side of its connection."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", gateway.port))
        connections, own = gateway.server.server_state.connections, client.getsockname()

        def ours() -> list[object]:
            return [each for each in connections if getattr(each, "client", None) == own]

        await until(ours)
        (connection,) = ours()
        assert isinstance(connection, wire.Http1)
        yield client, connection


async def until_dropped(gateway: Gateway, connection: wire.Http1) -> None:
    await until(lambda: connection not in gateway.server.server_state.connections)


async def test_who_reads_nothing_of_large_answers_loses_the_connection(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "UNREAD_S", 0.05)
    async with connected(gateway) as (client, connection):
        client.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        await until_dropped(gateway, connection)


MUCH = b"x" * 1_000_000
"""More than sockets hold."""


@contextlib.asynccontextmanager
async def much_unread(gateway: Gateway) -> AsyncIterator[tuple[socket.socket, wire.Http1]]:
    """Leave a connection idle of whose answers much is unread, but not so much that it would be waited for."""
    async with connected(gateway) as (client, connection):
        client.sendall(SECOND)
        await until(lambda: connection.cycle and connection.cycle.response_complete)
        connection.transport.set_write_buffer_limits(high=2 * len(MUCH))
        connection.transport.write(MUCH)
        yield client, connection


async def time_out(_: socket.socket, connection: wire.Http1) -> None:
    connection.timeout_keep_alive_handler()


async def ask_for_the_end(client: socket.socket, _: wire.Http1) -> None:
    client.sendall(SECOND.replace(HOST, HOST + CLOSE))


async def send_garbage(client: socket.socket, _: wire.Http1) -> None:
    client.sendall(b"no HTTP\r\n\r\n")


@pytest.mark.parametrize("end", [time_out, ask_for_the_end, send_garbage])
async def test_what_nobody_reads_keeps_no_connection_open_that_has_come_to_its_end(
    end: Callable[[socket.socket, wire.Http1], Awaitable[None]],
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "UNREAD_S", 0.05)
    async with much_unread(gateway) as (client, connection):
        await end(client, connection)
        await until_dropped(gateway, connection)


@pytest.mark.parametrize("end", [time_out, ask_for_the_end])
async def test_what_is_read_slowly_is_read_to_its_end(
    end: Callable[[socket.socket, wire.Http1], Awaitable[None]], gateway: Gateway
) -> None:
    async with much_unread(gateway) as (client, connection):
        await end(client, connection)
        client.setblocking(False)
        read = b""
        while piece := await asyncio.get_running_loop().sock_recv(client, len(MUCH)):
            read += piece
        assert len(read) > len(MUCH)
