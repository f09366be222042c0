"""The real nginx by TLS and HTTP/2, as deploy/nginx/tls.sed sets it up."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.nginx import Nginx
from tests.reading import ask
from tests.running import serving
from tests.scripted import ScriptedClaude, saying
from tests.signing_in import ALICE, tokens_file

NAME = "chat.example.org"
HSTS = "max-age=63072000"


@dataclass
class Site:
    """The gateway behind nginx under its name.

    Attributes:
        client: Speaks HTTP/2 to nginx and takes it for chat.example.org.
        plain: Where it speaks HTTP without TLS, a Unix socket.
    """

    client: httpx.AsyncClient
    plain: Path


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    authority = trustme.CA()
    issued = authority.issue_cert(NAME)
    public, private = folder / "fullchain.pem", folder / "privkey.pem"
    public.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(private)
    plain = folder / "plain"
    changes = {
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(public),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(private),
        "listen 80 default_server;": f"listen unix:{plain} default_server;",
        "listen [::]:80 default_server;": "",
        "listen [::]:443 ssl http2 default_server;": "",
        "listen [::]:443 ssl http2;": "",
    }
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    async with (
        ScriptedClaude(lambda _: saying("Hello")) as claude,
        serving(claude.url, auth="token", tokens_file=tokens_file(folder)) as gateway,
        Nginx(folder, (gateway.host, gateway.port), variant="tls", changes=changes) as nginx,
        httpx.AsyncClient(
            http2=True,
            verify=trusted,
            trust_env=False,
            base_url=f"https://127.0.0.1:{nginx.port}",
            headers={"Host": NAME},
            timeout=30,
        ) as client,
    ):
        yield Site(client, plain)


AS_NAMED = {"sni_hostname": NAME}
"""What a browser that looks for chat.example.org says, whatever its address."""


async def test_an_answer_streams_by_http_2(tmp_path: Path) -> None:
    async with site(tmp_path) as web:
        signed_in = await web.client.post(
            "/api/session", json={"token": ALICE}, headers={"Origin": f"https://{NAME}"}, extensions=AS_NAMED
        )
        cookie = signed_in.headers["set-cookie"]
        answer = await web.client.post(
            "/api/chat",
            json=ask("x"),
            headers={"Cookie": cookie.partition(";")[0], "Origin": f"https://{NAME}"},
            extensions=AS_NAMED,
        )
    assert answer.http_version == "HTTP/2"
    assert '"text":"Hello"' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    # nginx has told the gateway that it came by TLS.
    assert cookie.startswith("__Host-claude-gateway=")
    assert "Secure" in cookie


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/chat"])
async def test_every_answer_tells_browsers_to_come_by_tls_from_now_on(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as web:
        answer = await web.client.get(path, extensions=AS_NAMED)
    assert answer.headers.get_list("strict-transport-security") == [HSTS]


async def test_plain_http_leads_to_the_same_address_by_tls_and_to_no_other_name(tmp_path: Path) -> None:
    async with site(tmp_path) as web:
        transport = httpx.AsyncHTTPTransport(uds=str(web.plain))
        async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
            answer = await client.post("/api/chat?x=1", json={})
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://{NAME}/api/chat?x=1"


async def test_who_asks_for_another_name_gets_no_certificate(tmp_path: Path) -> None:
    async with site(tmp_path) as web:
        with pytest.raises(httpx.ConnectError, match=r"(?i)unrecognized.name"):
            await web.client.get("/", extensions={"sni_hostname": "evil.example"})
