"""What Prometheus is told.

Labels never hold ids, addresses or text, and take bounded sets of values: routes are templates, models those of the
allow-list, clients the first hundred that have signed in.
"""

import asyncio
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from weakref import WeakSet

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from app.monitoring.outcome import Outcome
from app.protocol.errors import KNOWN_TYPES, Problem
from app.record import GAP_SECONDS, Gaps
from app.version import VERSION

FIRST_TOKEN_SECONDS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 30, 60, 120)

ANSWER_SECONDS = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)

LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

LOOK_S = 0.5
"""How often the event loop's lag is measured."""

MAX_CLIENTS = 100
"""Clients with a label of their own; the rest share one."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER = "other"


class Metrics:
    """The gateway's counters, one registry per application.

    Args:
        models: The models that have a label of their own.
    """

    def __init__(self, models: Iterable[str]) -> None:
        # When each counter began: half as many lines again, for nothing that we show.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self.gaps = Gaps()
        self._models = frozenset(models)
        self._clients: set[str] = set()
        self._counted: WeakSet[Problem] = WeakSet()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        registry.register(_Between(self.gaps))

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"gateway_{name}", about, labels, registry=registry)

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(f"gateway_{name}", about, labels, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"gateway_{name}", about, labels, buckets=buckets, registry=registry)

        # What looks one up by its labels is kept: the client takes longer to find it than to count (measured).
        self.requests = cache(
            counter("requests", "HTTP requests answered", "route", "method", "status").labels
        )
        self.started = cache(counter("generations_started", "Generations started", "model").labels)
        self.ended = cache(counter("generations_ended", "Generations ended, by why", "model", "end").labels)
        self.live = gauge("generations_live", "Generations under way")
        self.readers = gauge("readers", "Open streams to readers")
        self.log_bytes = gauge("log_bytes", "Bytes that answers and the questions under way hold")
        self.ttft = cache(
            histogram(
                "time_to_first_token_seconds",
                "From the request to the first piece of content",
                FIRST_TOKEN_SECONDS,
                "model",
            ).labels
        )
        self.duration = cache(
            histogram("generation_seconds", "From the request to the end", ANSWER_SECONDS, "model").labels
        )
        self.tokens = cache(counter("tokens", "Tokens that Claude reported", "model", "kind").labels)
        self.cost = cache(counter("cost_usd", "US dollars at Claude's list prices", "model").labels)
        self.unpriced = cache(
            counter("unpriced_generations", "Generations whose cost is not known", "model").labels
        )
        self.client_tokens = cache(
            counter("client_tokens", "Tokens of one who has signed in", "client", "kind").labels
        )
        self.client_cost = cache(
            counter("client_cost_usd", "US dollars of one who has signed in", "client").labels
        )
        self.errors = cache(counter("errors", "Requests and generations that failed", "fault", "type").labels)
        self.retries = counter("retries", "Calls of Claude after one that failed")
        self.seams = counter("seams", "Places where a broken answer went on in new text")
        self.tool_turns = counter("tool_turns", "Turns that ended in calls of tools that run here")
        self.replays = counter("idempotent_replays", "POSTs that found their generation by key")
        self.resumes = counter("resumes", "Streams taken up again")
        self.stuck = counter("slow_readers_dropped", "Readers let go because they did not read")
        self.limits = cache(
            counter("limits_hit", "Requests and generations that met a limit", "limit").labels
        )
        self.lag = histogram("loop_lag_seconds", "How late the event loop is", LAG_SECONDS)
        build_info = gauge("build_info", "Version", "version", "python")
        build_info.labels(VERSION, platform.python_version()).set(1)

    # What happens

    def request_ended(self, route: str, method: str, status: int) -> None:
        """Count an HTTP request.

        Args:
            route: Its template; empty where there is none.
            method: A known one.
            status: Of the answer; 0 where the client left before.
        """
        self.requests(route or OTHER, method, str(status)).inc()

    def failed(self, problem: Problem) -> None:
        """Count that somebody was told of *problem*. The same one, told again, does not count."""
        if problem in self._counted:
            return
        self._counted.add(problem)
        self.errors(problem.fault, problem.type if problem.type in KNOWN_TYPES else OTHER).inc()
        if problem.limit:
            self.limits(problem.limit).inc()

    def generation_started(self, model: str) -> None:
        """Count a generation."""
        self.started(self._model(model)).inc()

    def generation_ended(self, ended: Outcome, problem: Problem | None) -> None:
        """Count how a generation has ended, and what it failed with."""
        model = self._model(ended.model)
        self.ended(model, ended.end).inc()
        if problem:
            self.failed(problem)
        for kind, count in ended.tokens.items():
            self.tokens(model, kind).inc(count)
        if ended.cost_usd is not None:
            self.cost(model).inc(ended.cost_usd)
        elif ended.tokens:
            self.unpriced(model).inc()
        if ended.user is not None:
            self._count_client(self._client(ended.user), ended)
        self.retries.inc(ended.retries)
        self.seams.inc(ended.seams)
        self.tool_turns.inc(ended.tool_turns)
        self.duration(model).observe(ended.duration_ms / 1000)
        if ended.ttft_ms is not None:
            self.ttft(model).observe(ended.ttft_ms / 1000)

    def _count_client(self, client: str, ended: Outcome) -> None:
        for kind, count in ended.tokens.items():
            self.client_tokens(client, kind).inc(count)
        self.client_cost(client).inc(ended.cost_usd or 0)

    def _model(self, model: str) -> str:
        return model if model in self._models else OTHER

    def _client(self, user: str) -> str:
        if len(self._clients) < MAX_CLIENTS:
            self._clients.add(user)
        return user if user in self._clients else OTHER

    async def watch_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.lag.observe(max(0.0, loop.time() - due))

    def render(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


def known_method(method: str) -> str:
    """Return *method*, or one word for all that clients think up."""
    return method if method in METHODS else OTHER


class _Between(Collector):
    """The histogram of the time between deltas."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield it as it is now."""
        buckets, total = [], 0
        for bound, count in zip((*map(str, map(float, GAP_SECONDS)), "+Inf"), self._gaps.counts, strict=True):
            total += count
            buckets.append((bound, total))
        yield HistogramMetricFamily(
            "gateway_time_between_deltas_seconds",
            "From one piece of content to the next, as they come from Claude",
            buckets=buckets,
            sum_value=self._gaps.sum_s,
        )
