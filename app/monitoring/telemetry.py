"""Traces and metrics for OpenTelemetry, by its conventions for generative AI. They hold no text and no key.

On where the ``otel`` extra is installed and the environment names where to send to (``OTEL_EXPORTER_OTLP_ENDPOINT``,
or that of traces or metrics). A generation's spans are made when it has ended, with the times that were noted, so that
nothing is added to a stream while it runs.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.monitoring.genai import Instruments, about_call, about_tool, known, usage_of
from app.monitoring.outcome import Outcome
from app.record import TRACE, Record

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanKind

logger = logging.getLogger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

FAREWELL_S = 5
"""How long what has not been sent may take when the process ends."""

ANTHROPIC = ("api.anthropic.com", 443)


class Telemetry:
    """What is traced where nothing is."""

    def request(self, method: str, headers: Mapping[str, str]) -> AbstractContextManager["Request | None"]:
        """Trace an HTTP request with these *headers*; the value is told what is found out about it."""
        return nullcontext()

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
        logger.error("%s is set, but OpenTelemetry is not installed: uv sync --extra otel", ENDPOINT)
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
        self._instruments = Instruments(self._meters.get_meter("claude-gateway")) if self._meters else None

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
        """Tell of a generation that has just ended, and of its calls of Claude and of tools that run here."""
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
            "generation", record.trace, SpanKind.INTERNAL, known(told), start_time=record.began_ns
        )
        inside = set_span_in_context(span, record.trace)
        for ran in record.tools:
            about, end = about_tool(ran), ran.ended_ns or now
            said = about | {"gen_ai.tool.call.id": ran.id}
            self._span(f"execute_tool {ran.name}", SpanKind.INTERNAL, inside, said, ran.began_ns, end)
            if self._instruments:
                self._instruments.tool(ran, about, end)
        for call in record.made:
            about, end = about_call(ended, call, self._server), call.ended_ns or now
            said = about | usage_of(call)
            self._span(f"chat {ended.model}", SpanKind.CLIENT, inside, said, call.began_ns, end)
            if self._instruments:
                self._instruments.call(call, about, end)
        if ended.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def _span(
        self,
        name: str,
        kind: "SpanKind",
        inside: "Context",
        about: dict[str, Any],
        began_ns: int,
        ended_ns: int,
    ) -> None:
        from opentelemetry.trace import Status, StatusCode

        span = self._tracer.start_span(name, inside, kind, about, start_time=began_ns)
        if "error.type" in about:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)

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
