"""The exchange with Claude on the wire: heads and bodies cut anywhere, connections kept, proxies, TLS."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
import uvloop

from app.upstream.exchange import LARGE_READ_BYTES, Exchange
from app.upstream.transport import EXCHANGE, Transport
from tests.nobody import nobody
from tests.reading import ask
from tests.running import serving
from tests.scripted import saying

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


class Server:
    """Answers each request with the bytes that the test wants, cut as it wants; ``None`` closes, an event is waited for.

    Attributes:
        heads: What was asked.
        connections: How many there were.
        gone: Set when the other side has closed one.
    """

    def __init__(self, answer: Callable[[], Iterator[Any]]) -> None:
        self._answer = answer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.gone = asyncio.Event()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.bodies.append(await reader.readexactly(length))
                for step in self._answer():
                    if step is None:
                        return
                    if isinstance(step, asyncio.Event):
                        await step.wait()
                    else:
                        writer.write(step)
                        await writer.drain()
                        await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            writer.close()


@asynccontextmanager
async def answering(*steps: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(lambda: iter(steps))
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    async with listener:
        yield server


@asynccontextmanager
async def asking(*, max_connections: int = 10) -> AsyncIterator[httpx2.AsyncClient]:
    transport = Transport(max_connections, 60)
    async with httpx2.AsyncClient(transport=transport, follow_redirects=True) as client:
        yield client


async def pushed(client: httpx2.AsyncClient, url: str, take: Callable[[bytes], Any] | None = None) -> bytes:
    """Return the body, put together from what was pushed."""
    read: list[bytes] = []

    def each(data: bytes) -> Any:
        read.append(data)
        return take and take(data)

    request = client.build_request("POST", url, content=b"{}")
    response = await client.send(request, stream=True)
    try:
        await response.extensions[EXCHANGE].push(each)
    finally:
        await response.aclose()
    return b"".join(read)


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
async def test_an_answer_is_the_same_however_it_is_cut(size: int) -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + BODY
    steps = [whole[at : at + size] for at in range(0, len(whole), size)]
    async with answering(*steps) as server, asking() as client:
        for _ in range(3):
            assert await pushed(client, server.url) == b"hello world"
        assert (await client.post(server.url, content=b"{}")).content == b"hello world"
        assert server.connections == 1
        assert server.bodies == [b"{}"] * 4


ENDS = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hello", 1),
    "the connection's end": (b"HTTP/1.1 200 OK\r\n\r\n", b"hello", None, 2),
    "the end of an old connection": (b"HTTP/1.0 200 OK\r\n\r\n", b"hello", None, 2),
    "a length, on a connection to be closed": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
        b"hello",
        None,
        2,
    ),
}


@pytest.mark.parametrize("name", ENDS)
async def test_a_body_ends_in_any_of_https_ways(name: str) -> None:
    *steps, connections = ENDS[name]
    async with answering(*steps) as server, asking() as client:
        for _ in range(2):
            assert await pushed(client, server.url) == b"hello"
        assert server.connections == connections


async def test_a_header_behind_the_body_is_none_of_the_answers() -> None:
    trailer = CHUNKED + b"5\r\nhello\r\n0\r\nrequest-id: wrong\r\n\r\n"
    async with answering(trailer) as server, asking() as client:
        for _ in range(2):
            response = await client.post(server.url, content=b"{}")
            assert (response.content, "request-id" in response.headers) == (b"hello", False)
        assert server.connections == 1


async def test_an_answer_without_a_body_is_one() -> None:
    async with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as server, asking() as client:
        assert [await pushed(client, server.url) for _ in range(2)] == [b"", b""]
        assert server.connections == 1


BREAKS = {
    "before the head": ((None,), httpx2.RemoteProtocolError),
    "within the head": ((b"HTTP/1.1 200 OK\r\nContent-", None), httpx2.RemoteProtocolError),
    "not HTTP at all": ((b"220 smtp.example.org ESMTP\r\n\r\n",), httpx2.RemoteProtocolError),
    "within a chunk": ((CHUNKED, b"5\r\nhel", None), httpx2.ReadError),
    "between chunks": ((CHUNKED, b"5\r\nhello\r\n", None), httpx2.ReadError),
    "short of its length": ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", None), httpx2.ReadError),
    "in a wrong chunk": ((CHUNKED, b"5\r\nhello\r\nxyz\r\n"), httpx2.RemoteProtocolError),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_answer_is_an_error_and_its_connection_is_not_used_again(name: str) -> None:
    steps, error = BREAKS[name]
    async with answering(*steps) as server, asking() as client:
        for _ in range(2):
            with pytest.raises(error):
                await pushed(client, server.url)
        assert server.connections == 2


async def test_another_protocol_is_no_http() -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with answering(upgrade) as server, asking() as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="not HTTP"):
            await pushed(client, server.url)


@pytest.mark.parametrize(
    "endless", [b"x: " + b"y" * 100_000, b"x: y\r\n" * 20_000], ids=["one header", "many"]
)
async def test_a_head_without_an_end_is_not_kept(endless: bytes) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n" + endless, asyncio.Event()) as server, asking() as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="a head has more than 65,536 bytes"):
            async with asyncio.timeout(20):
                await pushed(client, server.url)


async def test_what_comes_behind_an_answer_is_no_part_of_it_nor_of_the_next() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with answering(answer + b"hello" + answer + b"wrong") as server, asking() as client:
        for _ in range(2):
            assert await pushed(client, server.url) == b"hello"
        assert server.connections == 2


async def test_nobody_there_is_an_error() -> None:
    with nobody() as (host, port):
        async with asking() as client:
            with pytest.raises(httpx2.ConnectError):
                await pushed(client, f"http://{host}:{port}")


async def test_all_that_has_come_is_handed_on_before_the_break_is_told() -> None:
    told: list[bytes] = []
    async with answering(CHUNKED + b"5\r\nhello\r\n", None) as server, asking() as client:
        with pytest.raises(httpx2.ReadError):
            await pushed(client, server.url, told.append)
    assert b"".join(told) == b"hello"


async def test_what_takes_the_body_may_refuse_it_also_with_its_last_bytes() -> None:
    def refuse(_: bytes) -> None:
        msg = "no"
        raise ValueError(msg)

    async with answering(CHUNKED + BODY) as server, asking() as client:
        with pytest.raises(ValueError, match="no"):
            await pushed(client, server.url, refuse)


async def test_whoever_leaves_closes_the_connection() -> None:
    has_left = asyncio.Event()
    async with answering(CHUNKED, b"5\r\nhello\r\n", has_left) as server, asking() as client:
        begun = asyncio.Event()
        leaving = asyncio.create_task(pushed(client, server.url, lambda _: begun.set()))
        await begun.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        has_left.set()  # the server looks for another request
        async with asyncio.timeout(20):
            await server.gone.wait()


async def test_whoever_is_cancelled_by_what_comes_last_leaves_quietly() -> None:
    wrong: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: wrong.append(what))
    begun = asyncio.Event()

    def leave(data: bytes) -> bool:
        begun.set()
        return data != b"first" and leaving.cancel()

    async with answering(CHUNKED, b"5\r\nfirst\r\n", begun, BODY) as server, asking() as client:
        leaving = asyncio.create_task(pushed(client, server.url, leave))
        with pytest.raises(asyncio.CancelledError):
            await leaving
    assert not wrong


async def test_a_connection_on_which_the_answer_is_still_to_come_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_headers_complete = Exchange.on_headers_complete

    def cancelled_meanwhile(self: Exchange) -> None:
        leaving.cancel()
        on_headers_complete(self)

    going_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    has_left = asyncio.Event()
    async with answering(going_on, has_left, CHUNKED + BODY) as server, asking() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Exchange, "on_headers_complete", cancelled_meanwhile)
            leaving = asyncio.create_task(pushed(client, server.url))
            with pytest.raises(asyncio.CancelledError):
                await leaving
        has_left.set()
        assert await pushed(client, server.url) == b"hello world"
        assert server.connections == 2


@pytest.mark.parametrize("early", [True, False], ids=["answered early", "never answered"])
async def test_a_question_that_is_not_taken_does_not_keep_its_connection_open(early: bool) -> None:
    question, came, over = bytes(24 * 1024 * 1024), asyncio.Event(), asyncio.Event()
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if early:
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello")
        came.set()
        await over.wait()
        read = 0
        with suppress(ConnectionError):
            while data := await reader.read(1024 * 1024):
                read += len(data)
        writer.close()
        taken.set_result(read)

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server, asking() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        asked = asyncio.create_task(client.post(url, content=question))
        await came.wait()
        if early:
            assert (await asked).content == b"hello"
        else:
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        over.set()
        assert await taken < len(question)


async def test_after_enough_the_end_is_waited_for_and_the_connection_kept() -> None:
    ending = asyncio.Event()
    async with answering(CHUNKED + b"5\r\nhello\r\n", ending, b"0\r\n\r\n") as server, asking() as client:

        def enough(_: bytes) -> bool:
            asyncio.get_running_loop().call_soon(ending.set)
            return True

        assert await pushed(client, server.url, enough) == b"hello"
        assert await pushed(client, server.url, enough) == b"hello"
        assert server.connections == 1


@pytest.mark.parametrize("then", [asyncio.Event, lambda: None])
async def test_after_enough_an_end_that_never_comes_is_not_waited_for_for_ever_and_a_break_is_none(
    then: Any,
) -> None:
    async with answering(CHUNKED + b"5\r\nhello\r\n", then()) as server, asking() as client:
        assert await pushed(client, server.url, lambda _: True) == b"hello"


def test_between_large_reads_others_have_their_turn() -> None:
    size = 1024 * 1024

    async def reads_without_a_turn() -> int:
        at_once = most = 0

        def turn() -> None:
            nonlocal at_once
            at_once = 0

        def take(data: bytes) -> None:
            nonlocal at_once, most
            if len(data) >= LARGE_READ_BYTES:
                at_once += 1
                most = max(most, at_once)
            asyncio.get_running_loop().call_soon(turn)

        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        async with answering(head, b"x" * size) as server, asking() as client:
            assert len(await pushed(client, server.url, take)) == size
        return most

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # which the program runs on
        assert runner.run(reads_without_a_turn()) <= 1


LARGE = 1_000_000
LARGE_ENDS = {
    "the connection's end": (b"", True),
    "the connection's end, too early": (b"Content-Length: %d\r\n" % (2 * LARGE), False),
}


@pytest.mark.parametrize("name", LARGE_ENDS)
async def test_a_connection_that_ends_between_large_reads_is_read_to_its_end(name: str) -> None:
    header, whole = LARGE_ENDS[name]
    told: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\n%b\r\n" % header
    async with answering(answer, bytes(LARGE), None) as server, asking() as client:
        with nullcontext() if whole else pytest.raises(httpx2.ReadError):
            await pushed(client, server.url, told.append)
    assert sum(map(len, told)) == LARGE


async def test_a_connection_is_read_on_after_large_reads_by_whoever_has_it_next() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE
    async with answering(answer, bytes(LARGE)) as server, asking() as client:
        for _ in range(3):
            assert len(await pushed(client, server.url)) == LARGE
        assert server.connections == 1


async def test_the_kernel_asks_whether_a_peer_that_is_silent_is_still_there() -> None:
    async with answering(CHUNKED, asyncio.Event()) as server, asking() as client:
        response = await client.send(client.build_request("POST", server.url, content=b"{}"), stream=True)
        connected = response.extensions[EXCHANGE]._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await response.aclose()


async def test_there_are_as_many_connections_as_may_be() -> None:
    go_on = asyncio.Event()
    async with answering(CHUNKED, go_on, BODY) as server, asking(max_connections=2) as client:
        waiting = [asyncio.create_task(pushed(client, server.url)) for _ in range(4)]
        while server.connections < 2:  # noqa: ASYNC110 - the server has nothing to tell
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.connections == 2
        go_on.set()
        assert await asyncio.gather(*waiting) == [b"hello world"] * 4
        assert server.connections == 2


async def test_a_connection_that_is_not_there_in_time_is_a_timeout() -> None:
    async with answering(CHUNKED, asyncio.Event()) as server, asking(max_connections=1) as client:
        holding = asyncio.create_task(pushed(client, server.url))
        while not server.connections:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        with pytest.raises(httpx2.ConnectTimeout):
            await client.post(server.url, content=b"", timeout=httpx2.Timeout(None, pool=0.01))
        holding.cancel()


async def test_a_header_cannot_forge_another() -> None:
    async with answering(CHUNKED + BODY) as server, asking() as client:
        with pytest.raises(httpx2.LocalProtocolError):
            await client.post(server.url, headers={"x-api-key": "a\r\nx-evil: b"})
        assert not server.heads


def test_an_envelope_shows_no_key() -> None:
    async def envelope() -> str:
        request = httpx2.Request("POST", "http://localhost/", headers={"x-api-key": "sk-secret"})
        return repr(Transport(1, 1).envelope(request))

    assert "sk-secret" not in asyncio.run(envelope())


async def test_a_redirect_is_followed() -> None:
    async with answering(CHUNKED + BODY) as there:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %b/there\r\nContent-Length: 0\r\n\r\n" % there.url.encode()
        async with answering(moved) as server, asking() as client:
            assert (await client.post(server.url, content=b"{}")).content == b"hello world"
        assert there.heads[0].startswith(b"POST /there HTTP/1.1\r\n")


async def test_a_question_follows_a_redirect() -> None:
    stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    async with answering(stream + b"".join(saying("hello")), None) as there:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %b/there\r\nContent-Length: 0\r\n\r\n" % there.url.encode()
        async with answering(moved) as server:
            async with serving(server.url) as gateway:
                answer = await gateway.stream(ask("x"))
                assert (await answer.next("text"))["text"] == "hello"
                await answer.rest()
            await server.gone.wait()
        assert there.heads[0].startswith(b"POST /there HTTP/1.1\r\n")
        assert there.bodies == server.bodies[:1]


async def test_a_redirect_to_another_host_gets_neither_key_nor_question(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with answering(CHUNKED + BODY) as elsewhere:
        other = elsewhere.url.replace("127.0.0.1", "localhost").encode()
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %b/there\r\nContent-Length: 0\r\n\r\n" % other
        async with answering(moved) as server, serving(server.url) as gateway:
            answer = await gateway.request("POST", "/api/chat", ask("x"))
            models = await gateway.request("GET", "/api/models")
        assert not elsewhere.heads
    assert (answer.status, answer.error["type"]) == (502, "api_error")
    assert "operator must look at its address" in answer.error["message"]
    # The question, once more by what follows redirects, and the models': to try again cannot help.
    assert len(server.heads) == 3
    assert models.status == 200  # the settings' own list
    assert "http://localhost" in caplog.text


async def test_a_redirect_does_not_leave_tls(tls: ssl.SSLContext) -> None:
    async with answering(CHUNKED + BODY) as plain:
        bare = plain.url.replace("127.0.0.1", "localhost").encode()
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %b/there\r\nContent-Length: 0\r\n\r\n" % bare
        async with answering(moved, tls=tls) as server, serving(server.url) as gateway:
            answer = await gateway.request("POST", "/api/chat", ask("x"))
        assert not plain.heads
    assert answer.status == 502


@pytest.mark.parametrize("proxy", ["http://a..b", "http://127.0.0.1:99999"])
async def test_a_proxy_at_an_address_that_is_none_cannot_be_reached(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    async with serving("http://claude.example", retries=0) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask("x"))
    assert answer.status == 502
    assert answer.error["type"] == "api_error"
    assert "cannot be reached" in answer.error["message"]


# TLS and proxies


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return a server's context, whose authority this process trusts."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def test_tls_is_spoken_and_its_connections_are_kept(tls: ssl.SSLContext) -> None:
    async with answering(CHUNKED + BODY, tls=tls) as server, asking() as client:
        for _ in range(3):
            assert await pushed(client, server.url) == b"hello world"
        assert server.connections == 1


async def test_a_certificate_nobody_vouches_for_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with answering(CHUNKED + BODY, tls=tls) as server, asking() as client:
        with pytest.raises(httpx2.ConnectError, match="its certificate is not valid here: "):
            await pushed(client, server.url)
    assert not server.heads


async def test_what_does_not_speak_tls_is_said_not_to() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server, asking() as client:
        with pytest.raises(httpx2.ConnectError, match="does not speak TLS"):
            await pushed(client, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")


@asynccontextmanager
async def proxying(heads: list[bytes]) -> AsyncIterator[str]:
    """Run a proxy that tunnels and notes what it was asked."""

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        host, _, port = head.split()[1].decode().rpartition(":")
        there, to = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pour(reader, to), pour(there, writer))

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"


LOGIN = b"\r\nProxy-Authorization: Basic " + base64.b64encode(b"me:secret") + b"\r\n"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
async def test_an_https_proxy_is_tunnelled_through(
    name: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []
    async with proxying(heads) as proxy, answering(CHUNKED + BODY, tls=tls) as server:
        monkeypatch.setenv(name, f"http://me:secret@{proxy}")
        async with asking() as client:
            for _ in range(2):
                assert await pushed(client, server.url) == b"hello world"
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT localhost:")
    assert LOGIN.lower() in heads[0].lower()
    assert b"roxy" not in b"".join(server.heads)


async def test_an_http_proxy_is_asked_for_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(CHUNKED + BODY) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:secret@"))
        async with asking() as client:
            assert await pushed(client, "http://claude.example/v1/messages") == b"hello world"
    assert proxy.heads[0].startswith(b"POST http://claude.example/v1/messages HTTP/1.1\r\n")
    assert LOGIN in proxy.heads[0]


async def test_no_proxy_names_what_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "127.0.0.1:1")  # without its scheme, as many write it
    async with answering(CHUNKED + BODY) as server:
        async with asking() as client:
            with pytest.raises(httpx2.ConnectError):
                await pushed(client, server.url)
        monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")
        async with asking() as client:
            assert await pushed(client, server.url) == b"hello world"
