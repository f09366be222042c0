"""What an attacker sends, and what comes back: forty-four lines, numbered.

A line is a row of ``ROWS``, a test here whose name has its number, or a place in ``ELSEWHERE`` where it is tested
together with what it belongs to. ``NOT_OURS`` says why the rest is none of ours.
"""

import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from app.hub import Hub
from app.protocol.errors import NotFound
from app.web import routes, session
from tests.reading import ask
from tests.running import Gateway, serving
from tests.scripted import Ending, ScriptedClaude, always, message_start, saying, text_block
from tests.signing_in import ALICE, BOB, bearer, cookie, sign_in, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = Path(__file__).parent

ELSEWHERE = {
    6: "test_limits.py::test_guessing_ids_is_a_404_and_then_a_429",
    8: "test_auth_tokens.py::test_who_is_revoked_loses_the_streams_they_have_open",
    16: "test_auth_proxy.py::test_nobody_but_a_trusted_proxy_can_name_anybody",
    20: "page/test_markdown.py::test_",
    23: "test_auth_tokens.py::test_keys_are_each_clients_own",
    24: "test_limits.py::test_more_generations_than_allowed_are_a_429_that_says_when_to_come_back",
    27: "test_wire.py::test_a_head_that_does_not_come_is_not_waited_for",
    28: "test_limits.py::test_one_client_has_so_many_streams_open",
    29: "test_bounds.py::test_a_reader_that_does_not_read_is_let_go_and_can_resume",
    35: "test_budget.py::test_an_answer_that_uses_up_the_budget_ends_there",
    39: "test_wire.py::test_it_is_refused_in_our_shape_and_nothing_after_it_is_answered",
    41: "test_wire.py::test_it_is_refused_in_our_shape_and_nothing_after_it_is_answered",
    42: "test_nginx_refusals.py::test_metrics_are_not_for_the_outside",
}

NOT_OURS = {
    9: "There are no tenants: whoever loses a token has no credential left, which is line 8.",
    36: "No process takes over another's answers: there is no shared store yet.",
    37: "There is no shared store yet.",
    38: "There is no shared store yet.",
}

CORS = "https://chat.example"
EVIL = {"Origin": "https://evil.example"}


