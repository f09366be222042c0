"""nginx asks a service beside it who asks (deploy/nginx/sign-in.sed), and the gateway takes its word alone."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.nginx import CONFIGURATION, Nginx, nginx_or_skip
from tests.nobody import nobody
from tests.reading import Client, ask
from tests.running import serving
from tests.scripted import ScriptedClaude, saying

ALICE, BOB = {"Cookie": "_oauth2_proxy=alice"}, {"Cookie": "_oauth2_proxy=bob"}


@dataclass
class Service:
    """What signs people in: whoever has a cookie of its own is who the cookie says."""

    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        self.asked.append(head)
        user = re.search(r"_oauth2_proxy=(\w+)", head)
        if not head.startswith("GET /oauth2/auth "):
            status, extra = "200 OK", ""
        elif user:
            status, extra = "202 Accepted", f"X-Auth-Request-User: {user[1]}\r\n"
        else:
            status, extra = "401 Unauthorized", "X-Auth-Request-User: admin\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{extra}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[tuple[Client, Service]]:
    service = Service()
    listening = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    async with listening, asking(folder, listening.sockets[0].getsockname()) as client:
        yield client, service


@asynccontextmanager
async def asking(folder: Path, service: tuple[str, int]) -> AsyncIterator[Client]:
    """Run an nginx that asks the service at that address."""
    async with (
        ScriptedClaude(lambda _: saying("Hello")) as claude,
        serving(claude.url, auth="proxy") as gateway,
        Nginx(
            folder,
            (gateway.host, gateway.port),
            variant="sign-in",
            changes={"127.0.0.1:4180": "{}:{}".format(*service)},
        ) as nginx,
    ):
        yield Client(nginx.url)


async def test_who_has_signed_in_at_the_service_has_answers_of_their_own(tmp_path: Path) -> None:
    async with site(tmp_path) as (web, service):
        assert (await web.request("GET", "/", headers=ALICE)).status == 200
        assert (await web.request("GET", "/api/config", headers=ALICE)).json["user"] == "alice"
        stream = await (await web.stream(ask("a" * 200_000), headers=ALICE)).rest()
        assert stream.text == "Hello"
        path = f"/api/chat/{stream.id}"
        assert (await web.request("GET", path, headers=ALICE)).status == 200
        assert (await web.request("GET", path, headers=BOB)).status == 404
        assert not any("aaaa" in each or "Transfer-Encoding" in each for each in service.asked)


@pytest.mark.parametrize("claim", ["X-Forwarded-User", "X-Auth-Request-User", "X_Forwarded_User"])
async def test_nobody_comes_in_by_their_own_word(claim: str, tmp_path: Path) -> None:
    async with site(tmp_path) as (web, service):
        for method, path, body in (("GET", "/api/models", None), ("POST", "/api/chat", ask("x"))):
            refused = await web.request(method, path, body, {claim: "alice"})
            assert refused.status == 401
            assert refused.error["type"] == "authentication_error"
        assert (await web.request("GET", "/api/config", headers={claim: "alice"})).json["user"] is None
        page = await web.request("GET", "/?x=1", headers={claim: "alice"})
        assert (page.status, page.headers["location"]) == (302, "/oauth2/start?rd=%2F")
        asked = len(service.asked)
        for path in ("/healthz", "/static/page.css"):
            assert (await web.request("GET", path)).status in (200, 404)
        assert len(service.asked) == asked
        assert (await web.request("GET", "/oauth2/auth", headers=ALICE)).status == 404  # for nginx alone
        assert (await web.request("GET", "/oauth2/start")).status == 200


async def test_while_the_service_is_away_nobody_comes_in(tmp_path: Path) -> None:
    with nobody() as away:
        async with asking(tmp_path, away) as web:
            for path in ("/", "/api/models"):
                refused = await web.request("GET", path, headers=ALICE | {"X-Forwarded-User": "alice"})
                assert refused.status == 500
                assert refused.error["type"] == "api_error"
            assert (await web.request("GET", "/healthz")).status == 200


@pytest.mark.parametrize("script", ["replicas.sed", "../kubernetes/nginx.sed"])
def test_it_goes_together_with_several_gateways(script: str, tmp_path: Path) -> None:
    folder = CONFIGURATION.parent / "deploy" / "nginx"
    text = CONFIGURATION.read_bytes()
    for each in ("sign-in.sed", script):
        text = subprocess.run(
            ["sed", "-f", folder / each], input=text, capture_output=True, check=True
        ).stdout
    assert b"proxy_pass http://gateway;" not in text
    # What a machine outside of the cluster, and Debian's older nginx, cannot have.
    text = re.sub(rb"server claude-gateway-pods\S+ resolve;", b"server 127.0.0.1:8000;", text)
    text = text.replace(b"kube-dns.kube-system.svc.cluster.local", b"127.0.0.1")
    file = tmp_path / "nginx.conf"
    file.write_bytes(text.replace(b"/tmp/claude-gateway", bytes(tmp_path / "x")))
    done = subprocess.run(
        [nginx_or_skip(), "-t", "-e", "stderr", "-c", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
