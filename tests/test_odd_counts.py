"""What Claude counts and names, with odd values in it, through the whole gateway: prices, budgets, metrics, log."""

import asyncio
import json
from typing import Any

import pytest

from tests.protocol.test_garbled import ODD, mutations
from tests.reading import ask
from tests.running import serving
from tests.scripted import Call, ScriptedClaude, ending, message_start, saying, text_block

USAGE: dict[str, Any] = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 2,
    "cache_creation": {"ephemeral_5m_input_tokens": 3},
    "output_tokens_details": {"thinking_tokens": 1},
    "server_tool_use": {"web_search_requests": 1},
    "speed": "standard",
}


def _frame_of(data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _data_of(frame: bytes) -> dict[str, object]:
    data: dict[str, object] = json.loads(frame.partition(b"data: ")[2])
    return data


def answers() -> list[list[bytes]]:
    """Return answers with something odd in their first frame or in the one that counts."""
    first, *text, last, stop = [
        message_start(**USAGE),
        *text_block("a"),
        *ending("end_turn", output_tokens=9),
    ]
    out = [[_frame_of(odd), *text, last, stop] for odd in mutations(_data_of(first))]
    return out + [[first, *text, _frame_of(odd), stop] for odd in mutations(_data_of(last))]


async def test_whatever_claude_counts_every_answer_comes_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    odd = answers()
    assert len(odd) > 20 * len(ODD)

    def script(call: Call) -> list[bytes]:
        return odd[int(json.loads(call.prompt)["content"])]

    async with (
        ScriptedClaude(script) as claude,
        serving(claude.url, retries=0, continuations=0, token_budget=f"{2**80}/day") as gateway,
    ):

        async def one(number: int) -> None:
            answer = await gateway.request("POST", "/api/chat", ask(str(number)))
            assert answer.status in (200, 502), answer.raw
            assert answer.status == 502 or answer.raw.endswith(b"data: [DONE]\n\n")
            if answer.status == 200:
                path = f"/api/chat/{answer.headers['x-chat-id']}"
                assert (await gateway.request("GET", path)).status == 200

        for at in range(0, len(odd), 16):
            await asyncio.gather(*map(one, range(at, min(at + 16, len(odd)))))
        assert (await gateway.request("GET", "/metrics")).status == 200
    for trouble in ("failed with", "Exception"):
        assert trouble not in caplog.text


async def test_an_answer_whose_cost_cannot_be_said_comes_to_its_end_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.monitoring.pricing.Prices.of", fail)
    async with ScriptedClaude(lambda _: saying("a")) as claude, serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("x"))).rest()
    assert (stream.terminal["type"], stream.terminal["cost_usd"], stream.done) == ("done", None, 1)