@asynccontextmanager
async def guarded(claude: ScriptedClaude, folder: Path, **settings: Any) -> AsyncIterator[Gateway]:
    given = {"auth": "token", "tokens_file": tokens_file(folder), "cors_origins": (CORS,)} | settings
    async with serving(claude.url, **given) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def claude() -> AsyncIterator[ScriptedClaude]:
    async with ScriptedClaude(lambda _: saying("ok", " it", " is")) as claude:
        yield claude


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(claude: ScriptedClaude, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with guarded(claude, tmp_path_factory.mktemp("tokens"), max_body_bytes=4_000_000) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hers(gateway: Gateway) -> str:
    """The id of an answer of Alice's."""
    return (await (await gateway.stream(ask("x"), headers=bearer(ALICE))).rest()).id


BY_BOB, BY_ALICE = bearer(BOB), bearer(ALICE)
LAST = "Last-Event-ID"
CHAT = ("POST", "/api/chat")

Row = tuple[int, str, str, dict[str, str], Any, int]

ROWS: list[Row] = [
    (1, "GET", "/api/chat/{hers}/stream", BY_BOB, None, 404),
    (2, "GET", "/api/chat/{hers}", BY_BOB, None, 404),
    (2, "DELETE", "/api/chat/{hers}", BY_BOB, None, 404),
    *(
        (4, "GET", "/api/chat/{hers}/stream", BY_ALICE | {LAST: cursor}, None, 400)
        for cursor in (
            "-1",
            "0-",
            "9e99-1",
            "1-18446744073709551616",
            "1-1;X: y",
            "1-1\t",
            "١-١",
            "9" * 10_000,
        )
    ),
    (4, "GET", "/api/chat/{hers}/stream?after=1-1%0d%0aX:%20y", BY_ALICE, None, 400),
    (5, "GET", "/api/chat/{hers}/stream", BY_ALICE | {LAST: "1-999999"}, None, 400),
    (15, "GET", f"/api/models?token={ALICE}", {}, None, 401),
    (15, "GET", f"/api/chat/{{hers}}/stream?access_token={ALICE}", {}, None, 401),
    (15, *CHAT, {}, ask("x", token=ALICE), 401),
    (19, *CHAT, BY_ALICE | {"Idempotency-Key": "k\tid: 9-9"}, ask("x"), 400),
    (25, *CHAT, BY_ALICE | {"Content-Length": "10000000000"}, b"", 413),
    (25, *CHAT, BY_ALICE, b'{"prompt": "' + b"x" * 4_000_000 + b'"}', 413),
    (26, *CHAT, BY_ALICE, b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    (26, *CHAT, BY_ALICE, b'{"messages":[' + b"1," * 999_999 + b"1]}", 400),
    (26, *CHAT, BY_ALICE, b'{"prompt":"x","max_tokens":NaN}', 400),
    (26, *CHAT, BY_ALICE, b'{"prompt":"x","max_tokens":' + b"9" * 5000 + b"}", 400),
    (30, *CHAT, BY_ALICE, ask("x", max_tokens=10**9), 400),
    (30, *CHAT, BY_ALICE, ask("x", model="gpt-9"), 400),
    (30, *CHAT, BY_ALICE, ask("x", betas=["all"]), 400),
    (30, *CHAT, BY_ALICE, ask("x", tools=[{"name": "shell"}]), 400),
    (31, *CHAT, BY_ALICE, {"messages": [{"role": "operator", "content": "x"}]}, 400),
    (31, *CHAT, BY_ALICE, {"messages": [{"role": ["user"], "content": "x"}]}, 400),
    (32, *CHAT, BY_ALICE, ask("x", base_url="http://evil.example"), 400),
    (32, *CHAT, BY_ALICE, ask("x", mcp_servers=[{"url": "http://169.254.169.254/"}]), 400),
    *(
        (
            32,
            *CHAT,
            BY_ALICE,
            {
                "messages": [
                    {"role": "user", "content": [{"type": kind, "source": {"type": "url", "url": url}}]}
                ]
            },
            400,
        )
        for kind in ("image", "document")
        for url in ("http://169.254.169.254/", "file:///etc/passwd", "https://example.com/a.png")
    ),
    *(
        (40, method, "/api/chat/{hers}/stream", BY_ALICE, None, 405)
        for method in ("HEAD", "OPTIONS", "TRACE", "PUT")
    ),
    *(
        (42, "GET", path, BY_ALICE, None, 404)
        for path in ("/debug", "/docs", "/admin", "/.env", "/server-status")
    ),
    (42, "GET", "/metrics", {"X-Forwarded-For": "203.0.113.9"}, None, 403),
]


@pytest.mark.parametrize("row", range(len(ROWS)), ids=lambda row: f"{ROWS[row][0]}-{row}")
async def test_each_row(row: int, gateway: Gateway, claude: ScriptedClaude, hers: str) -> None:
    _, method, path, headers, body, status = ROWS[row]
    before = len(claude.calls)
    answer = await gateway.request(method, path.format(hers=hers), body, headers)
    assert answer.status == status, answer.raw
    if method != "HEAD":
        assert answer.json["type"] == "error"
    assert len(claude.calls) == before


async def test_03_a_cursor_of_one_answer_shows_nothing_of_it_in_another(gateway: Gateway, hers: str) -> None:
    one = await (await gateway.stream(ask("x"), headers=BY_ALICE)).rest()
    for id_ in one.ids[:-1]:
        headers = BY_ALICE | {LAST: id_}
        other = await gateway.stream(method="GET", path=f"/api/chat/{hers}/stream", headers=headers)
        assert one.id not in (await other.rest()).raw.decode()


async def test_05_a_cursor_far_ahead_is_answered_at_once(gateway: Gateway, hers: str) -> None:
    answer = await gateway.request("GET", f"/api/chat/{hers}/stream?after=2-1", headers=BY_ALICE)
    assert answer.status == 400


def _all_routes() -> list[tuple[str, str]]:
    found = [*routes.router.routes, *session.router.routes]
    return [
        (method, each.path)
        for each in found
        if isinstance(each, APIRoute)
        for method in sorted(each.methods or ())  # a set, in another order in each process that runs tests
    ]


@pytest.mark.parametrize("route", _all_routes(), ids=" ".join)
async def test_07_without_credentials_every_route_but_a_few_is_a_401(
    route: tuple[str, str], gateway: Gateway
) -> None:
    method, path = route
    answer = await gateway.request(method, path.replace("{generation_id}", "g_x"), ask("x"))
    if path in ("/api/config", "/healthz", "/readyz", "/metrics") or (
        method == "DELETE" and path == "/api/session"
    ):
        assert answer.status == 200
    else:
        assert answer.status == (400 if path == "/api/session" else 401)


@pytest.mark.parametrize(
    ("number", "method", "hostile", "status"),
    [
        (10, "POST", {"Content-Type": "text/plain"}, 415),
        (10, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (10, "POST", {"Content-Type": "text/plain; a=application/json"}, 415),
        (11, "POST", EVIL, 403),
        (11, "POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        (11, "POST", {"Sec-Fetch-Site": "same-site", "Origin": "https://other.chat.example"}, 403),
        (12, "GET", EVIL | {"Accept": "text/event-stream"}, 403),
        (12, "GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        (13, "POST", {"Origin": "null"}, 403),
        (13, "POST", {"Origin": f"{CORS}.evil"}, 403),
        (13, "POST", {"Origin": CORS.upper()}, 403),
        (13, "POST", {"Origin": f"{CORS}:8443"}, 403),
        (13, "POST", {"Origin": CORS.replace("https", "http")}, 403),
        (13, "POST", {"Origin": f"{CORS}, https://evil.example"}, 403),
        (13, "POST", {"Origin": "http://127.0.0.1"}, 403),  # another port of this machine is another site
        (13, "DELETE", EVIL, 403),
    ],
)
async def test_10_to_13_other_sites_can_do_nothing_with_the_cookie(
    number: int,
    method: str,
    hostile: dict[str, str],
    status: int,
    gateway: Gateway,
    claude: ScriptedClaude,
    hers: str,
) -> None:
    signed_in = cookie(await sign_in(gateway, ALICE))
    before = len(claude.calls)
    path = "/api/chat" if method == "POST" else f"/api/chat/{hers}"
    answer = await gateway.request(method, path, ask("x"), signed_in | hostile)
    assert answer.status == status
    assert "access-control-allow-origin" not in answer.headers
    assert len(claude.calls) == before


async def test_14_a_listed_site_may_ask_and_is_told_exactly_what(gateway: Gateway) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, last-event-id, idempotency-key",
    }
    may = await gateway.request("OPTIONS", "/api/chat", headers={"Origin": CORS} | asked)
    assert may.status == 200
    assert may.headers["access-control-allow-origin"] == CORS
    assert may.headers["access-control-allow-credentials"] == "true"
    assert set(may.headers["access-control-allow-methods"].split(", ")) == {"GET", "POST", "DELETE"}
    allowed = may.headers["access-control-allow-headers"].lower()
    assert {"content-type", "last-event-id", "idempotency-key"} <= set(allowed.split(", "))
    assert "*" not in allowed
    assert may.headers["vary"].split(", ").count("Origin") == 1
    real = await gateway.request("GET", "/api/models", headers={"Origin": CORS} | BY_ALICE)
    assert (real.status, real.headers["access-control-allow-origin"]) == (200, CORS)
    assert real.headers["vary"] == "Origin"
    refused = await gateway.request("GET", "/api/models", headers={"Origin": CORS})
    # The page can read why.
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, CORS)
    for origin in ("https://evil.example", "null", f"{CORS}.evil"):
        answer = await gateway.request("OPTIONS", "/api/chat", headers={"Origin": origin} | asked)
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["vary"] == "Origin"
    page = await gateway.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["vary"] == "Accept-Encoding, Origin"


async def test_17_the_cookie_has_all_its_flags(gateway: Gateway) -> None:
    said = (await sign_in(gateway, ALICE, {"X-Forwarded-Proto": "https"})).headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-claude-gateway=[\w-]{43}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure", said
    )


async def test_18_nothing_that_claude_says_can_begin_an_event(tmp_path: Path) -> None:
    hostile = ["\n\nevent: x\ndata: y\n\n", "\r", "\u2028\u2029", "\x00", "data: [DONE]\n\n", "id: 9-9\r\n"]
    async with ScriptedClaude(always(saying(*hostile))) as claude, guarded(claude, tmp_path) as gateway:
        stream = await (await gateway.stream(ask("x"), headers=BY_ALICE)).rest()
    assert stream.text == "".join(hostile)
    assert stream.done == 1
    for line in stream.raw.split(b"\n"):
        assert re.match(rb"$|data: |id: \d+-\d+$|retry: \d+$|:", line), line


async def test_21_and_22_an_answer_is_kept_by_nobody_and_is_what_it_says(gateway: Gateway, hers: str) -> None:
    stream = await gateway.stream(method="GET", path=f"/api/chat/{hers}/stream", headers=BY_ALICE)
    await stream.rest()
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    for path, headers in [(None, stream.headers)] + [
        (path, (await gateway.request("GET", path, headers=BY_ALICE)).headers)
        for path in (f"/api/chat/{hers}", "/api/config", "/api/models", "/nothing")
    ]:
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize(
    "twice",
    [
        b'{"prompt": "x", "max_tokens": 1000000000, "max_tokens": 5}',
        b'{"max_tokens": 5, "messages": [{"role": "user", "content": "x", "max_tokens": 1, "max_tokens": 1}]}',
    ],
)
async def test_26_two_values_for_one_name_are_refused(
    gateway: Gateway, claude: ScriptedClaude, twice: bytes
) -> None:
    asked = len(claude.calls)
    answer = await gateway.request("POST", "/api/chat", twice, BY_ALICE)
    assert (answer.status, answer.error["message"]) == (400, "max_tokens: this field is there twice.")
    assert len(claude.calls) == asked


async def test_30_the_operators_system_prompt_stays_first_and_is_shown_to_nobody(tmp_path: Path) -> None:
    prompt = "Never tell anybody about the violet lighthouse."
    echo = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": f"system.0: {prompt} is odd"},
    }

    def script(call: Any) -> Any:
        if "refuse" in call.prompt:
            from tests.scripted import Refusal

            return Refusal(400, echo)
        if "break" in call.prompt:
            return [
                message_start(),
                *text_block("so far"),
                f"event: error\ndata: {json.dumps(echo)}\n\n".encode(),
            ]
        return saying("ok")

    seen = b""
    async with (
        ScriptedClaude(script) as claude,
        guarded(claude, tmp_path, system_prompt=prompt, retries=0, continuations=0) as gateway,
    ):
        for theirs in ("mine", [{"type": "text", "text": "mine"}], "", None):
            answer = await gateway.request(
                "POST", "/api/chat", ask("x", system=theirs, stream=False), BY_ALICE
            )
            seen += answer.raw
            system = claude.calls[-1].body["system"]
            assert system[0] == {"type": "text", "text": prompt}
            assert [block["text"] for block in system[1:]] == (["mine"] if theirs else [])
        for question in ("refuse", "break"):
            answer = await gateway.request("POST", "/api/chat", ask(question), BY_ALICE)
            seen += answer.raw + repr(answer.headers).encode()
            if "x-chat-id" in answer.headers:
                path = f"/api/chat/{answer.headers['x-chat-id']}"
                seen += (await gateway.request("GET", path, headers=BY_ALICE)).raw
        for method, path, body in [
            ("POST", "/api/chat/count_tokens", ask("x")),
            *(("GET", path, None) for path in ("/api/config", "/api/models", "/metrics", "/")),
        ]:
            seen += (await gateway.request(method, path, body, BY_ALICE)).raw
    assert b"ok" in seen
    assert b"is odd" in seen
    assert b"lighthouse" not in seen


async def test_33_what_claude_says_about_the_operator_is_not_passed_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.running import KEY
    from tests.scripted import refusing

    for status, kind in ((401, "authentication_error"), (403, "permission_error"), (402, "billing_error")):
        refusal = refusing(status, kind, f"{KEY} of organization org_secret may not")
        async with ScriptedClaude(always(refusal)) as claude, guarded(claude, tmp_path) as gateway:
            answer = await gateway.request("POST", "/api/chat", ask("x"), BY_ALICE)
        assert answer.status == 502
        assert b"org_secret" not in answer.raw
        assert KEY.encode() not in answer.raw
    assert KEY not in caplog.text


async def test_34_nothing_from_outside_stands_in_a_log_line_as_it_came(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = "\x1b[31m\nERROR forged"
    async with (
        ScriptedClaude(always([message_start(id_=bad, model=bad), *text_block(bad), Ending.RESET])) as claude,
        guarded(claude, tmp_path, retries=0, continuations=0) as gateway,
    ):
        hostile = {"User-Agent": "\x1b[31m", "X-Request-Id": "a\tb", "X-Forwarded-For": "\x1b[31m, x\ty"}
        for body in (ask(bad), {bad: 1}, ask("x", model=bad), ask("x", metadata={"user_id": bad})):
            await gateway.request("POST", "/api/chat", body, BY_ALICE | hostile)
        await gateway.request("GET", "/api/chat/%1b%5b31m%0aERROR", headers=BY_ALICE | hostile)
    for record in caplog.records:
        if record.name.startswith("app"):
            assert re.fullmatch(r"[^\x00-\x1f\x7f]*", record.getMessage()), record.getMessage()
    assert "forged" not in caplog.text


async def test_43_what_is_purged_is_gone_at_once(gateway: Gateway, claude: ScriptedClaude) -> None:
    headers = BY_ALICE | {"Idempotency-Key": "to be purged"}
    stream = await (await gateway.stream(ask("x"), headers=headers)).rest()
    path = f"/api/chat/{stream.id}"
    assert (await gateway.request("DELETE", f"{path}?purge=true", headers=BY_ALICE)).status == 200
    for each in (path, f"{path}/stream"):
        assert (await gateway.request("GET", each, headers=BY_ALICE)).status == 410
        assert (await gateway.request("GET", each, headers=BY_BOB)).status == 404
    assert ("alice", stream.id) not in gateway.hub._generations
    again = await (await gateway.stream(ask("x"), headers=headers)).rest()  # its key is forgotten with it
    assert again.id != stream.id


async def test_44_what_is_somebody_elses_takes_the_steps_that_nothing_takes(
    gateway: Gateway, hers: str
) -> None:
    def steps(look: Callable[[], Any]) -> list[tuple[str, int]]:
        """Return the lines that are run, instead of the time they take, which a test cannot rely on."""
        lines: list[tuple[str, int]] = []

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line" and frame.f_code.co_filename.endswith("hub.py"):
                lines.append((frame.f_code.co_name, frame.f_lineno))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with pytest.raises(NotFound):
                look()
        finally:
            sys.settrace(before)
        return lines

    hub: Hub = gateway.hub
    foreign = steps(lambda: hub.find(hers, "bob"))
    assert foreign
    assert foreign == steps(lambda: hub.find("g_" + "a" * 26, "bob"))


async def test_every_line_is_somewhere() -> None:
    source = _read(Path(__file__))
    here = {number for number, *_ in ROWS}
    for low, high in re.findall(r"def test_(\d\d)(?:_(?:to|and)_(\d\d))?_", source):
        here |= set(range(int(low), int(high or low) + 1))
    assert here | set(ELSEWHERE) | set(NOT_OURS) == set(range(1, 45))
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}" in _read(HERE / file), place


def _read(path: Path) -> str:
    return path.read_text()
