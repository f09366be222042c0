"""Tokens of a sign-in service: whose signature, issuer, audience and time are right come in, and nobody else."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from app.auth import jwks
from app.settings import Settings
from tests.reading import Answer, ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, saying
from tests.sign_in_service import (
    AUDIENCE,
    EC_KEY,
    ED_KEY,
    OTHER_RSA_KEY,
    RSA_KEY,
    KeyServer,
    by_hand,
    claims,
    key_server,
    now,
    public,
    signed_in_by,
    token,
)
from tests.signing_in import bearer, cookie, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[Gateway]:
    keys = [
        public(RSA_KEY, "rsa"),
        public(EC_KEY, "ec", alg="ES256"),
        public(ED_KEY, "ed"),
        public(OTHER_RSA_KEY, "pinned", alg="RS512"),
        public(OTHER_RSA_KEY, "for encryption", use="enc"),
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken", "n": "AQAB"},
        {"kty": "new", "kid": "unknown"},
    ]
    async with (
        ScriptedClaude(lambda _: saying("ok")) as claude,
        key_server(*keys) as server,
        serving(claude.url, **signed_in_by(server.url)) as gateway,
    ):
        yield gateway


async def shown(gateway: Gateway, credential: str, address: str = "127.0.0.1") -> Answer:
    return await gateway.request(
        "GET", "/api/models", headers=bearer(credential) | {"X-Forwarded-For": address}
    )


RIGHT: dict[str, Callable[[], str]] = {
    "as it is made": token,
    "signed by RS512": lambda: token(algorithm="RS512"),
    "signed by PS256": lambda: token(algorithm="PS256"),
    "signed by a curve": lambda: token(EC_KEY, "ec", "ES256"),
    "signed by Edwards's": lambda: token(ED_KEY, "ed", "EdDSA"),
    "signed as its key is for": lambda: token(OTHER_RSA_KEY, "pinned", "RS512"),
    "for others too": lambda: token(aud=["other", AUDIENCE]),
    "its end is past by what clocks differ": lambda: token(exp=now() - 30),
    "not yet, by what clocks differ": lambda: token(nbf=now() + 30),
}
"""Made when they are shown: one that has expired since would be refused for that."""


@pytest.mark.parametrize("what", RIGHT)
async def test_a_token_that_is_right_comes_in(what: str, gateway: Gateway) -> None:
    assert (await shown(gateway, RIGHT[what]())).status == 200


PEM = RSA_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)

WRONG: dict[str, Callable[[], str]] = {
    "no signature": lambda: by_hand({"alg": "none", "kid": "rsa"}, claims()),
    "no signature, in other letters": lambda: by_hand({"alg": "NoNe", "kid": "rsa"}, claims()),
    "an empty algorithm": lambda: by_hand({"alg": "", "kid": "rsa"}, claims()),
    "no algorithm": lambda: by_hand({"kid": "rsa"}, claims()),
    "an algorithm that is no text": lambda: by_hand({"alg": ["RS256"], "kid": "rsa"}, claims()),
    "the public key as a shared secret": lambda: by_hand({"alg": "HS256", "kid": "rsa"}, claims(), PEM),
    "a shared secret among the keys": lambda: by_hand({"alg": "HS256", "kid": "shared"}, claims(), b"secret"),
    "somebody else's key": lambda: token(OTHER_RSA_KEY, "rsa"),
    "a key for encryption": lambda: token(OTHER_RSA_KEY, "for encryption"),
    "a key that is broken": lambda: token(kid="broken"),
    "a key of an unknown kind": lambda: token(kid="unknown"),
    "a key id that is no text": lambda: by_hand({"alg": "RS256", "kid": {"a": 1}}, claims()),
    "a key id that is a path": lambda: token(kid="../../dev/null"),
    "no key id where there are several": lambda: token(kid=None),
    "another algorithm than the key is for": lambda: token(OTHER_RSA_KEY, "pinned", "RS256"),
    "a key it brings along": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, "RS256", headers={"kid": "rsa", "jwk": public(OTHER_RSA_KEY, "rsa")}
    ),
    "an address of keys it brings along": lambda: jwt.encode(
        claims(), OTHER_RSA_KEY, "RS256", headers={"kid": "rsa", "jku": "https://evil.example/keys"}
    ),
    "what must be understood and is not": lambda: jwt.encode(
        claims(), RSA_KEY, "RS256", headers={"kid": "rsa", "crit": ["exp"], "exp": 1}
    ),
    "another issuer": lambda: token(iss="https://evil.example/"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="other"),
    "no audience": lambda: token(aud=None),
    "no end": lambda: token(exp=None),
    "its end is past": lambda: token(exp=now() - 120),
    "its end is no number": lambda: by_hand({"alg": "RS256", "kid": "rsa"}, claims(exp="soon")),
    "its end is further than any clock goes": lambda: token(exp=10**400),
    "not yet": lambda: token(nbf=now() + 300),
    "nobody": lambda: token(sub=None),
    "an empty name": lambda: token(sub=""),
    "a name too long": lambda: token(sub="x" * 300),
    "a name with a line break": lambda: token(sub="a\nb"),
    "a changed claim": lambda: ".".join(
        [token().split(".")[0], token(sub="root").split(".")[1], token().split(".")[2]]
    ),
    "a cut signature": lambda: token()[:-10],
    "no token": lambda: "x",
    "dots": lambda: "...",
    "too long": lambda: token(junk="x" * 20_000),
    "deeply nested": lambda: by_hand({"alg": "RS256", "kid": "rsa"}, [])[:-1] + "W" * 9000,
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_token_that_is_wrong_in_anything_is_a_401(what: str, gateway: Gateway) -> None:
    # Each from an address of its own: who shows many is made to wait.
    answer = await shown(gateway, WRONG[what](), f"203.0.113.{list(WRONG).index(what)}")
    assert answer.status == 401, answer.raw
    assert answer.error["type"] == "authentication_error"
    assert answer.error["message"].startswith("This token ")


async def test_a_subject_is_a_person_and_the_page_calls_them_by_name(gateway: Gateway) -> None:
    stream = await (await gateway.stream(ask("x"), headers=bearer(token(preferred_username="Zoë")))).rest()
    path = f"/api/chat/{stream.id}"
    assert (await gateway.request("GET", path, headers=bearer(token(EC_KEY, "ec", "ES256")))).status == 200
    assert (await gateway.request("GET", path, headers=bearer(token(sub="u-2")))).status == 404
    called: list[tuple[dict[str, Any], str]] = [
        ({"preferred_username": "Zoë"}, "Zoë"),
        ({"email": "z@example.com", "name": "Z"}, "z@example.com"),
        ({"name": "a\u001b[31m"}, "u-1"),
        ({"name": {"x": 1}}, "u-1"),
        ({}, "u-1"),
    ]
    for said, name in called:
        config = await gateway.request("GET", "/api/config", headers=bearer(token(**said)))
        assert config.json["user"] == name


async def test_a_session_lasts_as_long_as_the_token(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = now() + 600
    answer = await sign_in(gateway, token(exp=end))
    assert answer.json == {"signed_in": True, "user": "u-1"}
    lasts_s = int(answer.headers["set-cookie"].partition("Max-Age=")[2].partition(";")[0])
    assert 600 < lasts_s <= 660
    headers = cookie(answer)
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 200
    monkeypatch.setattr(time, "time", lambda: end + 100)
    assert (await gateway.request("GET", "/api/models", headers=headers)).status == 401


# The keys


@pytest_asyncio.fixture(loop_scope="module")
async def rotating(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[KeyServer, Gateway, Any]]:
    """A gateway whose keys change, and a clock for the test to set."""
    clock = {"now": 1000.0}
    monkeypatch.setattr(jwks, "time", SimpleNamespace(monotonic=lambda: clock["now"]))
    async with (
        key_server(public(RSA_KEY, "old")) as server,
        serving("http://127.0.0.1:9", **signed_in_by(server.url)) as gateway,
    ):
        yield server, gateway, clock


async def test_keys_are_fetched_once_and_again_for_a_new_one(
    rotating: tuple[KeyServer, Gateway, Any],
) -> None:
    server, gateway, clock = rotating
    old, new = token(kid="old"), token(OTHER_RSA_KEY, "new")
    together = await asyncio.gather(*(shown(gateway, old) for _ in range(20)))
    assert {answer.status for answer in together} == {200}
    assert server.asked == 1
    assert (await shown(gateway, token(kid=None))).status == 200  # there is but one
    server.answer = [public(RSA_KEY, "old"), public(OTHER_RSA_KEY, "new")]
    assert (await shown(gateway, new)).status == 401  # the last fetch is a moment ago
    clock["now"] += jwks.PAUSE_S
    assert (await shown(gateway, new)).status == 200
    assert server.asked == 2


async def test_made_up_key_ids_fetch_no_keys(rotating: tuple[KeyServer, Gateway, Any]) -> None:
    server, gateway, _ = rotating
    answers = await asyncio.gather(
        *(shown(gateway, token(kid=f"made up {n}"), f"203.0.113.{n}") for n in range(50))
    )
    assert {answer.status for answer in answers} == {401}
    assert server.asked == 1


async def test_a_key_that_was_taken_back_no_longer_counts(rotating: tuple[KeyServer, Gateway, Any]) -> None:
    server, gateway, clock = rotating
    old = token(kid="old")
    assert (await shown(gateway, old)).status == 200
    server.answer = [public(OTHER_RSA_KEY, "new")]
    clock["now"] += jwks.FRESH_S + 1
    assert (await shown(gateway, old)).status == 200  # nobody waits; the keys are asked for meanwhile
    async with asyncio.timeout(20):
        while (await shown(gateway, old)).status == 200:
            pass
    assert server.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        500,
        302,
        b"no JSON",
        b"[]",
        b'{"keys": 3}',
        b"{}",
        b'{"keys": ["' + b"x" * (jwks.MAX_BYTES + 1) + b'"]}',
    ],
)
async def test_keys_that_are_not_to_be_had_are_a_503_that_says_so(
    answer: Any, rotating: tuple[KeyServer, Gateway, Any], caplog: pytest.LogCaptureFixture
) -> None:
    server, gateway, clock = rotating
    server.answer = answer
    for _ in range(2):
        refused = await shown(gateway, token(kid="old"))
        assert refused.status == 503
        assert refused.error["type"] == "api_error"
        assert "keys of its sign-in service" in refused.error["message"]
        assert "retry-after" in refused.headers
    assert server.asked == 1
    assert "GATEWAY_JWT_JWKS_URL" in caplog.text
    assert (await sign_in(gateway, token(kid="old"))).status == 503
    server.answer = [public(RSA_KEY, "old")]
    clock["now"] += jwks.PAUSE_S
    assert (await shown(gateway, token(kid="old"))).status == 200


async def test_keys_outlive_the_outage_of_their_service_for_an_hour(
    rotating: tuple[KeyServer, Gateway, Any],
) -> None:
    server, gateway, clock = rotating
    old = token(kid="old")
    assert (await shown(gateway, old)).status == 200
    server.answer = 500
    clock["now"] += jwks.STALE_S - 1
    assert (await shown(gateway, old)).status == 200
    clock["now"] += jwks.PAUSE_S + 2
    assert (await shown(gateway, old)).status == 503


async def test_no_token_is_in_any_log_line(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = token(), token(aud="other")
    for credential in (good, bad):
        await shown(gateway, credential)
        await sign_in(gateway, credential)
    for credential in (good, bad):
        for part in credential.split("."):
            assert part not in caplog.text
    assert "a token was refused: InvalidAudienceError" in caplog.text


# Settings


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"jwt_jwks_url": None}, "GATEWAY_JWT_JWKS_URL: GATEWAY_AUTH=jwt needs it"),
        ({"jwt_jwks_url": "http://login.example/keys"}, "https://"),
        ({"jwt_jwks_url": "file:///etc/passwd"}, "https://"),
        ({"jwt_issuer": None}, "GATEWAY_JWT_ISSUER: GATEWAY_AUTH=jwt needs it"),
        ({"jwt_issuer": ""}, "GATEWAY_JWT_ISSUER: GATEWAY_AUTH=jwt needs it"),
        ({"jwt_audience": ()}, "GATEWAY_JWT_AUDIENCE: GATEWAY_AUTH=jwt needs it"),
    ],
)
async def test_half_a_sign_in_service_is_refused_at_start(changes: dict[str, Any], says: str) -> None:
    given = signed_in_by("https://login.example/keys") | changes
    with pytest.raises(ValueError, match="GATEWAY_JWT") as caught:
        Settings(_env_file=None, **given)
    assert says in str(caught.value)
