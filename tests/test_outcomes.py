"""What the operator is told of each answer: one line when it ends, and the metrics."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from app import logs
from app.caller import ANONYMOUS
from app.monitoring import metrics as metrics_module
from app.monitoring.outcome import coarse
from app.record import GAP_SECONDS, Gaps
from app.tools.registry import Toolbox
from tests import kit
from tests.reading import Client, ask
from tests.running import KEY, serving
from tests.scripted import (
    TEXT_START,
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    always,
    block,
    ending,
    message_start,
    refusing,
    saying,
    text_block,
    text_delta,
)
from tests.scripted import frame as claude_frame
from tests.signing_in import ALICE, BOB, bearer, tokens_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

USE_ADD = [
    message_start(id_="msg_tool"),
    *block(
        0,
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"a": 2}'},
    ),
    *ending("tool_use"),
]


_calls: list[Call] = []
WORDS = ("refuse", "overload", "stay", "break", "once", "endless", "tool")


def script(call: Call) -> Answer:
    """Answer as the question says."""
    _calls.append(call)
    match next((word for word in WORDS if f'"{word}"' in call.prompt), ""):
        case "refuse":
            return refusing(400, "invalid_request_error", "messages: too odd")
        case "overload":
            return refusing(529, "overloaded_error")
        case "stay":
            return [message_start(), TEXT_START, text_delta("so far"), Ending.STALL]
        case "break":
            return [message_start(), TEXT_START, text_delta("so far"), Ending.RESET]
        case "once" if len(_calls) == 1:
            return [message_start(), TEXT_START, text_delta("so far "), Ending.RESET]
        case "endless":
            return [message_start(), *text_block("x" * 9000), *ending()]
        case "tool" if len(call.body["messages"]) == 1:
            return USE_ADD
        case _:
            return saying("all", " of", " it")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def claude() -> AsyncIterator[ScriptedClaude]:
    async with ScriptedClaude(script) as claude:
        yield claude


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator["Told"]:
    with caplog.at_level(logging.INFO):
        yield Told(caplog)


class Told:
    """The lines about generations."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def lines(self) -> list[dict[str, Any]]:
        records = [record for record in self._caplog.records if record.message == "generation ended"]
        return [vars(record)["fields"] for record in records]

    def only(self) -> dict[str, Any]:
        lines = self.lines()
        assert len(lines) == 1
        return lines[0]


