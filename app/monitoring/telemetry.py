"""Traces and metrics for OpenTelemetry, by its conventions for generative AI. They hold no text and no key.

On where the ``otel`` extra is installed and the environment names where to send to (``OTEL_EXPORTER_OTLP_ENDPOINT``,
or that of traces or metrics). A generation's spans are made when it has ended, with the times that were noted, so that
nothing is added to a stream while it runs.

Names: https://github.com/open-telemetry/semantic-conventions-genai, as of the SDK's 1.45.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.monitoring.outcome import Outcome
from app.record import TRACE, Call, Record

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

FAREWELL_S = 5
"""How long what has not been sent may take when the process ends."""

ANTHROPIC = ("api.anthropic.com", 443)

DURATION_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""The buckets that the conventions ask for."""


class Telemetry:
    """What is traced where nothing is."""

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator["Request | None"]:
        """Trace an HTTP request with these *headers*; the value is told what is found out about it."""
        yield None

    def generation_ended(self, ended: Outcome, record: Record) -> None:
        """Tell of a generation that has just ended."""

    async def close(self) -> None:
        """Send what has not been sent."""


class Request:
    """The span of one HTTP request."""

    def __init__(self, span: Any, method: str) -> None:
        self._span = span
        self._method = method

    def answered(self, route: str, status: int) -> None:
        """Note the template of the route, empty where there is none, and the status."""
        if route:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_attribute("error.type", str(status))


def telemetry(base_url: str | None) -> Telemetry:
    """Return what the environment asks for.

    Args:
        base_url: Where Claude is called; None for its own address.
    """
    environment = os.environ
    wanted = {
        signal: environment.get(f"OTEL_{signal}_EXPORTER", "otlp") == "otlp"
        and bool(environment.get(ENDPOINT) or environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))
        for signal in ("TRACES", "METRICS")
    }
    if not any(wanted.values()) or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Telemetry()
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        logger.error(
            "%s is set, but OpenTelemetry is not installed: pip install claude-gateway[otel]", ENDPOINT
        )
        return Telemetry()
    if (protocol := environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")) != "http/protobuf":
        logger.error("OTEL_EXPORTER_OTLP_PROTOCOL is %.20s; only http/protobuf is spoken here", protocol)
        return Telemetry()
    return OpenTelemetry(base_url, traces=wanted["TRACES"], metrics=wanted["METRICS"])


class OpenTelemetry(Telemetry):
    """Sends to an OTLP receiver, from threads of the SDK's own."""

    def __init__(self, base_url: str | None, *, traces: bool, metrics: bool) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "claude-gateway")})
        self._tracers = _tracers(resource, sends=traces)
        self._meters = _meters(resource) if metrics else None
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = self._tracers.get_tracer("claude-gateway")
        address = urlsplit(base_url) if base_url else None
        self._server = (
            (address.hostname or "", address.port or (443 if address.scheme == "https" else 80))
            if address
            else ANTHROPIC
        )
        if self._meters:
            meter = self._meters.get_meter("claude-gateway")
            self._durations = meter.create_histogram(
                "gen_ai.client.operation.duration",
                "s",
                "GenAI operation duration.",
                explicit_bucket_boundaries_advisory=DURATION_SECONDS,
            )
            self._tokens = meter.create_histogram(
                "gen_ai.client.token.usage",
                "{token}",
                "Number of input and output tokens used.",
                explicit_bucket_boundaries_advisory=TOKENS,
            )
            self._first = meter.create_histogram(
                "gen_ai.client.operation.time_to_first_chunk",
                "s",
                "Time to receive the first chunk.",
                explicit_bucket_boundaries_advisory=DURATION_SECONDS,
            )

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Request]:
        """Trace an HTTP request, as part of the client's trace if it says that it has one."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        above = self._propagator.extract(headers)
        span = self._tracer.start_span(method, above, SpanKind.SERVER, {"http.request.method": method})
        token = TRACE.set(set_span_in_context(span, above))
        try:
            yield Request(span, method)
        finally:
            TRACE.reset(token)
            span.end()

    def generation_ended(self, ended: Outcome, record: Record) -> None:
        """Tell of a generation that has just ended, and of its calls of Claude."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        now = time.time_ns()
        told = {
            "gateway.end": ended.end,
            "gateway.retries": ended.retries,
            "gateway.seams": ended.seams,
            "gateway.tool_turns": ended.tool_turns,
            "gateway.tokens_from": ended.tokens_from,
            "gateway.cost_usd": ended.cost_usd,
            "error.type": ended.error,
        }
        span = self._tracer.start_span(
            "generation", record.trace, SpanKind.INTERNAL, _known(told), start_time=record.began_ns
        )
        inside = set_span_in_context(span, record.trace)
        for call in record.made:
            about = self._about(ended, call)
            one = self._tracer.start_span(
                f"chat {ended.model}",
                inside,
                SpanKind.CLIENT,
                about | _usage(call),
                start_time=call.began_ns,
            )
            if call.error:
                one.set_status(Status(StatusCode.ERROR))
            one.end(call.ended_ns or now)
            if self._meters:
                self._measure(call, about, now)
        if ended.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def _about(self, ended: Outcome, call: Call) -> dict[str, Any]:
        return _known(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": ended.model,
                "gen_ai.response.model": call.model,
                "server.address": self._server[0],
                "server.port": self._server[1],
                "error.type": call.error,
            }
        )

    def _measure(self, call: Call, about: dict[str, Any], now: int) -> None:
        self._durations.record(((call.ended_ns or now) - call.began_ns) / 1e9, about)
        if call.first_ns:
            self._first.record((call.first_ns - call.began_ns) / 1e9, about)
        usage = _usage(call)
        for kind in ("input", "output"):
            if (count := usage.get(f"gen_ai.usage.{kind}_tokens")) is not None:
                self._tokens.record(count, about | {"gen_ai.token.type": kind})

    async def close(self) -> None:
        """Send what has not been sent, but do not wait for ever for who should take it."""
        providers = [provider for provider in (self._tracers, self._meters) if provider]
        threads = [threading.Thread(target=provider.shutdown, daemon=True) for provider in providers]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + FAREWELL_S
        for thread in threads:
            await asyncio.to_thread(thread.join, max(0.0, deadline - time.monotonic()))


def _tracers(resource: "Resource", *, sends: bool) -> "TracerProvider":
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if sends:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _meters(resource: "Resource") -> "MeterProvider":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider([reader], resource, shutdown_on_exit=False)


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _usage(call: Call) -> dict[str, Any]:
    """Return what only spans say of *call*: ids and counts."""
    usage = call.usage
    counts = {
        name: value if isinstance(value := usage.get(name), int) else 0
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    }
    return _known(
        {
            "gen_ai.request.stream": True,
            "gen_ai.request.max_tokens": call.max_tokens,
            "gen_ai.response.id": call.message_id,
            "gen_ai.response.finish_reasons": [call.stop_reason] if call.stop_reason else None,
            "gen_ai.response.time_to_first_chunk": (call.first_ns - call.began_ns) / 1e9
            if call.first_ns
            else None,
            # With what came from the cache and went into it, as the conventions have it.
            "gen_ai.usage.input_tokens": sum(counts.values()) if usage else None,
            "gen_ai.usage.output_tokens": usage.get("output_tokens"),
            "gen_ai.usage.cache_read.input_tokens": counts["cache_read_input_tokens"] if usage else None,
            "gen_ai.usage.cache_creation.input_tokens": counts["cache_creation_input_tokens"]
            if usage
            else None,
        }
    )
