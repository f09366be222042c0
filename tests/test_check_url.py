"""``claude-gateway check --url``: what stands between a public address and the gateway, with a real nginx set up wrong."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from app.checks.probe import probe
from app.checks.way import Read
from tests.nginx import UNLIMITED, Nginx
from tests.reading import Client
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, saying
from tests.signing_in import ALICE, line, tokens_file

SILENCE_S = 2

SECOND = "nginx as it comes, before one as it is"

WRONG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "as it is": ({}, {}),
    # The gateway's chunks nginx passes on even while it buffers; what comes in none, as from another nginx, it gathers.
    SECOND: (
        {
            "proxy_buffering off;": "",
            "proxy_ignore_headers X-": "proxy_ignore_headers X-Accel-Buffering X-",
            "proxy_http_version 1.1;": "proxy_http_version 1.0;",
        },
        {"not held back": "proxy_buffering off"},
    ),
    "compressing": (
        {"gzip off;": "gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 1;"},
        {"compression (POST, gzip offered)": "gzip off", "compression (GET, gzip offered)": "gzip off"},
    ),
    "cutting": (
        {"proxy_read_timeout 75s;": "proxy_read_timeout 1s;", "proxy_read_timeout 3600s;": ""},
        {
            f"{SILENCE_S} s of silence": "proxy_read_timeout",
            f"{SILENCE_S} s for one message": "proxy_read_timeout",
        },
    ),
    "HTTP/1.0 inside": (
        {"proxy_http_version 1.1;": "proxy_http_version 1.0;"},
        {"HTTP/1.1 inside": "proxy_http_version 1.1"},
    ),
    "no upgrade": (
        {"proxy_set_header Upgrade $websocket_only;": 'proxy_set_header Upgrade "";'},
        {"WebSocket": "proxy_set_header Upgrade $http_upgrade"},
    ),
    "no request headers": (
        {
            "proxy_set_header X-Request-Id $id_of_request;": 'proxy_set_header Last-Event-ID "";'
            'proxy_set_header Idempotency-Key "";'
        },
        {"Last-Event-ID": "did not come through", "Idempotency-Key": "did not come through"},
    ),
    "no answer headers": (
        {"proxy_redirect off;": "proxy_redirect /api/ /elsewhere/; proxy_hide_header X-Request-Id;"},
        {"headers": "missing or changed: x-request-id, location"},
    ),
    "another Host": (
        {"proxy_set_header Host $http_host;": "proxy_set_header Host $proxy_host;"},
        {"way": "proxy_set_header Host $http_host"},
    ),
    "something else": (
        {"location / {\n            proxy_pass http://gateway;": "location / {\n            return 404;"},
        {"way": "is answered by something else"},
    ),
    "open metrics": (
        {
            "location /metrics {\n            return 404;": 'location /metrics {\n            return 200 "# HELP";'
        },
        {"metrics": "location /metrics { return 404; }"},
    ),
}
"""What is changed in nginx.conf, and which rows then fail, with what in them."""


@asynccontextmanager
async def gateway(**settings: Any) -> AsyncIterator[tuple[Gateway, ScriptedClaude]]:
    many = {"rate_limit": "10000/minute", "max_streams_per_client": 1000}
    async with (
        ScriptedClaude(lambda _: saying("never asked")) as claude,
        serving(claude.url, **{**many, **settings}) as serves,
    ):
        yield serves, claude


async def test_what_is_wrong_with_nginx_is_found_and_the_setting_named(tmp_path: Path) -> None:
    async with gateway() as (serves, claude), AsyncExitStack() as stack:
        ways: dict[str, Nginx] = {}
        for number, (name, (changes, _)) in enumerate(WRONG.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            behind = ("127.0.0.1", ways["as it is"].port if name == SECOND else serves.port)
            ways[name] = await stack.enter_async_context(Nginx(folder, behind, changes=UNLIMITED | changes))
        tables = await asyncio.gather(*(probe(way.url, None, SILENCE_S) for way in ways.values()))
        assert not claude.calls, "no token is spent"
    for (name, (_, expected)), rows in zip(WRONG.items(), tables, strict=True):
        failed = {row: said for row, works, said in rows if not works}
        assert set(failed) == set(expected), f"{name}: {rows}"
        for row, part in expected.items():
            assert part in failed[row], name


async def test_where_people_sign_in_it_needs_a_token_and_spends_nothing_of_its_budget(tmp_path: Path) -> None:
    file = tokens_file(tmp_path, line("alice", ALICE, "token_budget=100/day"))
    async with gateway(auth="token", tokens_file=file) as (serves, claude):
        without = await probe(serves.url, None, 0)
        right = await probe(serves.url, ALICE, 0)
        assert not claude.calls
    assert [row for row in without if not row[1]] == without
    assert "CHECK_TOKEN" in without[0][2]
    # Asked directly, the metrics are for this machine.
    assert [name for name, works, _ in right if not works] == ["metrics"], right


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no.such.invalid"])
async def test_an_address_that_leads_nowhere_is_said_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # where no network is, asking takes long
    ((_, works, said),) = await probe(url, None, 0)
    assert not works
    assert "cannot be reached" in said


GARBLED = {
    "no JSON": b"id: 1-1\ndata: <p>Please wait\n\ndata: [DONE]\n\n",
    "no id": b'data: {"type":"text","text":"."}\n\ndata: [DONE]\n\n',
    "no event": b"id: 1-1\ndata: [1]\n\ndata: [DONE]\n\n",
    "no text": b'id: 1-1\ndata: {"type":"error"}\n\nid: 1-1\ndata: [DONE]\n\n',
    "another text": b'id: 1-1\ndata: {"type":"text","text":"Hello."}\n\nid: 1-1\ndata: [DONE]\n\n',
}


@pytest.mark.parametrize("how", GARBLED)
async def test_an_answer_that_is_changed_on_the_way_is_said_to_be(how: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        body = b'{"status":"alive"}' if asked.startswith(b"GET /healthz") else GARBLED[how]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ((name, works, said),) = await probe(f"http://127.0.0.1:{port}", None, 0)
    assert (name, works) == ("way", False)
    assert "not as the gateway gives them" in said


def test_deltas_that_were_joined_on_the_way_still_tell_what_the_gateway_saw() -> None:
    read = Read({}, texts=['{"http":"1.1","secure":true,"address":"192.0.2.1"}..', "."])
    assert read.saw() == {"http": "1.1", "secure": True, "address": "192.0.2.1"}


@pytest.mark.parametrize(
    "url", ["chat.example", "http://", "http://chat.example:99999", "https://chat..example"]
)
def test_what_is_no_address_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--url", url]) == 2
    assert "URL: must be an address that starts with http:// or https://" in capsys.readouterr().err


async def test_the_answer_without_claude_is_nothing_else_than_that() -> None:
    async with gateway() as (serves, claude):
        client = Client(serves.url)
        for prompt in ("Hello", "silence 121", "silence -1", "silence 1e1"):
            refused = await client.request(
                "POST", "/api/chat", {"model": "claude-gateway-check", "prompt": prompt}
            )
            assert refused.status == 400
            assert refused.error["message"].startswith("prompt: must be pace")
        models = (await client.request("GET", "/api/models")).raw
        assert not claude.calls
    assert b"claude-gateway-check" not in models


async def test_the_command_prints_it_with_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway() as (serves, claude):
        flags = ["--base-url", claude.url, "--models", "claude-sonnet-5-5", "--silence", "0"]
        code = await asyncio.to_thread(main, ["check", "--port", "0", "--url", f"{serves.url}/", *flags])
    out = capsys.readouterr().out
    assert code == 1, out  # nobody hides the metrics from this machine
    assert re.search("ok +WebSocket +works", out)
    assert re.search("FAIL +metrics", out)
    assert re.search("ok +model claude-sonnet-5-5", out)
