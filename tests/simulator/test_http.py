"""What the simulator is on the wire: statuses, headers, pages, and connections that go wrong."""

import json
from typing import Any

import anthropic
import httpx
import pytest

from app.simulator.command import main
from app.simulator.directives import parse
from app.simulator.errors import ClaudeError
from tests.simulator.kit import PLAIN, Talk, body, talking, text, user

RIVERS = "Tell me about rivers."


async def post(talk: Talk, path: str = "/v1/messages", **sent: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=talk.simulator.url, timeout=30) as client:
        return await client.post(path, **sent)


async def test_a_stream_has_claudes_headers(talk: Talk) -> None:
    answer = await post(talk, json=body(RIVERS, stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["anthropic-organization-id"]
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        assert int(answer.headers[f"anthropic-ratelimit-{name}-remaining"]) > 0
        assert answer.headers[f"anthropic-ratelimit-{name}-reset"].endswith("Z")
    assert answer.text.startswith("event: message_start\n")
    assert "[DONE]" not in answer.text


async def test_a_refusal_has_its_request_id_and_says_that_trying_again_is_no_use(talk: Talk) -> None:
    answer = await post(talk, json=body(RIVERS, foo=1))
    assert answer.status_code == 400
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json()["request_id"] == answer.headers["request-id"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("DELETE", "/v1/models", 405, "invalid_request_error"),
        ("POST", "/v1/complete", 404, "not_found_error"),
        ("GET", "/", 404, "not_found_error"),
        ("GET", "/v1/models/claude-0", 404, "not_found_error"),
    ],
)
async def test_other_addresses_and_methods_are_refused(
    method: str, path: str, status: int, kind: str, talk: Talk
) -> None:
    async with httpx.AsyncClient(base_url=talk.simulator.url, timeout=30) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_what_is_no_json_object_is_a_400(raw: bytes, talk: Talk) -> None:
    assert (await post(talk, content=raw)).status_code == 400


async def test_a_body_that_is_too_large_is_a_413() -> None:
    async with talking(max_body_bytes=1000) as talk:
        assert (await post(talk, content=b"x" * 1001)).status_code == 413


async def test_the_models_are_listed_page_by_page_and_by_their_life(talk: Talk) -> None:
    async with httpx.AsyncClient(base_url=talk.simulator.url, timeout=30) as client:
        whole = (await client.get("/v1/models", params={"limit": 1000})).json()["data"]
        ids = [model["id"] for model in whole]
        second = (await client.get("/v1/models", params={"limit": 2, "after_id": ids[1]})).json()
        before = (await client.get("/v1/models", params={"limit": 2, "before_id": ids[4]})).json()
        old = (await client.get("/v1/models", params={"lifecycle": "deprecated"})).json()["data"]
        wrong = await client.get("/v1/models", params={"limit": 0})
    assert [model["id"] for model in second["data"]] == ids[2:4]
    assert (second["has_more"], second["first_id"], second["last_id"]) == (True, ids[2], ids[3])
    assert [model["id"] for model in before["data"]] == ids[2:4]
    assert {model["lifecycle"] for model in old} == {"deprecated"}
    assert wrong.status_code == 400


async def test_a_refusal_may_say_when_to_come_back(talk: Talk) -> None:
    answer = await post(talk, json=body(f"[[status 429 retry-after=2.5]] {RIVERS}", stream=True))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2.5")
    assert answer.json()["error"]["type"] == "rate_limit_error"


async def test_a_proxys_page_is_a_200_that_is_no_stream(talk: Talk) -> None:
    answer = await post(talk, json=body(f"[[html]] {RIVERS}", stream=True))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert "<title>" in answer.text


async def test_broken_json_takes_the_place_of_an_event(talk: Talk) -> None:
    def datas(answer: httpx.Response) -> list[str]:
        return [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]

    prompt = f"[[bad-json after=7]] {RIVERS}"
    broken = datas(await post(talk, json=body(prompt, stream=True)))
    whole = datas(await post(talk, json=body(prompt, stream=True)))
    assert len(broken) == len(whole)
    wrong = [at for at, data in enumerate(broken) if not _is_json(data)]
    assert wrong == [7]
    assert whole[7].startswith(broken[7])


def _is_json(data: str) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


async def test_a_stall_may_end_and_what_comes_then_is_the_rest(talk: Talk) -> None:
    stalled = await post(talk, json=body(f"[[stall for=0.01 after=9]] {RIVERS}", stream=True))
    pinged = await post(talk, json=body(f"[[stall pings for=0.01 after=9]] {RIVERS}", stream=True))
    plain = await post(talk, json=body(RIVERS, stream=True))
    assert _said(stalled) == _said(pinged) == _said(plain)


def _said(answer: httpx.Response) -> str:
    events = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
    assert events[-1]["type"] == "message_stop"
    return "".join(
        event["delta"].get("text", "") for event in events if "index" in event and "delta" in event
    )


async def test_without_a_stream_what_goes_wrong_goes_wrong_all_the_same(talk: Talk) -> None:
    for directive, status in (("overloaded", 529), ("error api_error", 500), ("status 503", 503)):
        assert (await post(talk, json=body(f"[[{directive}]] {RIVERS}"))).status_code == status
    for directive in ("reset", "close", "reset after=1", "close after=1"):
        with pytest.raises(httpx.TransportError):
            await post(talk, json=body(f"[[{directive}]] {RIVERS}"))
    assert (await post(talk, json=body(f"[[stall for=0.01]] {RIVERS}"))).status_code == 200


async def test_a_beta_header_opens_betas_fields(talk: Talk) -> None:
    message = await talk.client.beta.messages.create(
        model=PLAIN,
        max_tokens=1000,
        messages=[{"role": "user", "content": RIVERS}],
        betas=["mcp-client-2025-11-20"],
        mcp_servers=[{"type": "url", "name": "a", "url": "https://example.com"}],
    )
    assert message.stop_reason == "end_turn"
    assert "mcp_servers" in await talk.refused(RIVERS, extra_body={"mcp_servers": []})


@pytest.mark.parametrize("kind", ["bearer", "x-api-key"])
async def test_a_key_is_taken_in_either_header(kind: str) -> None:
    headers = {"authorization": "Bearer right"} if kind == "bearer" else {"x-api-key": "right"}
    async with talking(require_key="right") as talk:
        assert (await post(talk, json=body(RIVERS), headers=headers)).status_code == 200
        assert (await post(talk, json=body(RIVERS))).status_code == 401


async def test_what_has_to_go_wrong_can_be_said_for_every_prompt() -> None:
    async with talking(faults=("status 529 every=3",)) as talk:
        statuses = [(await post(talk, json=body(f"{RIVERS} {n}"))).status_code for n in range(6)]
    assert statuses == [200, 200, 529, 200, 200, 529]


# The command


@pytest.mark.parametrize(
    "directive",
    [
        "status 200",
        "status abc",
        "status",
        "status 500 600",
        "status 429 retry-after=soon",
        "status 429 retry-after=-1",
        "stall forever",
        "stall for=-1",
        "reset after=x",
        "reset in=smell",
        "reset size=3",
        "overlap x",
        "overlap 3 lines",
        "speed -1",
        "speed fast",
        "long words=many",
        "tools",
        "explode",
        "",
    ],
)
def test_a_directive_that_makes_no_sense_is_refused(directive: str) -> None:
    with pytest.raises(ClaudeError, match="simulator: "):
        parse(directive)


def test_the_command_refuses_faults_and_flags_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fault", "reset after=x"]) == 2
    assert "makes no sense" in capsys.readouterr().err
    assert main(["--speed", "fast"]) == 2
    assert "speed" in capsys.readouterr().err


def test_the_command_says_that_its_address_cannot_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "192.0.2.1", "--speed", "max"]) == 1
    assert "cannot listen on 192.0.2.1:8001" in capsys.readouterr().err


async def test_a_client_that_is_too_slow_is_waited_for_and_loses_nothing(talk: Talk) -> None:
    whole = text(await talk.whole([user(f"[[long words=3000]] {RIVERS}")], max_tokens=20_000))
    stream = await talk.client.messages.create(
        **body(f"[[long words=3000]] {RIVERS}", max_tokens=20_000), stream=True
    )
    said = ""
    async for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            said += event.delta.text
    assert said == whole


async def test_the_sdk_knows_every_error_by_its_class(talk: Talk) -> None:
    classes = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        403: anthropic.PermissionDeniedError,
        404: anthropic.NotFoundError,
        409: anthropic.ConflictError,
        429: anthropic.RateLimitError,
        500: anthropic.InternalServerError,
    }
    for status, kind in classes.items():
        with pytest.raises(kind):
            await talk.whole(f"[[status {status}]] {RIVERS}")
