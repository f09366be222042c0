"""A proxy that signs people in: what it says counts, and nobody else can say it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.settings import Settings
from tests.nginx import Nginx
from tests.reading import Client, ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude
from tests.signing_in import ALICE, bearer, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude) -> AsyncIterator[Gateway]:
    async with serving(claude.url, auth="proxy") as gateway:
        yield gateway


def named(user: str) -> dict[str, str]:
    return {"X-Forwarded-User": user}


@pytest.mark.parametrize("user", ["alice", "alice@example.com", "CN=Alice Example/O=Example", "x" * 256, "7"])
async def test_whom_the_proxy_names_comes_in(user: str, gateway: Gateway) -> None:
    assert (await gateway.request("GET", "/api/models", headers=named(user))).status == 200
    config = (await gateway.request("GET", "/api/config", headers=named(user))).json
    assert (config["auth"], config["signed_in"], config["user"]) == ("proxy", True, user)


async def test_whom_the_proxy_does_not_name_does_not(gateway: Gateway) -> None:
    for headers in (
        {},
        named(""),
        named("  "),
        bearer(ALICE),
        {"X_Forwarded_User": "a"},
        {"Remote-User": "a"},
    ):
        answer = await gateway.request("GET", "/api/models", headers=headers)
        assert answer.status == 401
        assert answer.error["type"] == "authentication_error"
    assert (await gateway.request("GET", "/api/config")).json["signed_in"] is False


@pytest.mark.parametrize(
    "user",
    [
        "alice, root",
        "alice,root",
        "x" * 257,
        "al\tice",
        "z\xf6e",
        "\xff",
    ],
)
async def test_a_name_that_is_not_clear_is_nobodys(user: str, gateway: Gateway) -> None:
    answer = await gateway.request("GET", "/api/models", headers=named(user))
    assert answer.status == 401
    assert "clearly" in answer.error["message"]


async def test_two_names_are_nobodys(gateway: Gateway) -> None:
    # The proxy's own, and before it one that the client has sent and the proxy has let pass.
    headers = {"X-Forwarded-User": "root", "x-forwarded-user": "alice"}
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401


@pytest.mark.parametrize("trusted", [("192.0.2.1",), ("10.0.0.0/8", "2001:db8::/32")])
async def test_nobody_but_a_trusted_proxy_can_name_anybody(
    trusted: tuple[str, ...], claude: ScriptedClaude
) -> None:
    async with serving(claude.url, auth="proxy", trusted_proxies=trusted) as gateway:
        for headers in (
            named("alice"),
            named("alice") | {"X-Forwarded-For": "192.0.2.1"},
            named("alice") | {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"},
            named("alice") | {"Forwarded": "for=192.0.2.1;by=192.0.2.1"},
        ):
            answer = await gateway.request("GET", "/api/models", headers=headers)
            assert answer.status == 401
            assert "GATEWAY_TRUSTED_PROXIES" in answer.error["message"]
        assert (await gateway.request("GET", "/api/config", headers=named("alice"))).json[
            "signed_in"
        ] is False


async def test_each_has_their_own(gateway: Gateway) -> None:
    key = {"Idempotency-Key": "k"}
    stream = await (await gateway.stream(ask("x"), headers=named("alice") | key)).rest()
    path = f"/api/chat/{stream.id}"
    assert (await gateway.request("GET", path, headers=named("alice"))).status == 200
    assert (await gateway.request("GET", path, headers=named("bob"))).status == 404
    assert (await gateway.request("GET", path, headers=named("Alice"))).status == 404
    other = await (await gateway.stream(ask("x"), headers=named("bob") | key)).rest()
    assert other.id != stream.id


async def test_signing_in_is_not_our_business(gateway: Gateway) -> None:
    answer = await sign_in(gateway, ALICE)
    assert answer.status == 400
    assert (await gateway.request("DELETE", "/api/session")).status == 200


async def test_another_header_can_be_named(claude: ScriptedClaude) -> None:
    async with serving(claude.url, auth="proxy", proxy_user_header="Remote-User") as gateway:
        assert (await gateway.request("GET", "/api/models", headers={"remote-user": "a"})).status == 200
        assert (await gateway.request("GET", "/api/models", headers=named("a"))).status == 401


async def test_pages_of_other_sites_cannot_use_the_proxys_cookie(
    gateway: Gateway, claude: ScriptedClaude
) -> None:
    before = len(claude.calls)
    for hostile in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await gateway.request("POST", "/api/chat", ask("x"), named("alice") | hostile)
        assert answer.status == 403
    assert len(claude.calls) == before


async def test_through_nginx_nobody_names_themselves(claude: ScriptedClaude, tmp_path: Path) -> None:
    signed_in = {
        'proxy_set_header X-Forwarded-User "";': "proxy_set_header X-Forwarded-User $http_x_test_signed_in;"
    }
    async with (
        serving(claude.url, auth="proxy") as behind,
        Nginx(tmp_path, (behind.host, behind.port)) as nginx,
    ):
        client = Client(nginx.url)
        for name in ("X-Forwarded-User", "x-forwarded-user", "X_Forwarded_User", "X-FORWARDED-USER"):
            headers = {name: "root", "Connection": f"close, {name}"}
            assert (await client.request("GET", "/api/models", headers=headers)).status == 401
    async with (
        serving(claude.url, auth="proxy") as behind,
        Nginx(tmp_path, (behind.host, behind.port), changes=signed_in) as nginx,
    ):
        client = Client(nginx.url)
        headers = {"X-Test-Signed-In": "alice", "X-Forwarded-User": "root"}
        config = (await client.request("GET", "/api/config", headers=headers)).json
        assert config["user"] == "alice"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"proxy_user_header": ""}, "GATEWAY_PROXY_USER_HEADER"),
        ({"proxy_user_header": "X User"}, "GATEWAY_PROXY_USER_HEADER"),
        ({"proxy_user_header": "X_User"}, "GATEWAY_PROXY_USER_HEADER"),
        ({"proxy_user_header": "Authorization"}, "GATEWAY_PROXY_USER_HEADER"),
        ({"trusted_proxies": ()}, "GATEWAY_TRUSTED_PROXIES"),
    ],
)
async def test_what_cannot_be_safe_is_refused_at_start(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings(_env_file=None, auth="proxy", **given)