class Meter:
    """What /metrics says."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        text = (await self._client.request("GET", "/metrics")).raw.decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def of(self, name: str, **labels: str) -> float:
        return (await self.samples()).get((name, frozenset(labels.items())), 0)


async def test_a_whole_answer_is_one_line_with_all_that_it_took(claude: ScriptedClaude, told: Told) -> None:
    async with serving(claude.url) as gateway:
        stream = await (await gateway.stream(ask("hello"), headers={"X-Request-Id": "req_of_nginx"})).rest()
        line = told.only()
        meter = Meter(gateway)
        assert await meter.of("gateway_tokens_total", model="claude-sonnet-5-5", kind="output") == 3
        assert await meter.of("gateway_cost_usd_total", model="claude-sonnet-5-5") == line["cost_usd"]
        assert await meter.of("gateway_generations_live") == 0
        assert await meter.of("gateway_time_to_first_token_seconds_count", model="claude-sonnet-5-5") == 1
    assert line["ttft_ms"] <= line["duration_ms"]
    assert line == {
        "generation": stream.id[:10],
        "client": "127.0.0.1",
        "model": "claude-sonnet-5-5",
        "answered_by": "claude-sonnet-5-5",
        "end": "complete",
        "stop_reason": "end_turn",
        "tokens": {"input": 11, "output": 3},
        "tokens_from": "final",
        "cost_usd": stream.terminal["cost_usd"],
        "ttft_ms": line["ttft_ms"],
        "duration_ms": line["duration_ms"],
        "calls": 1,
        "retries": 0,
        "seams": 0,
        "tool_turns": 0,
        "request": "req_of_nginx",
        "claude_requests": ["req_claude"],
    }


@pytest.mark.parametrize(
    ("question", "settings", "expected"),
    [
        ("refuse", {}, {"end": "upstream_error", "fault": "client", "tokens_from": "none", "tokens": {}}),
        (
            "overload",
            {"retries": 0},
            {"end": "upstream_error", "fault": "claude", "error": "overloaded_error"},
        ),
        (
            "break",
            {"continuations": 0},
            {"end": "truncated", "fault": "claude", "why": "reset", "tokens_from": "partial"},
        ),
        ("stay", {"stall_timeout": 0.05, "continuations": 0}, {"end": "timeout", "error": "timeout_error"}),
        ("endless", {"max_generation_bytes": 4096}, {"end": "limit", "fault": "client"}),
        ("tool", {"tools": kit.__name__, "max_tool_turns": 0}, {"end": "limit"}),
        ("tool", {"tools": kit.__name__}, {"end": "complete", "tool_turns": 1, "calls": 2, "retries": 0}),
        ("once", {}, {"end": "complete", "seams": 1, "retries": 1, "calls": 2, "tokens_from": "partial"}),
    ],
)
async def test_each_end_has_its_word(
    question: str, settings: dict[str, Any], expected: dict[str, Any], claude: ScriptedClaude, told: Told
) -> None:
    _calls.clear()
    fields = {"tools": [{"name": "add"}]} if question == "tool" else {}
    async with serving(claude.url, **settings) as gateway:
        answer = await gateway.request("POST", "/api/chat", ask(question, stream=False, **fields))
        line = told.only()
        assert {name: line[name] for name in expected} == expected
        assert line["claude_requests"] == ["req_claude"]
        meter = Meter(gateway)
        assert (
            await meter.of("gateway_generations_ended_total", model="claude-sonnet-5-5", end=line["end"]) == 1
        )
        if answer.status >= 400:
            # Once, though both the generation and the request failed with it.
            assert await meter.of("gateway_errors_total", fault=line["fault"], type=line["error"]) == 1


async def test_what_is_given_up_is_told_apart(claude: ScriptedClaude, told: Told) -> None:
    async with serving(claude.url, orphan_grace=0) as gateway:
        stream = await gateway.stream(ask("stay"))
        await stream.until_text(1)
        await gateway.request("DELETE", f"/api/chat/{stream.id}")
        await stream.rest()
        left = await gateway.stream(ask("stay"))
        await left.until_text(1)
        left.close()
        await gateway.hub.find(left.id, ANONYMOUS).gone()
        drained = await gateway.stream(ask("stay"))
        await drained.until_text(1)
        gateway.hub.interrupt()
        await drained.rest()
    assert [line["end"] for line in told.lines()] == ["cancelled", "abandoned", "drained"]
    assert {line["tokens_from"] for line in told.lines()} == {"partial"}


async def test_clients_are_named_in_metrics_where_they_sign_in_and_as_many_as_are_allowed(
    claude: ScriptedClaude, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "MAX_CLIENTS", 1)
    async with serving(claude.url, auth="token", tokens_file=tokens_file(tmp_path)) as gateway:
        for token in (ALICE, BOB):
            await gateway.request("POST", "/api/chat", ask("hello", stream=False), bearer(token))
        meter = Meter(gateway)
        cost = told.lines()[0]["cost_usd"]
        assert await meter.of("gateway_client_cost_usd_total", client="alice") == cost
        assert await meter.of("gateway_client_cost_usd_total", client="other") == cost
        assert await meter.of("gateway_client_tokens_total", client="alice", kind="output") == 3
    assert [line["client"] for line in told.lines()] == ["alice", "bob"]


async def test_errors_of_types_that_nobody_knows_share_a_label() -> None:
    kinds = iter(("smell_error", "taste\nerror"))
    async with (
        ScriptedClaude(lambda _: [claude_frame("error", error={"type": next(kinds), "message": "?"})]) as odd,
        serving(odd.url, retries=0) as gateway,
    ):
        for _ in range(2):
            await gateway.request("POST", "/api/chat", ask("hello"))
        assert await Meter(gateway).of("gateway_errors_total", fault="claude", type="other") == 2


async def test_requests_errors_and_limits_are_counted_by_bounded_labels(claude: ScriptedClaude) -> None:
    async with serving(claude.url, rate_limit="1/minute") as gateway:
        for _ in range(2):
            await gateway.request("POST", "/api/chat", ask("hello", stream=False))
        for path in ("/api/chat/g_nobody/stream", "/api/chat/g_else/stream", "/no/such", "/"):
            await gateway.request("GET", path)
        await gateway.request("FROB", "/healthz")
        meter = Meter(gateway)
        assert await meter.of("gateway_limits_hit_total", limit="rate") == 1
        assert await meter.of("gateway_errors_total", fault="client", type="rate_limit_error") == 1
        route = "/api/chat/{generation_id}/stream"
        assert await meter.of("gateway_requests_total", route=route, method="GET", status="404") == 2
        assert await meter.of("gateway_requests_total", route="/", method="GET", status="200") == 1
        assert await meter.of("gateway_requests_total", route="other", method="GET", status="404") == 1
        samples = await meter.samples()
    methods = {dict(labels).get("method") for name, labels in samples if name == "gateway_requests_total"}
    assert methods <= {"GET", "POST", "other"}
    assert not [labels for _, labels in samples if "g_nobody" in str(labels)]


async def test_metrics_tell_of_the_process_its_loop_and_its_version(
    claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "LOOK_S", 0.001)
    async with serving(claude.url) as gateway:
        meter = Meter(gateway)
        while await meter.of("gateway_loop_lag_seconds_count") < 2:
            pass
        samples = {name: value for (name, _), value in (await meter.samples()).items()}
    assert samples["process_resident_memory_bytes"] > 0
    assert samples["gateway_build_info"] == 1


async def test_the_time_between_deltas_is_counted_in_buckets() -> None:
    gaps = Gaps()
    for seconds in (0.004, 0.005, 0.03, 99):
        gaps.count(seconds)
    assert dict(zip(GAP_SECONDS, gaps.counts, strict=False)) | {0.005: 2, 0.05: 1} == dict(
        zip(GAP_SECONDS, gaps.counts, strict=False)
    )
    assert (gaps.counts[-1], sum(gaps.counts)) == (1, 4)
    assert gaps.sum_s == pytest.approx(99.039)


async def test_the_time_between_deltas_reaches_metrics() -> None:
    gate = asyncio.Event()
    steps = [message_start(), TEXT_START, text_delta("a"), gate, text_delta("b"), *ending()]
    async with ScriptedClaude(always(steps)) as claude, serving(claude.url) as gateway:
        stream = await gateway.stream(ask("x"))
        await stream.until_text(1)
        gate.set()
        await stream.rest()
        meter = Meter(gateway)
        assert await meter.of("gateway_time_between_deltas_seconds_count") >= 1
        assert await meter.of("gateway_time_between_deltas_seconds_bucket", le="+Inf") >= 1


async def test_what_an_answer_costs_is_told_with_it(claude: ScriptedClaude) -> None:
    def answer(call: Call) -> Answer:
        usage: dict[str, Any] = {"cache_read_input_tokens": 1_000_000, "cache_creation": None}
        return [
            message_start(model=call.body["model"], **usage),
            *text_block("x"),
            *ending(output_tokens=1000),
        ]

    async with ScriptedClaude(answer) as priced, serving(priced.url, models="claude-opus-5-5,own") as gateway:
        known = await gateway.request(
            "POST", "/api/chat", ask("x", stream=False) | {"model": "claude-opus-5-5"}
        )
        other = await gateway.request("POST", "/api/chat", ask("x", stream=False) | {"model": "own"})
        meter = Meter(gateway)
        assert await meter.of("gateway_unpriced_generations_total", model="own") == 1
    # 11 tokens at 4 $, a million read from the cache at 0.2 $, a thousand written at 20 $ a million.
    assert known.json["cost_usd"] == pytest.approx(0.000044 + 0.2 + 0.02)
    assert other.json["cost_usd"] is None


async def test_no_word_of_anybody_gets_into_the_log_or_metrics_at_any_level(
    claude: ScriptedClaude, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "-".join(("canary", "of", "text"))  # in pieces: a trace shows lines of code

    async def speak(self: Toolbox, name: str, given: Any) -> Any:
        raise RuntimeError(canary)

    def answer(call: Call) -> Answer:
        if "refuse" in call.prompt:
            return refusing(400, "invalid_request_error", canary)
        if "bug" in call.prompt:
            return USE_ADD
        if "in-band" in call.prompt:
            return [message_start(), claude_frame("error", error={"type": "api_error", "message": canary})]
        return saying(canary)

    logs.configure("json", "debug")
    async with (
        ScriptedClaude(answer) as speaking,
        serving(speaking.url, tools=kit.__name__, retries=0) as gateway,
    ):
        for question in ("hello", "refuse", "in-band"):
            await gateway.request("POST", "/api/chat", ask(f"{question} {canary}", stream=False))
            await gateway.request("GET", f"/api/chat/{canary}", None)
        fields = {"tools": [{"name": "add"}]}
        monkeypatch.setattr(Toolbox, "call", speak)
        await gateway.request("POST", "/api/chat", ask(f"bug {canary}", stream=False, **fields))
        metrics = (await gateway.request("GET", "/metrics")).raw.decode()
    said = capsys.readouterr().err
    ends = [json.loads(line).get("end") for line in said.splitlines()]
    assert [end for end in ends if end] == ["complete", "upstream_error", "upstream_error", "bug"]
    assert canary not in said
    assert KEY not in said
    assert canary not in metrics


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("127.0.0.1", "127.0.0.1"),
        ("somewhere\n", "unknown"),
    ],
)
async def test_an_address_is_told_only_as_far_as_needed(address: str, told: str) -> None:
    assert coarse(address) == told
