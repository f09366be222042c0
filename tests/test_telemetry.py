"""Traces and metrics for OpenTelemetry, as a real receiver of OTLP gets them."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from app.monitoring import telemetry
from tests import kit
from tests.reading import ask
from tests.running import KEY, serving
from tests.scripted import (
    TEXT_START,
    Answer,
    Call,
    Ending,
    ScriptedClaude,
    block,
    ending,
    message_start,
    refusing,
    saying,
    text_block,
    text_delta,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = "canary-that-somebody-wrote"
TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}


@dataclass
class Receiver:
    """What came."""

    url: str
    raw: bytes = b""
    paths: list[str] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)

    def take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        self.raw += body
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        else:
            for got in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {each.name: each for scope in got.scope_metrics for each in scope.metrics}

    def span(self, name: str) -> Any:
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, [span.name for span in self.spans]
        return found[0]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    got = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", got.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield got
    server.shutdown()
    thread.join()
    server.server_close()


def script(call: Call) -> Answer:
    if "refuse" in call.prompt:
        return refusing(400, "invalid_request_error", CANARY)
    if "break" in call.prompt and len(call.body["messages"]) == 1:
        return [message_start(id_="msg_0"), TEXT_START, text_delta(CANARY), Ending.RESET]
    start = message_start(cache_read_input_tokens=100, cache_creation_input_tokens=20)
    return [start, *text_block(CANARY), *ending(output_tokens=7)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def claude() -> AsyncIterator[ScriptedClaude]:
    async with ScriptedClaude(script) as claude:
        yield claude


def told(span: Any) -> dict[str, Any]:
    return {each.key: plain(each.value) for each in span.attributes}


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


async def test_an_answer_is_a_part_of_the_clients_trace_with_claudes_calls_in_it(
    claude: ScriptedClaude, receiver: Receiver
) -> None:
    async with serving(claude.url) as gateway:
        await (await gateway.stream(ask(CANARY), headers=TRACEPARENT)).rest()
    request, answer = receiver.span("POST /api/chat"), receiver.span("generation")
    call = receiver.span("chat claude-sonnet-5-5")
    assert {span.trace_id.hex() for span in (request, answer, call)} == {TRACE_ID}
    assert [request.parent_span_id.hex(), answer.parent_span_id, call.parent_span_id] == [
        SPAN_ID,
        request.span_id,
        answer.span_id,
    ]
    assert told(request) == {
        "http.request.method": "POST",
        "http.route": "/api/chat",
        "http.response.status_code": 200,
    }
    assert told(answer)["gateway.end"] == "complete"
    attributes = told(call)
    assert attributes.pop("gen_ai.response.time_to_first_chunk") > 0
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-5-5",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 8192,
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "claude-sonnet-5-5",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 131,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_creation.input_tokens": 20,
        "server.address": "127.0.0.1",
        "server.port": int(claude.url.rpartition(":")[2]),
    }
    assert answer.start_time_unix_nano <= call.start_time_unix_nano < call.end_time_unix_nano
    assert set(receiver.metrics) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    }
    points = receiver.metrics["gen_ai.client.token.usage"].histogram.data_points
    assert {told(point)["gen_ai.token.type"]: point.sum for point in points} == {"input": 131, "output": 7}
    assert CANARY.encode() not in receiver.raw
    assert KEY.encode() not in receiver.raw


@pytest.mark.parametrize(
    ("question", "end", "errors"),
    [("refuse", "upstream_error", ["invalid_request_error"]), ("break", "complete", ["reset", None])],
)
async def test_what_fails_is_told_without_a_word_of_it(
    question: str, end: str, errors: list[str | None], claude: ScriptedClaude, receiver: Receiver
) -> None:
    async with serving(claude.url) as gateway:
        await gateway.request("POST", "/api/chat", ask(f"{question} {CANARY}", stream=False))
    assert told(receiver.span("generation"))["gateway.end"] == end
    calls = [span for span in receiver.spans if span.name.startswith("chat ")]
    assert [told(call).get("error.type") for call in calls] == errors
    assert CANARY.encode() not in receiver.raw


def calling(call: Call) -> Answer:
    """Have three tools called, then answer."""
    if len(call.body["messages"]) > 1:
        return saying("done")
    calls = [("add", {"a": 1}), ("fail", {}), ("add", {"a": CANARY})]
    blocks = [
        block(
            index,
            {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}},
            {"type": "input_json_delta", "partial_json": json.dumps(given)},
        )
        for index, (name, given) in enumerate(calls)
    ]
    return [message_start(), *itertools.chain(*blocks), *ending("tool_use")]


async def test_each_call_of_a_tool_is_a_span_without_what_it_was_given_and_gave(receiver: Receiver) -> None:
    tools = {"tools": ("tests.kit",)}
    question = ask(CANARY, tools=[{"name": "add"}, {"name": "fail"}], stream=False)
    async with ScriptedClaude(calling) as claude, serving(claude.url, **tools) as gateway:
        answer = await gateway.request("POST", "/api/chat", question)
    assert answer.status == 200, answer.raw
    generation = receiver.span("generation")
    spans = {
        told(span)["gen_ai.tool.call.id"]: span
        for span in receiver.spans
        if span.name.startswith("execute_tool ")
    }
    assert {id_: told(span) for id_, span in spans.items()} == {
        id_: {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": id_,
            **error,
        }
        for id_, name, error in (
            ("toolu_0", "add", {}),
            ("toolu_1", "fail", {"error.type": "RuntimeError"}),
            ("toolu_2", "add", {"error.type": "bad_input"}),
        )
    }
    for span in spans.values():
        assert span.parent_span_id == generation.span_id
        assert span.name == f"execute_tool {told(span)['gen_ai.tool.name']}"
        assert generation.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= generation.end_time_unix_nano
        assert span.status.code == (2 if "error.type" in told(span) else 0)
    points = receiver.metrics["gen_ai.execute_tool.duration"].histogram.data_points
    assert sum(point.count for point in points) == 3
    for secret in (CANARY, "the secret of the tool"):
        assert secret.encode() not in receiver.raw


async def test_a_tool_that_was_given_up_is_a_span_that_says_so(receiver: Receiver) -> None:
    waiting = block(
        0,
        {"type": "tool_use", "id": "toolu_0", "name": "wait_for", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"gate": "given up"}'},
    )
    kit.GATES["given up"] = asyncio.Event()
    script = [message_start(), *waiting, asyncio.Event()]
    async with (
        ScriptedClaude(lambda _: script) as claude,
        serving(claude.url, tools=("tests.kit",)) as gateway,
    ):
        stream = await gateway.stream(ask("x", tools=[{"name": "wait_for"}]))
        await stream.next("tool_use")
        await gateway.request("DELETE", f"/api/chat/{stream.id}")
        await stream.rest()
    assert told(receiver.span("execute_tool wait_for"))["error.type"] == "cancelled"


async def test_nothing_is_sent_unless_the_environment_says_where_to(
    receiver: Receiver, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    assert type(telemetry.telemetry(None)) is telemetry.Telemetry
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
    async with serving(claude.url) as gateway:
        await (await gateway.stream(ask("x"))).rest()
    assert receiver.span("generation")
    assert set(receiver.paths) == {"/v1/traces"}


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
)
async def test_it_can_be_off(
    name: str, value: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert type(telemetry.telemetry(None)) is telemetry.Telemetry


async def test_what_is_not_installed_is_said(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telemetry, "find_spec", lambda _: None)
    assert type(telemetry.telemetry(None)) is telemetry.Telemetry
    assert "uv sync --extra otel" in caplog.text
